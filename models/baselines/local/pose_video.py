"""The pose video Wan-Animate was trained on: one person's body, toes and hands, on black, as its own preprocessing draws them.

OpenPose's 18 joints and two toes; limbs at 60 % of their colour, then joints, then hands as rainbow lines between blue points, no face
(the face goes its own way, `face_crops`). Strokes follow the short side: 1 px up to 600 px, 2 px at 720.
Source: wan/modules/animate/preprocess/human_visualization.py of Wan2.2 (`draw_aapose_new`, `draw_handpose_new`, strokes "v2").
"""

from __future__ import annotations

import colorsys
from dataclasses import replace

import cv2
import numpy as np

from models.baselines.local.openpose import COLOURS, DIMMED, HAND_POINT, LIMBS, NECK, OF_COCO
from models.pose.skeleton import ANATOMIES, SHOULDERS
from models.protocols import PoseEstimator
from models.types import AnimationRequest, Clip, PoseTrack

MIN_CONFIDENCE = 0.5
"""Wan draws no joint below it."""

_TOES = ((17, 18), (20, 21))
_LIMBS = (*LIMBS, (13, 18), (10, 19))
_COLOURS = (*COLOURS, (200, 200, 0), (100, 100, 0))


def with_pose(request: AnimationRequest, estimator: PoseEstimator) -> AnimationRequest:
    """The request's own pose, else the estimator's of its driver as it was read: known tracks are found by where a clip was cut from."""
    count, driving, pose = request.num_frames, request.driving, request.pose
    driving = Clip(frames=driving.frames[:count], fps=driving.fps, origin=driving.origin)
    if pose is None:
        pose = estimator.estimate(driving)
    else:
        pose = replace(pose, points=pose.points[:count], confidence=pose.confidence[:count])
    return replace(request, driving=driving, pose=pose)


def main_person(pose: PoseTrack) -> PoseTrack:
    """The one person who is largest over the whole track; a track of nobody stays as it is."""
    if pose.points.shape[1] < 2:
        return pose
    seen = (pose.confidence >= MIN_CONFIDENCE)[..., None]
    high = np.where(seen, pose.points, -np.inf).max(2)
    low = np.where(seen, pose.points, np.inf).min(2)
    area = np.prod(np.where(np.isfinite(high) & np.isfinite(low), high - low, 0), axis=-1).sum(0)
    largest = slice(int(area.argmax()), int(area.argmax()) + 1)
    return replace(pose, points=pose.points[:, largest], confidence=pose.confidence[:, largest])


def absence_note(pose: PoseTrack) -> str:
    """What a row says of frames whose pose picture is black, "" where there is none."""
    absent = len(pose) - int((pose.confidence >= MIN_CONFIDENCE).any((1, 2)).sum())
    return f"nobody found in {absent} of {len(pose)} frames" if absent else ""


def draw_wan_pose(pose: PoseTrack, size: tuple[int, int]) -> np.ndarray:
    """People on black, uint8 `[T,H,W,3]`; `size` is (W,H) px and joints are px of it. A frame without joints is black."""
    frames = np.zeros((len(pose), size[1], size[0], 3), np.uint8)
    stroke = max(int(min(size) / 200) - 1, 1)
    points = np.nan_to_num(pose.points).clip(-1e4, 1e4)
    hands = [part for part in ANATOMIES[pose.skeleton].parts if part.name.endswith("hand")]
    for t, person in np.argwhere((pose.confidence >= MIN_CONFIDENCE).any(-1)):
        places, sure = points[t, person], pose.confidence[t, person]
        _draw_body(frames[t], *_body(places, sure), stroke)
        for hand in hands:
            _draw_hand(frames[t], places, sure >= MIN_CONFIDENCE, hand.bones, hand.joints, max(stroke // 2, 1))
    return frames


def _body(points: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the 18 joints, and of the two toes where a skeleton has them, and which are seen; a middle is where both ends are."""
    pairs = [(joint, joint) for joint in OF_COCO] + [pair for pair in _TOES if max(pair) < len(points)]
    pairs[NECK] = SHOULDERS
    ends = np.array(pairs)
    return points[ends].mean(1), confidence[ends].min(1) >= MIN_CONFIDENCE


def _draw_body(picture: np.ndarray, points: np.ndarray, seen: np.ndarray, stroke: int) -> None:
    for (a, b), colour in zip(_LIMBS, _COLOURS):
        if max(a, b) < len(points) and seen[a] and seen[b]:
            (x, y), (dx, dy) = (points[a] + points[b]) / 2, points[a] - points[b]
            axes, angle = (int(np.hypot(dx, dy) / 2), stroke), int(np.degrees(np.arctan2(dy, dx)))
            cv2.fillConvexPoly(picture, cv2.ellipse2Poly((int(x), int(y)), axes, angle, 0, 360, 1), [int(DIMMED * c) for c in colour])
    for point, there, colour in zip(points, seen, _COLOURS):
        if there:
            cv2.circle(picture, _pixel(point), stroke, colour, thickness=-1)


def _draw_hand(
    picture: np.ndarray, points: np.ndarray, seen: np.ndarray, bones: tuple[tuple[int, int], ...], joints: tuple[int, ...], stroke: int
) -> None:
    for k, (a, b) in enumerate(bones):
        if seen[a] and seen[b]:
            colour = [255 * c for c in colorsys.hsv_to_rgb(k / len(bones), 1.0, 1.0)]
            cv2.line(picture, _pixel(points[a]), _pixel(points[b]), colour, thickness=stroke)
    for joint in joints:
        if seen[joint]:
            cv2.circle(picture, _pixel(points[joint]), stroke, HAND_POINT, thickness=-1)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return int(point[0]), int(point[1])
