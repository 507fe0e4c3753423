"""How many frames a system is asked for in place of a count it does not take, and how many of its rate span a request."""

from __future__ import annotations

from math import ceil, floor

from models.capabilities import FrameRule
from models.types import require

_SAME_RATE = 1e-3


def same_rate(one: float, other: float) -> bool:
    """Whether two rates are one within a thousandth."""
    return abs(one - other) < _SAME_RATE * one


def frames_at(num_frames: int, fps: float, own_fps: float) -> int:
    """How many frames at `own_fps` show all moments of `num_frames` at `fps`, by the rule of `models.video.times`."""
    from models.video.times import nearest_frames  # models.video imports PyAV and OpenCV, stating a length must not

    return num_frames if same_rate(fps, own_fps) else max(1, int(nearest_frames(num_frames, fps, own_fps)[-1]) + 1)


def frames_up(frames: int, stride: int) -> int:
    """The least k·`stride` + 1 frames that hold `frames`: what a video VAE of that stride takes."""
    return -(-(frames - 1) // stride) * stride + 1


def count_within(frames: int, rule: FrameRule, fps: float | None = None) -> int:
    """The least allowed count >= `frames`, or the most there may be. `fps`: of these frames, where the rule has none of its own.

    Raises ValueError where the rule allows no count.
    """
    rate = rule.fps or fps
    timed = rule.least_s > 0 or rule.most_s is not None
    require(rate is not None or not timed, "frame rule", "fps", "none", "a rate, as it bounds seconds")
    least, most = max(rule.least, ceil(rule.least_s * (rate or 0) - 1e-6)), rule.most
    if rule.most_s is not None:
        most = min(most or floor(rule.most_s * rate + 1e-6), floor(rule.most_s * rate + 1e-6))
    lowest = _up(least, rule)
    highest = None if most is None else (most - rule.offset) // rule.step * rule.step + rule.offset
    require(highest is None or highest >= lowest, "frame rule", "counts", f"none from {least} to {most}", "at least one", f"look at {rule}")
    count = _up(max(frames, least), rule)
    return count if highest is None else min(count, highest)


def _up(frames: int, rule: FrameRule) -> int:
    count = max(0, ceil((frames - rule.offset) / rule.step)) * rule.step + rule.offset
    return count if count >= 1 else rule.step
