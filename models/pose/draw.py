"""Draws a pose track as the coloured stick figures a pose-driven animator reads as its motion signal."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from models.pose.skeleton import BONES, HEAD
from models.types import PoseTrack

_SUPERSAMPLE = 4
_SHIFT_BITS = 4
MIN_CONFIDENCE = 0.25
"""Joints below this are not drawn; a frame with none is a blank picture."""

_COLOURS = [tuple(int(255 * c) for c in colorsys.hsv_to_rgb(i / len(BONES), 1.0, 1.0)) for i in range(len(BONES))]


def _fixed(point: np.ndarray) -> tuple[int, int]:
    scaled = np.clip(point * _SUPERSAMPLE * (1 << _SHIFT_BITS), -(2**24), 2**24)
    return int(round(float(scaled[0]))), int(round(float(scaled[1])))


def _draw_person(picture: np.ndarray, points: np.ndarray, seen: np.ndarray, stroke: int) -> None:
    for colour, (a, b) in zip(_COLOURS, BONES):
        if seen[a] and seen[b] and (a not in HEAD or b not in HEAD):
            cv2.line(picture, _fixed(points[a]), _fixed(points[b]), colour, stroke, cv2.LINE_AA, _SHIFT_BITS)
    for a, colour in ((0, (255, 255, 255)), (1, (255, 160, 255)), (2, (160, 255, 255)), (3, (255, 0, 200)), (4, (0, 200, 255))):
        if seen[a]:
            cv2.circle(picture, _fixed(points[a]), int(stroke * 0.8 * (1 << _SHIFT_BITS)), colour, -1, cv2.LINE_AA, _SHIFT_BITS)
    neck = [points[i] for i in (5, 6) if seen[i]]
    if seen[0] and neck:
        cv2.line(picture, _fixed(np.mean(neck, axis=0)), _fixed(points[0]), (200, 200, 200), stroke, cv2.LINE_AA, _SHIFT_BITS)


def draw_poses(pose: PoseTrack, size: tuple[int, int]) -> np.ndarray:
    """Stick figures on black, uint8 `[T,H,W,3]`, antialiased; `size` is (W,H) px and joint coordinates are px of it."""
    width, height = size
    stroke = max(2, round(min(size) * _SUPERSAMPLE / 32))
    frames = np.zeros((len(pose), height, width, 3), np.uint8)
    for t in range(len(pose)):
        picture = np.zeros((height * _SUPERSAMPLE, width * _SUPERSAMPLE, 3), np.uint8)
        for points, confidence in zip(pose.points[t], pose.confidence[t]):
            _draw_person(picture, np.nan_to_num(points), confidence >= MIN_CONFIDENCE, stroke)
        frames[t] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return frames
