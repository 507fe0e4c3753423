"""Dense optical flow (OpenCV DIS) and backward warping: numpy and cv2 only.

Serves `flow_warp`, the metrics and the factory's filters. Flow is forward: float32 `[H,W,2]` (dx, dy) in px that
takes a pixel of frame t to its place in frame t+1. Source: Kroeger et al., "Fast Optical Flow using Dense Inverse
Search", ECCV 2016.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Iterator

import cv2
import numpy as np

_MIN_SIDE_PX = 96  # DIS needs a few pyramid levels of 8-px patches; smaller pictures are enlarged first


def flow_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Forward flow from `first` to `second` (uint8 `[H,W,3]` of equal size): float32 `[H,W,2]` px."""
    return _flow(_estimator(), _prepared(first), _prepared(second), first.shape[:2])


def flow_sequence(frames: np.ndarray) -> np.ndarray:
    """Flows between neighbours of uint8 `[T,H,W,3]`: float32 `[T-1,H,W,2]` px."""
    flows, estimator = np.zeros((max(0, len(frames) - 1), *frames.shape[1:3], 2), np.float32), _estimator()
    for step, (first, second) in enumerate(pairwise(map(_prepared, frames))):
        flows[step] = _flow(estimator, first, second, frames.shape[1:3])
    return flows


def _estimator() -> cv2.DISOpticalFlow:
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)


def _prepared(picture: np.ndarray) -> np.ndarray:
    """What the estimator sees of uint8 `[H,W,3]`: grey, enlarged where it is small."""
    grey, scale = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), _scale(picture.shape[:2])
    return grey if scale == 1 else cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _scale(shape: tuple[int, ...]) -> float:
    return max(1.0, _MIN_SIDE_PX / min(shape))


def _flow(estimator: cv2.DISOpticalFlow, first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The flow between two prepared pictures, on a raster of (H,W) px."""
    flow, scale = estimator.calc(first, second, None), _scale(shape)
    if scale != 1:
        flow = cv2.resize(flow, shape[::-1], interpolation=cv2.INTER_AREA) / scale
    return np.ascontiguousarray(flow, dtype=np.float32)


def backward_warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Sample `image` (`[H,W]` or `[H,W,C]`) at x + flow(x): the picture seen from the flow's origin, edges replicated."""
    x, y = _places(*flow.shape[:2])
    return cv2.remap(image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@lru_cache(maxsize=8)
def _places(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels of a raster are: x and y, float32 `[H,W]` px, not to be written to."""
    places = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    for values in places:
        values.flags.writeable = False
    return tuple(places)


def chain(step: np.ndarray, so_far: np.ndarray) -> np.ndarray:
    """The flow over two steps: `step` from here to a place, `so_far` from that place on; both float32 `[H,W,2]` px."""
    return step + backward_warp(so_far, step)


def since_first(frames: np.ndarray) -> Iterator[np.ndarray]:
    """For each frame of uint8 `[T,H,W,3]`, where its pixels lie in frame 0, relative, float32 `[H,W,2]` px: neighbours chained."""
    so_far = np.zeros((*frames.shape[1:3], 2), np.float32)
    yield so_far
    for previous, current in pairwise(frames):
        so_far = chain(flow_between(current, previous), so_far)
        yield so_far


def resize_flow(flow: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring a flow field to `size` (W,H) px, vectors scaled along."""
    height, width = flow.shape[:2]
    resized = cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR)
    return resized * np.array([size[0] / width, size[1] / height], np.float32)
