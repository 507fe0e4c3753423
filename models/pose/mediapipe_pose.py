"""MediaPipe Pose: one person, fast on a CPU, and the models lie in the package. Its 33 landmarks become the 17 of COCO.

Versions 0.10.14 to 0.10.21 carry the models and `mp.solutions`; later ones want files downloaded, which is never done here. Follows a
person from frame to frame, so a clip's first frames may differ from those of a longer clip. Confidence is MediaPipe's visibility.
Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking" (2020).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from models.pose.catalog import files_hash
from models.pose.people import stack_people
from models.types import Clip, PoseTrack, require

LANDMARKS = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""The landmark of each joint of coco17."""

_MODELS = ("modules/pose_detection/pose_detection.tflite", "modules/pose_landmark/pose_landmark_full.tflite")
_FULL = 1
"""The one model complexity whose file the package carries; 0 and 2 would be downloaded."""
_EXPECTED = "version 0.10.14 to 0.10.21, which carry their models"
_INSTALL = "pip install --no-deps mediapipe==0.10.21 absl-py attrs flatbuffers 'protobuf<5' matplotlib, best in an environment of its own"


class MediapipeEstimator:
    """`package`: the module mediapipe, with its models."""

    name, skeleton = "mediapipe", "coco17"

    def __init__(self, package: Any, weights_hash: str) -> None:
        self.package, self.weights_hash = package, weights_hash

    def estimate(self, clip: Clip) -> PoseTrack:
        with self.package.solutions.pose.Pose(static_image_mode=False, model_complexity=_FULL) as network:
            frames = [_people(network.process(np.ascontiguousarray(frame)), clip.size) for frame in clip.frames]
        points, confidence = stack_people(frames, len(LANDMARKS))
        return PoseTrack(points=points, confidence=confidence, skeleton=self.skeleton, fps=clip.fps)


def _people(result: Any, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """One person or none: points `[n,17,2]` px and confidence `[n,17]`; landmarks are shares of the picture, counted from its edge."""
    marks = [result.pose_landmarks.landmark[k] for k in LANDMARKS] if result.pose_landmarks else []
    shape = (1 if marks else 0, len(LANDMARKS))
    points = np.array([(mark.x, mark.y) for mark in marks], np.float32).reshape(*shape, 2) * np.float32(size) - 0.5
    confidence = np.array([mark.visibility for mark in marks], np.float32).reshape(shape)
    good = np.isfinite(points).all(-1) & np.isfinite(confidence)
    return np.where(good[..., None], points, 0), np.where(good, confidence.clip(0, 1), 0)


def create(argument: str | None) -> MediapipeEstimator:
    """`mediapipe`. Raises ValueError saying what to install where the package or its models are missing."""
    require(argument is None, "pose estimator mediapipe", "argument", repr(argument), "none")
    try:
        import mediapipe
    except ImportError as error:
        raise ValueError(f"pose estimator mediapipe: package: got {error}, expected {_EXPECTED}; {_INSTALL}") from error
    files = [Path(mediapipe.__file__).parent / model for model in _MODELS]
    whole = hasattr(mediapipe, "solutions") and all(file.is_file() for file in files)
    version = f"{getattr(mediapipe, '__version__', 'unknown')} without models"
    require(whole, "pose estimator mediapipe", "version", version, _EXPECTED, _INSTALL)
    return MediapipeEstimator(mediapipe, files_hash(files))
