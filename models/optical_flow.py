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

GROUND, UNKNOWN, FIGURE = 0, 128, 255
_FIGURE_REACH, _FIGURE_MOVES_PX, _FIGURE_EVIDENCE = 5, 0.7, 2.0
"""Frames looked at on either side, what counts as moving, and the grey levels by which one explanation must be the better one."""
_BORDER_PX, _CAMERA_MOVES_PX = 3, 0.4
_MIN_SIDE_PX = 96  # DIS needs a few pyramid levels of 8-px patches; smaller pictures are enlarged first


def _enlarged(channel: np.ndarray, scale: float) -> np.ndarray:
    channel = np.ascontiguousarray(channel)
    return channel if scale == 1 else cv2.resize(channel, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def flow_between(first: np.ndarray, second: np.ndarray, *, careful: bool = False) -> np.ndarray:
    """Forward flow from `first` to `second` (uint8 `[H,W,3]` of equal size): float32 `[H,W,2]` px.

    `careful`: at the finest scale, and the median of what grey and each colour say, which costs several times as much: an edge that
    one of them does not show the others do (figures in docs/tiny_models.md).
    """
    height, width = first.shape[:2]
    scale = max(1.0, _MIN_SIDE_PX / min(height, width))
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    seen = [(cv2.cvtColor(first, cv2.COLOR_RGB2GRAY), cv2.cvtColor(second, cv2.COLOR_RGB2GRAY))]
    if careful:
        dis.setFinestScale(0)
        seen += zip(np.moveaxis(first, -1, 0), np.moveaxis(second, -1, 0))
    flows = [dis.calc(_enlarged(a, scale), _enlarged(b, scale), None) for a, b in seen]
    flow = np.median(flows, 0) if careful else flows[0]
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


def since_first(frames: np.ndarray, *, careful: bool = False) -> Iterator[np.ndarray]:
    """For each frame of uint8 `[T,H,W,3]`, where its pixels lie in frame 0, relative, float32 `[H,W,2]` px: neighbours chained.

    `careful` as for `flow_between`."""
    so_far = np.zeros((*frames.shape[1:3], 2), np.float32)
    yield so_far
    for previous, current in pairwise(frames):
        so_far = chain(flow_between(current, previous, careful=careful), so_far)
        yield so_far


def cell_means(flow: np.ndarray, cell_px: int) -> np.ndarray:
    """The mean flow of cells: `[H,W,2]` -> float16 `[H/cell,W/cell,2]` px, as training caches keep it."""
    height, width = flow.shape[:2]
    return cv2.resize(flow, (width // cell_px, height // cell_px), interpolation=cv2.INTER_AREA).astype(np.float16)


def clip_motion(frames: np.ndarray, cell_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the cells of every frame of uint8 `[T,H,W,3]` lie in every other one, relative: float16 `[T,T,H/cell,W/cell,2]` px, `[r,t]`
    from t to r; and for every pixel whether it belongs to what moves by itself: uint8 `[T,H,W]`, `GROUND`, `FIGURE` or `UNKNOWN`.

    Neighbours are estimated and chained, so that a far moment is reached in steps the estimator can take.
    A pixel is of the figure where it moves within some frames and its flow explains its colours in them better than standing still
    does; of the ground where it never moves, or where standing still explains them better, as it does beside a limb that drags the
    estimate along. A uniform patch that might do either is unknown, and so is a clip whose borders move: there the camera does.
    """
    count, height, width = frames.shape[:3]
    origins = np.zeros((count, count, height // cell_px, width // cell_px, 2), np.float16)
    evidence, seen, farthest = (np.zeros((count, height, width), np.float32) for _ in range(3))
    colours = frames.astype(np.float32)
    for step in (1, -1):
        to_previous = {t: flow_between(frames[t], frames[t - step]) for t in range(count) if 0 <= t - step < count}
        for moment in range(count):
            so_far, t = np.zeros((height, width, 2), np.float32), moment + step
            while 0 <= t < count:
                so_far = chain(to_previous[t], so_far)
                origins[moment, t] = cell_means(so_far, cell_px)
                if abs(t - moment) <= _FIGURE_REACH:
                    length = np.linalg.norm(so_far, axis=-1)
                    moves = length > _FIGURE_MOVES_PX
                    evidence[t] += cv2.blur(_explains(colours[moment], colours[t], so_far), (3, 3)) * moves
                    seen[t] += moves
                    farthest[t] = np.maximum(farthest[t], length)
                t += step
    return origins, _figure_labels(evidence / np.maximum(seen, 1), seen > 0, farthest)


def _explains(other: np.ndarray, frame: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """By how many grey levels a frame is nearer to another one seen through its flow than to it as it is, `[H,W]`."""
    still, moved = (np.abs(frame - picture).mean(-1) for picture in (other, backward_warp(other, flow)))
    return still - moved


def _figure_labels(evidence: np.ndarray, moves: np.ndarray, farthest: np.ndarray) -> np.ndarray:
    labels = np.full(evidence.shape, UNKNOWN, np.uint8)
    edge = _BORDER_PX
    border = (farthest[:, :edge].ravel(), farthest[:, :, :edge].ravel(), farthest[:, :, -edge:].ravel())  # feet may stand on the lower one
    if np.median(np.concatenate(border)) <= _CAMERA_MOVES_PX:
        labels[moves & (evidence > _FIGURE_EVIDENCE)] = FIGURE
        labels[~moves | (evidence < -_FIGURE_EVIDENCE)] = GROUND
    return labels


def resize_flow(flow: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring a flow field to `size` (W,H) px, vectors scaled along."""
    height, width = flow.shape[:2]
    resized = cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR)
    return resized * np.array([size[0] / width, size[1] / height], np.float32)
