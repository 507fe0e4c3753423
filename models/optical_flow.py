"""Dense optical flow (OpenCV DIS) and backward warping: numpy and cv2 only.

Serves `flow_warp`, the metrics and the factory's filters. Flow is forward: float32 `[H,W,2]` (dx, dy) in px that
takes a pixel of frame t to its place in frame t+1. Source: Kroeger et al., "Fast Optical Flow using Dense Inverse
Search", ECCV 2016.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Iterator

import cv2
import numpy as np

_MIN_SIDE_PX = 96  # DIS needs a few pyramid levels of 8-px patches; smaller pictures are enlarged first


def _enlarged(channel: np.ndarray, scale: float) -> np.ndarray:
    channel = np.ascontiguousarray(channel)
    return channel if scale == 1 else cv2.resize(channel, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def flow_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Forward flow from `first` to `second` (uint8 `[H,W,3]` of equal size): float32 `[H,W,2]` px."""
    height, width = first.shape[:2]
    scale = max(1.0, _MIN_SIDE_PX / min(height, width))
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = (_enlarged(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), scale) for picture in (first, second))
    flow = dis.calc(*grey, None)
    if scale != 1:
        flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA) / scale
    return np.ascontiguousarray(flow, dtype=np.float32)


def flow_sequence(frames: np.ndarray) -> np.ndarray:
    """Flows between neighbours of uint8 `[T,H,W,3]`: float32 `[T-1,H,W,2]` px."""
    flows = [flow_between(a, b) for a, b in zip(frames[:-1], frames[1:])]
    return np.stack(flows) if flows else np.zeros((0, *frames.shape[1:3], 2), np.float32)


def backward_warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Sample `image` (`[H,W]` or `[H,W,C]`) at x + flow(x): the picture seen from the flow's origin, edges replicated."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


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
