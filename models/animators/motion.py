"""What an in-context animator sees of the driver: nothing, its pixels, or a skeleton drawn from its pose.

A motion signal turns (driver, pose) into the pictures of the canvas' right half, uint8 `[T,H,W,3]`, or None for blank.
`reference` is the picture of the left half, uint8 `[H,W,3]`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from models.images import centred_crop, fit_image
from models.pose.draw import draw_poses
from models.protocols import PoseEstimator
from models.types import Clip, PoseTrack


class MotionSignal(Protocol):
    """`kind` is what `animator.json` keeps."""

    kind: str

    def pictures(self, driving: Clip, pose: PoseTrack | None, reference: np.ndarray) -> np.ndarray | None: ...


class Blank:
    """No driver at all: image-to-video, the tiny stand-in of a foundation model."""

    kind = "blank"

    def pictures(self, driving: Clip, pose: PoseTrack | None, reference: np.ndarray) -> np.ndarray | None:
        return None


class Raw:
    """The driver's own pixels: end-to-end, no pose."""

    kind = "raw"

    def pictures(self, driving: Clip, pose: PoseTrack | None, reference: np.ndarray) -> np.ndarray | None:
        return np.stack([fit_image(frame, _size(reference)) for frame in driving.frames])


class Skeleton:
    """Stick figures of the driver's pose, where its people stand. A frame without a pose stays black."""

    kind = "skeleton"

    def __init__(self, estimator: PoseEstimator) -> None:
        self.estimator = estimator

    def pictures(self, driving: Clip, pose: PoseTrack | None, reference: np.ndarray) -> np.ndarray | None:
        pose = pose if pose is not None else self.estimator.estimate(driving)
        return draw_poses(fit_pose(pose, _size(driving.frames[0]), _size(reference)), _size(reference))


def _size(picture: np.ndarray) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]


def fit_pose(pose: PoseTrack, source: tuple[int, int], size: tuple[int, int]) -> PoseTrack:
    """Joints in px of pictures of `source` (W,H), where `fit_image` brings them in pictures of `size` (W,H)."""
    x, y, width, height = centred_crop(source, size)
    points = (pose.points - np.float32((x, y)) + 0.5) * (np.float32(size) / np.float32((width, height))) - 0.5
    return PoseTrack(points=points.astype(np.float32), confidence=pose.confidence, skeleton=pose.skeleton, fps=pose.fps)
