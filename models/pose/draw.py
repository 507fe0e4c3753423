"""Draws a pose track as the coloured stick figures a pose-driven animator reads as its motion signal.

Strokes are distance fields in numpy: antialiased at any size, equal on every machine, and training needs no drawing library.
The body's limbs and head come first; hands, feet and face, where a skeleton has them, lie over it with thinner strokes.
"""

from __future__ import annotations

import colorsys
from functools import cache
from math import ceil, floor

import numpy as np

from models.pose.skeleton import ANATOMIES, BONES, HEAD, SHOULDERS, Part
from models.types import PoseTrack

MIN_CONFIDENCE = 0.25
"""Joints below this are not drawn; a frame with none is a blank picture."""

_LIMB_COLOURS = [255 * np.float32(colorsys.hsv_to_rgb(i / len(BONES), 1.0, 1.0)) for i in range(len(BONES))]
_HEAD_COLOURS = tuple(np.float32(c) for c in ((255, 255, 255), (255, 160, 255), (160, 255, 255), (255, 0, 200), (0, 200, 255)))
_NECK_COLOUR = np.float32((200, 200, 200))
_POINT_COLOUR = np.float32((255, 255, 255))
_PART_BONE, _PART_POINT = 0.4, 0.3
"""Half the thickness of a part's bones and the radius of its points, of those of a limb; at least 0.5 px as limbs."""


@cache
def _rainbow(count: int) -> list[np.ndarray]:
    return [255 * np.float32(colorsys.hsv_to_rgb(i / count, 0.6, 1.0)) for i in range(count)]


def _stroke(picture: np.ndarray, start: np.ndarray, end: np.ndarray, radius: float, colour: np.ndarray) -> None:
    """Paint a round-ended segment (a disc where both ends are one) over float32 `[H,W,3]`."""
    height, width = picture.shape[:2]
    (x0, y0), (x1, y1), reach = start.tolist(), end.tolist(), radius + 1
    left, right = max(0, floor(min(x0, x1) - reach)), min(width, ceil(max(x0, x1) + reach) + 1)
    top, bottom = max(0, floor(min(y0, y1) - reach)), min(height, ceil(max(y0, y1) + reach) + 1)
    if left >= right or top >= bottom:
        return
    dx, dy = np.arange(left, right, dtype=np.float32) - start[0], np.arange(top, bottom, dtype=np.float32)[:, None] - start[1]
    along = end - start
    length2 = float((along**2).sum())
    if length2 > 0:
        share = (dx * along[0] + dy * along[1]) / length2
        share = np.minimum(np.maximum(share, 0, out=share), 1, out=share)
        dx, dy = dx - share * along[0], dy - share * along[1]
    cover = (radius + 0.5) - np.hypot(dx, dy)
    rows, columns = (cover > 0).nonzero()  # most of a slanted stroke's box is bare
    part = picture[top:bottom, left:right]
    under = part[rows, columns]
    part[rows, columns] = under + np.minimum(cover[rows, columns], 1)[:, None] * (colour - under)


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


def _draw_part(picture: np.ndarray, part: Part, points: np.ndarray, seen: np.ndarray, radius: float) -> None:
    if not part.bones:
        for joint in part.joints:
            if seen[joint]:
                _stroke(picture, points[joint], points[joint], max(0.5, _PART_POINT * radius), _POINT_COLOUR)
    for (a, b), colour in zip(part.bones, _rainbow(len(part.bones))):
        if seen[a] and seen[b]:
            _stroke(picture, points[a], points[b], max(0.5, _PART_BONE * radius), colour)


def draw_poses(pose: PoseTrack, size: tuple[int, int]) -> np.ndarray:
    """Stick figures on black, uint8 `[T,H,W,3]`; `size` is (W,H) px and joint coordinates are px of it."""
    width, height = size
    radius = max(0.5, min(size) / 64)
    parts = ANATOMIES[pose.skeleton].parts
    places, seen = np.nan_to_num(pose.points).clip(-1e6, 1e6), pose.confidence >= MIN_CONFIDENCE
    frames, picture = np.zeros((len(pose), height, width, 3), np.uint8), np.zeros((height, width, 3), np.float32)
    for t in np.flatnonzero(seen.any((1, 2))):
        picture.fill(0)
        for person in range(seen.shape[1]):
            _draw_person(picture, places[t, person], seen[t, person], radius)
            for part in parts:
                _draw_part(picture, part, places[t, person], seen[t, person], radius)
        np.add(picture, 0.5, out=frames[t], casting="unsafe")
    return frames
