"""What an in-context animator sees of the driver: nothing, its pixels, or a skeleton drawn from its pose.

A motion signal does two things, the same two in training and at inference:

    driving clip (and pose) ──prepare──▶ what is worth keeping   (once a clip: an estimate, or nothing but the clip)
    prepared ──draw──▶ pictures of the canvas' right half        (every time, under a training sample's change)

A new signal is one class here, named in `MOTIONS`; what training asks of a kind (does it need an estimator, what changes it) its class
answers. Source: DreamActor-M2, section 3.3 (skeletons, box over the whole clip).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Protocol

import numpy as np

from models.animators.places import find_place
from models.pose.draw import draw_poses
from models.protocols import PoseEstimator
from models.types import Clip, PoseTrack, require

if TYPE_CHECKING:
    from models.training.augment import SampleChange


class MotionSignal(Protocol):
    """`prepare` may be slow and is asked once a clip. `draw`: the frames `kept` (indices) as uint8 `[K,H,W,3]` of `size` (W,H) px, or None
    for a blank half. `describe`: what `animator.json` keeps; `kind` is its name in `MOTIONS`. `weights_hash`: of an estimator, else "".
    `changes`: the fields of `Augmentation` that concern this signal, not the whole sample. `build`: from a card's fields in its folder."""

    kind: str
    weights_hash: str
    needs_driver: bool
    needs_estimator: bool
    changes: tuple[str, ...]

    @classmethod
    def build(cls, fields: Mapping[str, Any], folder: Path | None) -> MotionSignal: ...

    def prepare(self, driving: Clip, pose: PoseTrack | None = None) -> Any: ...

    def draw(self, prepared: Any, kept: np.ndarray, size: tuple[int, int], change: SampleChange | None = None) -> np.ndarray | None: ...

    def describe(self) -> dict[str, Any]: ...


class Blank:
    """No driver at all: image-to-video, the tiny stand-in of a foundation model."""

    kind, weights_hash, needs_driver, needs_estimator = "blank", "", False, False
    changes: tuple[str, ...] = ()

    @classmethod
    def build(cls, fields: Mapping[str, Any], folder: Path | None) -> Blank:
        return cls()

    def prepare(self, driving: Clip, pose: PoseTrack | None = None) -> None:
        return None

    def draw(self, prepared: None, kept: np.ndarray, size: tuple[int, int], change: SampleChange | None = None) -> None:
        return None

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind}


class Raw:
    """The driver's own pixels: end-to-end, no pose."""

    kind, weights_hash, needs_driver, needs_estimator = "raw", "", True, False
    changes: tuple[str, ...] = ("driver_stretch", "driver_colour")

    @classmethod
    def build(cls, fields: Mapping[str, Any], folder: Path | None) -> Raw:
        return cls()

    def prepare(self, driving: Clip, pose: PoseTrack | None = None) -> Clip:
        return driving

    def draw(self, prepared: Clip, kept: np.ndarray, size: tuple[int, int], change: SampleChange | None = None) -> np.ndarray:
        from models.framing import fit_image

        pictures = np.stack([fit_image(frame, size) for frame in prepared.frames[kept]])
        return pictures if change is None else change.of_driver(pictures)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posed:
    """A driver as its joints, px of pictures of `size` (W,H)."""

    pose: PoseTrack
    size: tuple[int, int]


class Skeleton:
    """Stick figures of the driver's pose. A frame without a pose stays black.

    `normalised`: the box around all joints of the whole clip is brought to one place and size, as in the paper, so that the driver's
    position and scale are not passed on. Without it people are drawn where they stand.
    """

    kind, needs_driver, needs_estimator = "skeleton", True, True
    changes: tuple[str, ...] = ("bones",)

    def __init__(self, estimator: PoseEstimator, *, normalised: bool = False) -> None:
        self.estimator, self.normalised, self.weights_hash = estimator, normalised, estimator.weights_hash

    @classmethod
    def build(cls, fields: Mapping[str, Any], folder: Path | None) -> Skeleton:
        """A relative estimator folder is one inside the checkpoint, a relative argument (`tracks:../poses`) the way from it."""
        from models.pose.catalog import load_pose_estimator

        name = str(fields.get("estimator", "tiny"))
        inside = folder / name if folder is not None else Path(name)
        kind, colon, place = name.partition(":")
        if (inside / "estimator.json").is_file():
            name = str(inside)
        elif folder is not None and colon and (known := find_place(place, folder)[0]) is not None:
            name = f"{kind}:{known}"
        return cls(load_pose_estimator(name), normalised=bool(fields.get("normalised", False)))

    def prepare(self, driving: Clip, pose: PoseTrack | None = None) -> Posed:
        return Posed(pose=pose if pose is not None else self.estimator.estimate(driving), size=driving.size)

    def draw(self, prepared: Posed, kept: np.ndarray, size: tuple[int, int], change: SampleChange | None = None) -> np.ndarray:
        from models.pose.augment import normalise_box
        from models.pose.fit import fit_pose

        pose = fit_pose(prepared.pose, prepared.size, size)
        pose = normalise_box(pose, size) if self.normalised else pose
        pose = PoseTrack(points=pose.points[kept], confidence=pose.confidence[kept], skeleton=pose.skeleton, fps=pose.fps)
        return draw_poses(pose if change is None else change.of_pose(pose, size), size)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "estimator": self.estimator.name, "normalised": self.normalised}


MOTIONS: Mapping[str, type[MotionSignal]] = {signal.kind: signal for signal in (Blank, Raw, Skeleton)}
"""Kind, as a card says it -> the signal."""


def motion_class(description: Mapping[str, Any], folder: Path | None = None) -> type[MotionSignal]:
    """The class of the signal a card describes, nothing loaded. Raises ValueError naming the kind that is not known."""
    kind = description.get("kind") if isinstance(description, Mapping) else description
    require(kind in MOTIONS, str(folder or "motion"), "motion", repr(kind), f"one of {', '.join(MOTIONS)}")
    return MOTIONS[kind]


def build_motion(description: Mapping[str, Any], folder: Path | None = None) -> MotionSignal:
    """The motion signal a card describes. Raises ValueError naming the kind that is not known."""
    return motion_class(description, folder).build(description, folder)
