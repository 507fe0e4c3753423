"""What an in-context animator sees of the driver: nothing, its pixels, or a skeleton drawn from its pose.

A motion signal turns (driver, pose) into the pictures of the canvas' right half, and says how what they show has moved.
`size` is that of the canvas' left half, (W,H) px.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.images import centred_crop, fit_image
from models.optical_flow import cell_means, since_first
from models.pose.draw import draw_poses
from models.pose.moves import joint_moves
from models.protocols import PoseEstimator
from models.types import Clip, PoseTrack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """`pictures`: uint8 `[T,H,W,3]`, or None for blank. `pose`: the joints drawn there, px of them, or None where none are."""

    pictures: np.ndarray | None
    pose: PoseTrack | None = None

    def window(self, start: int, length: int) -> Signal:
        """`length` frames from `start` on, the last one repeated where there are fewer."""
        kept = np.minimum(np.arange(start, start + length), max(start, len(self) - 1))
        pose = self.pose
        if pose is not None:
            pose = PoseTrack(points=pose.points[kept], confidence=pose.confidence[kept], skeleton=pose.skeleton, fps=pose.fps)
        return Signal(pictures=None if self.pictures is None else self.pictures[kept], pose=pose)

    def __len__(self) -> int:
        return 0 if self.pictures is None else len(self.pictures)

    def moves(self, cell_px: int) -> np.ndarray | None:
        """Where the cells of every picture lie in the first one, float32 `[T,H/cell,W/cell,2]` px: by the joints where they are
        known, else by estimated flow."""
        if self.pictures is None:
            return None
        if self.pose is None:
            return np.stack([cell_means(flow, cell_px) for flow in since_first(self.pictures, careful=True)]).astype(np.float32)
        return joint_moves(self.pose, _size(self.pictures[0]), cell_px)


class MotionSignal(Protocol):
    """`kind` is what `animator.json` keeps."""

    kind: str

    def read(self, driving: Clip, pose: PoseTrack | None, size: tuple[int, int]) -> Signal: ...


class Blank:
    """No driver at all: image-to-video, the tiny stand-in of a foundation model."""

    kind = "blank"

    def read(self, driving: Clip, pose: PoseTrack | None, size: tuple[int, int]) -> Signal:
        return Signal(pictures=None)


class Raw:
    """The driver's own pixels: end-to-end, no pose."""

    kind = "raw"

    def read(self, driving: Clip, pose: PoseTrack | None, size: tuple[int, int]) -> Signal:
        return Signal(pictures=np.stack([fit_image(frame, size) for frame in driving.frames]))


class Skeleton:
    """Stick figures of the driver's pose, where its people stand. A frame without a pose stays black."""

    kind = "skeleton"

    def __init__(self, estimator: PoseEstimator) -> None:
        self.estimator = estimator

    def read(self, driving: Clip, pose: PoseTrack | None, size: tuple[int, int]) -> Signal:
        pose = pose if pose is not None else self.estimator.estimate(driving)
        fitted = fit_pose(pose, _size(driving.frames[0]), size)
        return Signal(pictures=draw_poses(fitted, size), pose=fitted)


def _size(picture: np.ndarray) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]


def fit_pose(pose: PoseTrack, source: tuple[int, int], size: tuple[int, int]) -> PoseTrack:
    """Joints in px of pictures of `source` (W,H), where `fit_image` brings them in pictures of `size` (W,H)."""
    x, y, width, height = centred_crop(source, size)
    points = (pose.points - np.float32((x, y)) + 0.5) * (np.float32(size) / np.float32((width, height))) - 0.5
    return PoseTrack(points=points.astype(np.float32), confidence=pose.confidence, skeleton=pose.skeleton, fps=pose.fps)
