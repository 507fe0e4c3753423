"""The one rule for "the frame at time t", and the clean times it is applied to.

The frame at time t is the one whose presentation time is nearest, the earlier of two equally near. The last frame is shown for one gap
more, and what lies at or behind its end is not in the clip. Containers round time stamps to their ticks (a millisecond in mkv and webm);
where a stamp is one tick or less from a multiple of the stream's rate, the multiple is meant, so that a steady clip has the times k / fps
in every container and a tie is a tie by every road.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Sequence

import numpy as np

TIE_S = 1e-6
"""Times that differ by less are equal."""
_LEAST_TICK_S = 5e-4
"""Some demuxers round more than their ticks say (apng)."""
_RESTART_FRAMES = 5
"""A stamp this many frames back is a new beginning; a smaller step back is disorder, which costs at most a moment."""


def nearest(times_s: Sequence[float] | np.ndarray, wanted_s: np.ndarray) -> np.ndarray:
    """Index of the frame at each wanted time; `times_s` rise. int `wanted_s.shape`."""
    times = np.asarray(times_s, np.float64)
    return np.searchsorted((times[1:] + times[:-1]) / 2 + TIE_S, wanted_s, side="left")


def nearest_frames(num_frames: int, fps: float, source_fps: float) -> np.ndarray:
    """Which frame of a steady source stands for each frame of a grid, by the same rule; int `[num_frames]`, it may lie behind the end."""
    return np.ceil(np.arange(num_frames) * source_fps / fps - 0.5 - TIE_S * source_fps).astype(int)


def is_steady(times_s: Sequence[float], within_frames: float = 0.25) -> bool:
    """Whether the gaps between frames differ by no more than that part of one."""
    gaps_s = np.diff(times_s)
    return len(gaps_s) == 0 or gaps_s.max() - gaps_s.min() <= within_frames * np.median(gaps_s)


def lies_within(wanted_s: float, end_s: float) -> bool:
    """Whether a clip shown until `end_s` has a frame at `wanted_s`."""
    return wanted_s < end_s - TIE_S


def nice_rate(fps: float) -> float:
    """A measured rate as a whole number or a fraction over 1001 where it is that within rounding."""
    whole = round(fps)
    if whole > 0 and abs(fps - whole) < min(0.005 * fps, 0.02):
        return float(whole)
    return float(Fraction(fps).limit_denominator(1001)) or fps


class Clock:
    """Raw presentation times, s, in the order of showing -> times from the first frame on that never go back."""

    def __init__(self, rate_fps: float, tick_s: float) -> None:
        self._rate, self._slack = rate_fps, 1.02 * min(max(tick_s, _LEAST_TICK_S), 0.1 / rate_fps)
        self._zero: float | None = None
        self.last_s, self._gap_s, self.restarts = 0.0, 1 / rate_fps, 0

    def time_of(self, raw_s: float | None) -> float:
        """The time of the next frame. Without a stamp it follows as the last one did; so do stamps that begin anew."""
        if self._zero is None:
            self._zero = raw_s or 0.0
            return 0.0
        next_s = self.last_s + self._gap_s
        time_s = next_s if raw_s is None else raw_s - self._zero
        if restarts(time_s, self.last_s, self._rate):
            self._zero -= next_s - time_s
            self.restarts, time_s = self.restarts + 1, next_s
        time_s = max(self._snapped(time_s), self.last_s + TIE_S)
        self.last_s, self._gap_s = time_s, time_s - self.last_s
        return time_s

    def _snapped(self, time_s: float) -> float:
        meant = round(time_s * self._rate) / self._rate
        return meant if abs(meant - time_s) <= self._slack else time_s


def restarts(time_s: float, before_s: float, rate_fps: float) -> bool:
    """Whether a stamp after another one is a new beginning."""
    return time_s < before_s - _RESTART_FRAMES / rate_fps
