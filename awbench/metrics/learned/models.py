"""Where the models of the learned metrics lie. Given once, checked at once, sent to every worker as it is.

A model that is not given is "": its metrics then say which flag gives it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from awbench.metrics.learned.files import clip_files, dino_files, iqa_files, lpips_files, mark
from awbench.metrics.learned.keypoints import estimator_mark, reads_known_motion
from models.pose.catalog import POSE_ESTIMATORS
from models.types import require

FLAGS = {"clip": "--clip DIR", "dino": "--dino DIR", "lpips": "--lpips DIR", "iqa": "--iqa FILE", "estimator": "--estimator NAME"}
_FILES = {"clip": clip_files, "dino": dino_files, "lpips": lpips_files, "iqa": iqa_files}
_PACKAGES = {"clip": "open_clip", "dino": "timm", "lpips": "torch", "iqa": "onnxruntime"}
_INSTALL = {"open_clip": "open_clip_torch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedModels:
    """`clip`: open_clip folder; `dino`: timm folder or NAME.safetensors; `lpips`: safetensors, alone or in a folder; `iqa`: ONNX file;
    `estimator`: a pose estimator by its name in `models.pose.catalog`, but not `tracks`; `device`: cpu, cuda, cuda:N or auto, for all but
    the estimator."""

    clip: str = ""
    dino: str = ""
    lpips: str = ""
    iqa: str = ""
    estimator: str = ""
    device: str = "cpu"

    def __post_init__(self) -> None:
        reason = "known motion is found by a clip's file name, and a run names its media by their content"
        looks = not reads_known_motion(self.estimator)
        require(looks, "--estimator", "kind", self.estimator, "one that looks at pictures: tiny, rtmlib:DIR or mediapipe", reason)
        for name in self.given:
            if name in _FILES:
                _FILES[name](getattr(self, name))
                package = _PACKAGES[name]
                there = find_spec(package) is not None
                require(there, FLAGS[name], "package", f"no {package}", "it installed", f"pip install {_INSTALL.get(package, package)}")

    @property
    def given(self) -> tuple[str, ...]:
        return tuple(name for name in FLAGS if getattr(self, name))

    def absolute(self) -> LearnedModels:
        """The same from any working folder."""
        paths = {name: str(Path(getattr(self, name)).expanduser().resolve()) for name in self.given if name in _FILES}
        return replace(self, **paths, estimator=_absolute_estimator(self.estimator))

    def mark(self, *names: str) -> str:
        """The content of these models in a few digits each, joined by points; models not given are left out."""
        return ".".join(self._mark_of(name) for name in names if getattr(self, name))

    def _mark_of(self, name: str) -> str:
        if name in _FILES:
            return mark(_FILES[name](getattr(self, name)))
        return estimator_mark(self.estimator)  # may load the estimator, and with it torch


def _absolute_estimator(text: str) -> str:
    name, colon, argument = text.partition(":")
    if colon and name in POSE_ESTIMATORS.table():
        return f"{name}:{Path(argument).expanduser().resolve()}"
    folder = Path(text).expanduser()
    return str(folder.resolve()) if text and name not in POSE_ESTIMATORS.table() and folder.is_dir() else text
