"""Poses that were estimated once, kept beside the checkpoint: estimating costs more than a training step, remembering a file.

One safetensors file an example, named by a hash of the example's id, raster and rate and of the estimator's weights; a damaged one is
made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.animators.motion import Posed, Skeleton
from models.artifacts import sha256
from models.storage import write_bytes
from models.types import PoseTrack, TrainingExample


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseCache:
    """A folder of estimates."""

    folder: Path

    def prepared(self, example: TrainingExample, motion: Skeleton) -> Posed:
        """What `motion.prepare` says of the example's driver, estimated only the first time."""
        driver, size = example.driver, example.driver.size
        mark = f"{motion.weights_hash} {example.id} {size} {driver.fps} {len(driver)}"
        path = self.folder / f"{sha256(mark.encode())[:32]}.safetensors"
        try:
            return Posed(pose=_read(path, motion.estimator.skeleton, example.driver.fps, len(example.driver)), size=size)
        except (OSError, ValueError):
            made = motion.prepare(example.driver)
        write_bytes(path, _bytes(made.pose))
        return made


def _bytes(pose: PoseTrack) -> bytes:
    from safetensors.numpy import save

    return save({"points": np.ascontiguousarray(pose.points), "confidence": np.ascontiguousarray(pose.confidence)})


def _read(path: Path, skeleton: str, fps: float, frames: int) -> PoseTrack:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(path.read_bytes())
    except SafetensorError as error:
        raise ValueError(f"{path}: damaged ({error})") from error
    if len(arrays["points"]) != frames:
        raise ValueError(f"{path}: frames: got {len(arrays['points'])}, expected {frames}")
    return PoseTrack(points=arrays["points"], confidence=arrays["confidence"], skeleton=skeleton, fps=fps)
