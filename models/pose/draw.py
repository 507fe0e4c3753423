"""Draws a pose track as the coloured stick figures a pose-driven animator reads as its motion signal.

Strokes are distance fields in numpy: antialiased at any size, equal on every machine, and training needs no drawing library.
"""

from __future__ import annotations

import colorsys

import numpy as np

from models.pose.skeleton import BONES, HEAD, SHOULDERS
from models.types import PoseTrack

MIN_CONFIDENCE = 0.25
"""Joints below this are not drawn; a frame with none is a blank picture."""

_LIMB_COLOURS = [255 * np.float32(colorsys.hsv_to_rgb(i / len(BONES), 1.0, 1.0)) for i in range(len(BONES))]
_HEAD_COLOURS = tuple(np.float32(c) for c in ((255, 255, 255), (255, 160, 255), (160, 255, 255), (255, 0, 200), (0, 200, 255)))
_NECK_COLOUR = np.float32((200, 200, 200))


def _stroke(picture: np.ndarray, start: np.ndarray, end: np.ndarray, radius: float, colour: np.ndarray) -> None:
    """Paint a round-ended segment (a disc where both ends are one) over float32 `[H,W,3]`."""
    height, width = picture.shape[:2]
    low = np.floor(np.minimum(start, end) - radius - 1).clip(0, (width, height)).astype(int)
    high = np.ceil(np.maximum(start, end) + radius + 2).clip(0, (width, height)).astype(int)
    if (low >= high).any():
        return
    x, y = np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32)[:, None]
    along, length2 = end - start, float(((end - start) ** 2).sum())
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length2 if length2 > 0 else np.zeros_like(x + y)
    share = share.clip(0, 1)
    distance = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
    cover = (radius + 0.5 - distance).clip(0, 1)[..., None]
    part = picture[low[1] : high[1], low[0] : high[0]]
    part += cover * (colour - part)


def _draw_person(picture: np.ndarray, points: np.ndarray, seen: np.ndarray, radius: float) -> None:
    for colour, (a, b) in zip(_LIMB_COLOURS, BONES):
        if seen[a] and seen[b] and (a not in HEAD or b not in HEAD):
            _stroke(picture, points[a], points[b], radius, colour)
    for joint, colour in zip(HEAD, _HEAD_COLOURS):
        if seen[joint]:
            _stroke(picture, points[joint], points[joint], 1.6 * radius, colour)
    shoulders = [points[joint] for joint in SHOULDERS if seen[joint]]
    if seen[0] and shoulders:
        _stroke(picture, np.mean(shoulders, axis=0), points[0], radius, _NECK_COLOUR)


def draw_poses(pose: PoseTrack, size: tuple[int, int]) -> np.ndarray:
    """Stick figures on black, uint8 `[T,H,W,3]`; `size` is (W,H) px and joint coordinates are px of it."""
    width, height = size
    radius = max(0.5, min(size) / 64)
    frames = np.zeros((len(pose), height, width, 3), np.float32)
    for t in range(len(pose)):
        for points, confidence in zip(pose.points[t], pose.confidence[t]):
            _draw_person(frames[t], np.nan_to_num(points).clip(-1e6, 1e6), confidence >= MIN_CONFIDENCE, radius)
    return (frames + 0.5).astype(np.uint8)
