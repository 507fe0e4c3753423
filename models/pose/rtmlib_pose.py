"""Whole-body poses of any number of people by ONNX models of your own: a detector finds boxes, a pose model 133 joints in each.

`rtmlib:DIR` takes the two files from DIR by their names, as they are published:

    detector     yolox*.onnx, det*.onnx (YOLOX) or rtmdet*.onnx        e.g. yolox_m_8xb8-300e_humanart-c2c7a14a.onnx
    pose model   rtmw*.onnx, dw*.onnx, rtmpose*.onnx, pose*.onnx       e.g. rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.onnx

rtmlib downloads what it is given as a URL or does not find; here it only ever sees paths of files that exist. Input sizes are read from
the models. rtmlib asks for opencv-python, which displaces the headless build: install it without its dependencies.
Source: rtmlib 0.0.16 (github.com/Tau-J/rtmlib).
"""

from __future__ import annotations

import contextlib
import io
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Callable

import numpy as np

from models.pose.catalog import files_hash, written
from models.pose.people import stack_people
from models.types import SKELETONS, Clip, PoseTrack, require

_INSTALL = "pip install --no-deps rtmlib onnxruntime"
_DETECTORS, _POSE_MODELS = ("yolox*.onnx", "det*.onnx", "rtmdet*.onnx"), ("rtmw*.onnx", "dw*.onnx", "rtmpose*.onnx", "pose*.onnx")
_JOINTS = SKELETONS["wholebody133"]
_PERSON = 0
"""Index of the class "person" in a detector of the 80 COCO classes."""


class RtmlibEstimator:
    """`find_people`: BGR uint8 `[H,W,3]` -> boxes `[n,4]` px; `find_joints`: picture, boxes -> points `[n,133,2]` px, scores `[n,133]`."""

    skeleton = "wholebody133"

    def __init__(self, find_people: Callable, find_joints: Callable, *, name: str, weights_hash: str) -> None:
        self.find_people, self.find_joints, self.name, self.weights_hash = find_people, find_joints, name, weights_hash

    def estimate(self, clip: Clip) -> PoseTrack:
        frames = [self._people(np.ascontiguousarray(frame[..., ::-1])) for frame in clip.frames]
        points, confidence = stack_people(frames, _JOINTS)
        return PoseTrack(points=points, confidence=confidence, skeleton=self.skeleton, fps=clip.fps)

    def _people(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes = np.asarray(self.find_people(picture), np.float32)
        boxes = boxes[np.isfinite(boxes).all(-1)] if boxes.size else boxes
        if not len(boxes):  # without boxes rtmlib would take the whole picture for a person
            return np.zeros((0, _JOINTS, 2), np.float32), np.zeros((0, _JOINTS), np.float32)
        points, scores = self.find_joints(picture, boxes)
        good = np.isfinite(points).all(-1) & np.isfinite(scores)
        return np.where(good[..., None], points, 0), np.where(good, np.clip(scores, 0, 1), 0)


def create(argument: str | None) -> RtmlibEstimator:
    """`rtmlib:DIR`. Raises ValueError naming the package, file or model that is missing or does not fit."""
    require(bool(argument), "pose estimator rtmlib", "folder", repr(argument), "rtmlib:DIR with a detector and a pose model in DIR")
    folder = Path(argument).expanduser()
    name = written("rtmlib", folder)
    detector, pose_model = _file(folder, name, "detector", _DETECTORS), _file(folder, name, "pose model", _POSE_MODELS)
    rtmlib, device = _packages()
    kind = rtmlib.RTMDet if detector.name.lower().startswith("rtmdet") else rtmlib.YOLOX
    find_people = _boxes_by(_opened(kind, detector, device, width_first=False))
    find_joints = _opened(rtmlib.RTMPose, pose_model, device, width_first=True)
    estimator = RtmlibEstimator(
        find_people, lambda picture, boxes: find_joints(picture, bboxes=boxes), name=name, weights_hash=files_hash((detector, pose_model))
    )
    _check_joints(find_joints, pose_model)
    return estimator


def _file(folder: Path, name: str, role: str, patterns: tuple[str, ...]) -> Path:
    there = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    found = [file for file in there if any(fnmatch(file.lower(), pattern) for pattern in patterns)]
    got = f"{len(found)} ({', '.join(found)})" if found else f"none in {', '.join(there) or 'an empty or missing folder'}"
    advice = "nothing is downloaded: put there the .onnx files of rtmlib's or DWPose's model list"
    require(len(found) == 1, f"pose estimator {name}", role, got, f"exactly one of {', '.join(patterns)}", advice)
    return folder / found[0]


def _packages() -> tuple[Any, str]:
    """rtmlib and the device its models run on. Raises ValueError saying what to install."""
    try:
        import onnxruntime
        import rtmlib
    except ImportError as error:
        raise ValueError(f"pose estimator rtmlib: packages: got {error}, expected rtmlib and onnxruntime; {_INSTALL}") from error
    return rtmlib, "cuda" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "cpu"


def _opened(kind: Callable, file: Path, device: str, width_first: bool) -> Any:
    """A model of rtmlib with the input size its file says, (H,W) for detectors and (W,H) for pose models."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints where the file lies
            model = kind(str(file.resolve()), backend="onnxruntime", device=device)
    except Exception as error:  # onnxruntime's own errors share no narrower class
        raise ValueError(f"{file.name}: got {type(error).__name__}: {str(error)[:200]}, expected an ONNX model; copy it again") from error
    shape = model.session.get_inputs()[0].shape
    fixed = len(shape) == 4 and all(isinstance(side, int) and side > 0 for side in shape[2:])
    require(fixed, file.name, "input", shape, "[batch,3,H,W] with fixed H and W", "export the model with a fixed input size")
    model.model_input_size = tuple(shape[:1:-1] if width_first else shape[2:])
    return model


def _boxes_by(detector: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Boxes of people alone: a detector of many classes takes cats and chairs for people unless it is asked for the classes."""
    columns = detector.session.get_outputs()[0].shape[-1]
    if not (isinstance(columns, int) and columns > 6):
        return detector
    detector.det_mode = detector.mode = "multiclass"  # rtmlib 0.0.14 renamed it

    def people(picture: np.ndarray) -> np.ndarray:
        boxes, classes = detector(picture)
        return boxes[classes == _PERSON] if len(boxes) else boxes

    return people


def _check_joints(find_joints: Callable, file: Path) -> None:
    points, _ = find_joints(np.zeros((64, 64, 3), np.uint8), bboxes=np.float32([[0, 0, 63, 63]]))
    require(points.shape[1:] == (_JOINTS, 2), file.name, "joints", points.shape[1], f"{_JOINTS} of COCO-WholeBody", "take a whole-body one")
