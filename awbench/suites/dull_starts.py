"""Clips that hardly move in their first window, though they do later: a case made of it asks little of an animator.

Told from reduced, blurred frames every `STEP_S`: the mean squared change, so that the jitter of edges and codecs counts little beside a
limb that moves. A window's largest change counts as its second largest does, so that a cut is no motion.
"""

from __future__ import annotations

from contextlib import closing
from math import ceil
from pathlib import Path
from typing import Iterable

import cv2
import numpy as np

from models.progress import Progress
from models.video import small_frames_of

STEP_S, LOOK_S = 0.2, 60.0
"""How far apart frames are compared, and how much of a clip is looked at."""
DULL = 0.2
"""Of the change in the window that moves most: a first window with less is dull. First windows of 3 s of 16 real clips have 0.31 to 1;
one of a captured wave that begins after 2 s has 0.12."""
_MOVES = 0.5
"""Mean squared change, grey levels, that is motion and no noise."""
_BLUR_PX = 4.0
"""At a long side of 160 px."""


def dull_starts(folder: Path, drivers: Iterable[str], span_s: float) -> list[str]:
    """A line for each driver in `folder` whose first `span_s` seconds hardly move."""
    lines, drivers = [], list(drivers)
    with Progress("suite: looking for motion", total=len(drivers)) as bar:
        for name in drivers:
            better_s = livelier_start(folder / name, span_s)
            if better_s is not None:
                said = f"driver {name}: hardly moves in its first {span_s:.2g} s, most from {better_s:.1f} s on"
                lines.append(f"{said}; `start_s` in a --pairing table begins a case there, or cut the clip")
            bar.step()
    return lines


def livelier_start(path: Path, span_s: float) -> float | None:
    """Where the window of `span_s` seconds begins that moves most, s, where the first one is dull beside it; else None."""
    changes, steps = _changes(path), max(2, ceil(span_s / STEP_S))
    if len(changes) <= steps:
        return None
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(changes, steps), axis=1)
    moved = np.minimum(windows, windows[:, -2:-1]).mean(axis=1)
    best = int(moved.argmax())
    return best * STEP_S if moved[best] > _MOVES and moved[0] < DULL * moved[best] else None


def _changes(path: Path) -> np.ndarray:
    """The mean squared change of the picture from step to step, float64 `[n]`; of what can be read."""
    changes, before, next_s = list[float](), None, 0.0
    with closing(small_frames_of(path)) as film:
        for frame in film:
            if frame.time_s > LOOK_S:
                break
            if frame.time_s < next_s - 1e-3:
                continue
            now = cv2.GaussianBlur(frame.image, (0, 0), _BLUR_PX).astype(np.float32)
            if before is not None:
                changes.append(float(np.square(now - before).mean()))
            before, next_s = now, next_s + STEP_S
    return np.array(changes)
