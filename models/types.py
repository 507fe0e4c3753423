"""The values that travel along the straight line: clips, poses, requests, results, training examples.

Every type is frozen and validated once, on construction. numpy only, so importing it is cheap.

Legend: T frames, H height, W width, N people, J joints. Colours are RGB, uint8, 0-255.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

import numpy as np

SKELETONS: dict[str, int] = {"coco17": 17, "wholebody133": 133}
"""Known skeletons and their number of joints; `models.pose.skeleton.ANATOMIES` says what they are."""


def require(condition: bool, item: str, field_name: str, got: object, expected: str, advice: str = "") -> None:
    """Raise a ValueError that says which item, which field, what was got, what was expected and what to do."""
    if not condition:
        raise ValueError(f"{item}: {field_name}: got {got}, expected {expected}" + (f"; {advice}" if advice else ""))


def _frozen(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def check_image(image: np.ndarray, item: str, field_name: str) -> np.ndarray:
    """Return `image` as a read-only view after checking that it is uint8 `[H,W,3]`."""
    got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
    ok = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    require(ok and min(image.shape[:2]) > 0, item, field_name, got, "uint8 [H,W,3] RGB")
    return _frozen(image)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a clip was cut from: file name (no folder), time of its first frame, crop (x,y,w,h) px, (W,H) px of the source as shown."""

    file: str
    start_s: float
    crop: tuple[int, int, int, int]
    source_size: tuple[int, int]

    def __post_init__(self) -> None:
        require(bool(self.file) and "/" not in self.file, "Origin", "file", repr(self.file), "a file name without a folder")
        require(bool(np.isfinite(self.start_s)), "Origin", "start_s", self.start_s, "a finite number")
        require(len(self.crop) == 4 and min(self.crop[2:]) >= 1, "Origin", "crop", self.crop, "(x, y, w, h) with w, h >= 1 px")
        require(len(self.source_size) == 2 and min(self.source_size) >= 1, "Origin", "source_size", self.source_size, "(W, H) >= 1 px")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """A piece of video. `frames`: uint8 `[T,H,W,3]` RGB, T >= 1; `fps`: frames per second, > 0; `origin`: the file it was read from.

    `notes`: what was done to the pixels on reading.
    """

    frames: np.ndarray
    fps: float
    origin: Origin | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frames = self.frames
        got = f"{frames.dtype} {frames.shape}" if isinstance(frames, np.ndarray) else type(frames).__name__
        ok = isinstance(frames, np.ndarray) and frames.dtype == np.uint8 and frames.ndim == 4 and frames.shape[3] == 3
        require(ok and min(frames.shape[:3]) > 0, "Clip", "frames", got, "uint8 [T,H,W,3] RGB with T, H, W >= 1")
        require(np.isfinite(self.fps) and self.fps > 0, "Clip", "fps", self.fps, "a finite number > 0")
        object.__setattr__(self, "frames", _frozen(frames))

    def __len__(self) -> int:
        return self.frames.shape[0]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px."""
        return self.frames.shape[2], self.frames.shape[1]

    @property
    def duration_s(self) -> float:
        return len(self) / self.fps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoseTrack:
    """Joints over time. `points`: float32 `[T,N,J,2]` (x, y) px; `confidence`: `[T,N,J]` 0-1; N may be 0."""

    points: np.ndarray
    confidence: np.ndarray
    skeleton: str
    fps: float

    def __post_init__(self) -> None:
        require(self.skeleton in SKELETONS, "PoseTrack", "skeleton", self.skeleton, f"one of {sorted(SKELETONS)}")
        joints = SKELETONS[self.skeleton]
        points = np.asarray(self.points, np.float32)
        confidence = np.asarray(self.confidence, np.float32)
        ok = points.ndim == 4 and points.shape[2:] == (joints, 2)
        require(ok, "PoseTrack", "points", points.shape, f"[T,N,{joints},2]")
        require(confidence.shape == points.shape[:3], "PoseTrack", "confidence", confidence.shape, str(points.shape[:3]))
        in_range = bool(np.all((confidence >= 0) & (confidence <= 1)))
        require(in_range, "PoseTrack", "confidence", "values outside 0-1", "0 <= confidence <= 1")
        require(np.isfinite(points[confidence > 0]).all(), "PoseTrack", "points", "non-finite", "finite where confidence > 0")
        require(np.isfinite(self.fps) and self.fps > 0, "PoseTrack", "fps", self.fps, "a finite number > 0")
        object.__setattr__(self, "points", _frozen(points))
        object.__setattr__(self, "confidence", _frozen(confidence))

    def __len__(self) -> int:
        return self.points.shape[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The raster everything of one suite, recipe or dataset is brought to: px, frames per second, frames."""

    width: int
    height: int
    fps: float
    num_frames: int

    def __post_init__(self) -> None:
        for name in ("width", "height", "num_frames"):
            value = getattr(self, name)
            require(isinstance(value, int) and value >= 1, "grid", name, repr(value), "a whole number >= 1")
        require(self.num_frames >= 2, "grid", "num_frames", self.num_frames, ">= 2", "one frame has no motion")
        require(np.isfinite(self.fps) and 0 < self.fps <= 1000, "grid", "fps", self.fps, "a number in (0, 1000]")

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingExample:
    """What training consumes: animate `reference` with the motion of `driver` to get `target`.

    `reference`: uint8 `[H,W,3]`; `driver` and `target` share T, fps and size. `driver` is None for pure
    image-to-video examples (the driver half of the canvas stays blank).
    """

    id: str
    reference: np.ndarray
    driver: Clip | None
    target: Clip
    prompt: str = ""

    def __post_init__(self) -> None:
        item = f"example {self.id}"
        object.__setattr__(self, "reference", check_image(self.reference, item, "reference"))
        if self.driver is not None:
            got, want = (len(self.driver), self.driver.size, self.driver.fps), (len(self.target), self.target.size, self.target.fps)
            require(got == want, item, "driver (T, size, fps)", got, f"the target's {want}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnimationRequest:
    """Ask for `reference` (uint8 `[H,W,3]`) moving like `driving`; output has `size` (W,H) px and `num_frames`.

    `pose` overrides an animator's own pose estimate of the driver. The output's fps is the driver's.
    """

    id: str
    reference: np.ndarray
    driving: Clip
    size: tuple[int, int]
    num_frames: int
    seed: int
    pose: PoseTrack | None = None
    prompt: str = ""

    def __post_init__(self) -> None:
        item = f"request {self.id}"
        object.__setattr__(self, "reference", check_image(self.reference, item, "reference"))
        require(len(self.size) == 2 and min(self.size) >= 1, item, "size", self.size, "(width, height) >= 1 px")
        require(self.num_frames >= 1, item, "num_frames", self.num_frames, ">= 1")
        require(0 <= self.seed < 2**63, item, "seed", self.seed, "0 <= seed < 2**63")
        if self.pose is not None:
            require(len(self.pose) == len(self.driving), item, "pose length", len(self.pose), f"{len(self.driving)} as the driver")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnimationResult:
    """A generated clip with where it came from. `animator`: name and weights hash; `seconds`: wall time.

    `provenance`: how it was made; its `note`, where there is one, is kept beside the case in a run.
    """

    request_id: str
    clip: Clip
    animator: str
    seconds: float
    provenance: Mapping[str, Any] = field(default_factory=dict)
