"""Where joints of one picture lie in another: after the centred crop and resize that bring a clip to a canvas."""

from __future__ import annotations

import numpy as np

from models.box import centred_crop
from models.types import PoseTrack


def fit_pose(pose: PoseTrack, source: tuple[int, int], size: tuple[int, int]) -> PoseTrack:
    """Joints in px of pictures of `source` (W,H), where `fit_image` brings them in pictures of `size` (W,H)."""
    x, y, width, height = centred_crop(source, size)
    points = (pose.points - np.float32((x, y)) + 0.5) * (np.float32(size) / np.float32((width, height))) - 0.5
    return PoseTrack(points=points.astype(np.float32), confidence=pose.confidence, skeleton=pose.skeleton, fps=pose.fps)
