"""How a driver of any length is painted: canvases no longer than those trained on, one after the other.

most 9, gap 2:             [2 blank] 0-6, [2 blank] 7-13, ...
most 9, gap 2, tail 3:     [2 blank] 0-6, [reference, 4 5 6] 7-11, ...      [n]: lead, cut off again
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.lengths import frames_up
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A canvas of `length` frames that paints the driver's frames from `start` on, `new` of them, after `lead` frames of canvas.

    `tail`: how many frames before `start` are given at canvas frames 1 to `tail`.
    """

    start: int
    new: int
    lead: int
    tail: int
    length: int

    def driver_frames(self, count: int) -> np.ndarray:
        """Which driver frame stands at each canvas frame; before the first and after the last these are repeated."""
        return np.clip(np.arange(self.length) - self.lead + self.start, 0, count - 1)


def windows(count: int, most: int, *, stride: int, gap_frames: int, tail_frames: int) -> list[Window]:
    """The windows that animate `count` frames on canvases of at most `most`, gap or tail within; `stride`: the codec's, in time."""
    longest = max(gap_frames, 1 + tail_frames if tail_frames else 0)
    require(longest < most, "windows", "gap_frames, or tail_frames and the reference", longest, f"less than the canvas' {most} frames")
    plan, start = [], 0
    while start < count:
        tail = min(tail_frames, start)
        lead = 1 + tail if tail else gap_frames
        new = min(count - start, most - lead)
        plan.append(Window(start=start, new=new, lead=lead, tail=tail, length=frames_up(max(lead + new, 2), stride)))
        start += new
    return plan
