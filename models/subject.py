"""Where the subject is, told from what moves: no weights, no face detector.

The rule of `--fit subject`: the box has the target's shape and the largest size that fits, as with `crop`; it is free along one side
only. Along that side it is laid over what moves, the camera's own motion taken off:

* side to side it holds as much of the motion as it can;
* up and down the highest thing that moves keeps `HEADROOM` of the box above it, so a dancer keeps her head and loses her feet; a subject
  that fits whole stands in the middle;
* where nothing moves, as in a still picture, the box is centred from side to side and lies at the `STILL_HEIGHT` part of its way from the
  top, where heads are in upright pictures.

What this cannot see: a head that never moves above hands that do, and which of two moving people is meant.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.box import Box, largest_within
from models.optical_flow import flow_between

HEADROOM = 0.15
"""Of the box's height, above the highest thing that moves. Set by looking at five clips of dancers: a head moves less than the hands."""
STILL_HEIGHT = 0.2
"""Share of the room above and below the box that lies above it where nothing moves."""
_LONG_SIDE_PX = 160
_NOISE_PX, _FAR_PX = 0.4, 4.0
"""A motion below the one is noise; above the other it counts no more."""
_LEAST_MOVING = 2e-3
"""Mean motion, px, below which it does not say where the subject is."""
_ENOUGH = 0.95
"""A box that holds this share of what the fullest one does is as good; the one nearest to the middle is taken."""
_TAIL = 0.005
"""Share of the motion at either end that may be something else."""


def motion_map(frames: np.ndarray) -> np.ndarray:
    """How far each pixel moves against the camera from frame to frame, on average; float32 `[h,w]` px of uint8 `[T,H,W,3]` at 160 px."""
    share = min(1.0, _LONG_SIDE_PX / max(frames.shape[1:3]))
    size = tuple(max(16, round(side * share)) for side in frames.shape[2:0:-1])
    small = [cv2.resize(np.ascontiguousarray(frame), size, interpolation=cv2.INTER_AREA) for frame in frames]
    moving = np.zeros(size[::-1], np.float32)
    for before, after in zip(small, small[1:]):
        moving += _beside_camera(flow_between(before, after))
    return moving / max(1, len(small) - 1)


def _beside_camera(flow: np.ndarray) -> np.ndarray:
    """What is left of a flow when the motion that most of the picture shares (affine: pan, zoom, turn) is taken off; noise is 0."""
    height, width = flow.shape[:2]
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    some = (slice(None, None, 4), slice(None, None, 4))
    starts = places[some].reshape(-1, 2)
    camera, _ = cv2.estimateAffine2D(starts, starts + flow[some].reshape(-1, 2), method=cv2.RANSAC, ransacReprojThreshold=_NOISE_PX)
    if camera is not None:
        flow = flow - (places @ camera[:, :2].T.astype(np.float32) + camera[:, 2].astype(np.float32) - places)
    return np.clip(np.hypot(flow[..., 0], flow[..., 1]) - _NOISE_PX, 0, _FAR_PX)


def moving_box(moving: np.ndarray, size: tuple[int, int]) -> Box:
    """The box of what moves, px of a (W,H) picture, told from a `motion_map` in which something does."""
    (left, right), (top, bottom) = _extent(moving.sum(0)), _extent(moving.sum(1))
    across, down = size[0] / moving.shape[1], size[1] / moving.shape[0]
    x, y = round(left * across), round(top * down)
    return x, y, max(1, round(right * across) - x), max(1, round(bottom * down) - y)


def _extent(profile: np.ndarray) -> tuple[int, int]:
    """First and last place, exclusive, between the tails of a profile."""
    sums = np.cumsum(profile) / profile.sum()
    return int(np.searchsorted(sums, _TAIL)), int(np.searchsorted(sums, 1 - _TAIL)) + 1


def subject_box(frames: np.ndarray, source: tuple[int, int], target: tuple[int, int]) -> Box:
    """The box (x, y, w, h) px of a `source` (W,H) picture, with the aspect ratio of `target` (W,H), that holds the subject.

    `frames`: uint8 `[T,H,W,3]`, reduced as one likes; one still picture has T = 1.
    """
    (width, height), (across, down) = source, largest_within(source, target)
    moving = motion_map(frames)
    if moving.mean() < _LEAST_MOVING:
        return (width - across) // 2, round(STILL_HEIGHT * (height - down)), across, down
    left = _fullest(moving.sum(0), across / width) * width
    _, top, _, tall = moving_box(moving, source)
    over = max(HEADROOM * down, (down - tall) / 2)
    return _inside(left, across, width), _inside(top - over, down, height), across, down


def _fullest(profile: np.ndarray, share: float) -> float:
    """Where a box of `share` of the side begins that holds most of a profile, 0-1; of good ones that nearest to the middle."""
    length = max(1, round(share * len(profile)))
    held = np.convolve(profile, np.ones(length), "valid")
    good = np.flatnonzero(held >= _ENOUGH * held.max())
    return float(good[np.abs(good - (len(held) - 1) / 2).argmin()]) / len(profile)


def _inside(start: float, length: int, side: int) -> int:
    return int(np.clip(round(start), 0, side - length))
