"""A long driver in segments of at most so many frames, each going on from the last frames painted before it.

    most 9, overlap 1:   frames 0-8, then [8] 9-16, then [16] 17-...        [n]: given, not painted anew

The VAE takes 4k+1 frames; the last segment is as short as that allows and its driver's last frame is held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models import lengths
from models.types import require

STRIDE = 4
"""Frames of video in a latent frame of the Wan VAE, after the first."""


def frames_up(count: int) -> int:
    """The least 4k+1 frames that hold `count`."""
    return lengths.frames_up(count, STRIDE)


def counted(number: int) -> str:
    """Such as "1 segment"."""
    return f"{number} segment" + "s" * (number != 1)


def latent_frames(frames: int) -> int:
    return (frames - 1) // STRIDE + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """`length` frames of which the first `tail` are given, the next `new` stand at `start` of the clip, and the rest is thrown away."""

    start: int
    tail: int
    new: int
    length: int

    def driver_frames(self, count: int) -> np.ndarray:
        """Which driver frame stands at each frame of the segment."""
        return np.clip(np.arange(self.length) - self.tail + self.start, 0, count - 1)


def segments(count: int, most: int, overlap: int) -> list[Segment]:
    """The segments that paint `count` frames."""
    plan, start = [], 0
    while start < count:
        tail = min(overlap, start)
        new = min(count - start, most - tail)
        plan.append(Segment(start=start, tail=tail, new=new, length=frames_up(tail + new)))
        start += new
    return plan


def check_segments(item: str, segment: int, overlap: int) -> None:
    """Raise ValueError unless a segment is 4k+1 frames and longer than its overlap."""
    require(segment >= 5 and segment % STRIDE == 1, item, "segment", segment, "4k+1 frames, >= 5")
    require(0 <= overlap < segment, item, "overlap", overlap, f"0 to {segment - 1} frames")
