"""Poses drawn as OpenPose and DWPose draw them: the control video that VACE and Wan-Fun-Control were trained on.

18 body joints (the 17 of COCO and a neck between the shoulders), limbs at 60 % of the colour of their joint; hands as rainbow lines
between blue points, the face as white points where a skeleton has them. Networks read these colours: `models.pose.draw` has others.
Source: the drawing code of DWPose (controlnet_aux), whose strokes are 4 px on pictures of 512 px.
"""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from models.pose.skeleton import ANATOMIES, SHOULDERS
from models.types import PoseTrack

MIN_CONFIDENCE = 0.3
"""DWPose draws no joint below it."""

NECK = 1
OF_COCO = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""OpenPose's 18 joints as indices of COCO's 17; -1: the neck."""
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85), (0, 255, 170),
    (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
HAND_POINT, _FACE_POINT, DIMMED = (0, 0, 255), (255, 255, 255), 0.6


def draw_openpose(pose: PoseTrack, size: tuple[int, int], *, hands: bool = True) -> np.ndarray:
    """Poses on black, uint8 `[T,H,W,3]`; `size` is (W,H) px and joints are px of it. `hands`: drawn where the skeleton has them."""
    scale = min(size) / 512
    frames = np.zeros((len(pose), size[1], size[0], 3), np.uint8)
    points, seen = np.nan_to_num(pose.points).clip(-1e4, 1e4), pose.confidence >= MIN_CONFIDENCE
    parts = ANATOMIES[pose.skeleton].parts
    for t in np.flatnonzero(seen.any((1, 2))):
        people = list(zip(points[t], seen[t]))
        _draw_bodies(frames[t], [_body(*person) for person in people], scale)
        for person_points, person_seen in people:
            if hands:
                _draw_hands(frames[t], parts, person_points, person_seen, scale)
            _draw_face(frames[t], parts, person_points, person_seen, scale)
    return frames


def _body(points: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """OpenPose's 18 joints of the first 17; the neck is seen where both shoulders are."""
    body, there = points[list(OF_COCO)], seen[list(OF_COCO)]
    body[NECK], there[NECK] = points[list(SHOULDERS)].mean(axis=0), seen[list(SHOULDERS)].all()
    return body, there


def _draw_bodies(picture: np.ndarray, bodies: list[tuple[np.ndarray, np.ndarray]], scale: float) -> None:
    """All limbs, dimmed, then all joints over them: in that order over all people, as the original does."""
    half = max(1.0, 4 * scale)
    for (a, b), colour in zip(LIMBS, COLOURS):
        for points, seen in bodies:
            if seen[a] and seen[b]:
                cv2.fillConvexPoly(picture, _limb(points[a], points[b], half), colour)
    np.multiply(picture, DIMMED, out=picture, casting="unsafe")
    for joint, colour in enumerate(COLOURS):
        for points, seen in bodies:
            if seen[joint]:
                _point(picture, points[joint], half, colour)


def _limb(start: np.ndarray, end: np.ndarray, half: float) -> np.ndarray:
    """A limb is an ellipse from joint to joint, `half` px wide to either side."""
    (x, y), (dx, dy) = (start + end) / 2, end - start
    axes = (max(1, round(float(np.hypot(dx, dy)) / 2)), max(1, round(half)))
    return cv2.ellipse2Poly((round(float(x)), round(float(y))), axes, round(float(np.degrees(np.arctan2(dy, dx)))), 0, 360, 1)


def _draw_hands(picture: np.ndarray, parts: tuple, points: np.ndarray, seen: np.ndarray, scale: float) -> None:
    for part in (part for part in parts if part.name.endswith("hand")):
        for k, (a, b) in enumerate(part.bones):
            if seen[a] and seen[b]:
                colour = [255 * c for c in colorsys.hsv_to_rgb(k / len(part.bones), 1.0, 1.0)]
                cv2.line(picture, _pixel(points[a]), _pixel(points[b]), colour, thickness=max(1, round(2 * scale)))
        for joint in part.joints:
            if seen[joint]:
                _point(picture, points[joint], 4 * scale, HAND_POINT)


def _draw_face(picture: np.ndarray, parts: tuple, points: np.ndarray, seen: np.ndarray, scale: float) -> None:
    for joint in (joint for part in parts if part.name == "face" for joint in part.joints):
        if seen[joint]:
            _point(picture, points[joint], 3 * scale, _FACE_POINT)


def _point(picture: np.ndarray, at: np.ndarray, radius: float, colour: tuple[int, int, int]) -> None:
    cv2.circle(picture, _pixel(at), max(1, round(radius)), colour, thickness=-1)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
