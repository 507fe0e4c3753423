"""`puppet`: the straight line from a request to a clip.

    figure      joints, mask and texture of the reference: written down in puppet:DIR, or seen by an estimator
    driver      its pose: the request's, or an estimator's (`tracks:DIR` reads BVH and recorded tracks)
    per frame   bones turn, handles on the bones go along, the mesh follows as rigidly as possible, limbs are painted far to near

The reference's bones keep their lengths. Behind the figure the background is inpainted (or `flat`, its median colour). Where the driver
knows depth (BVH), an arm behind the trunk is painted behind it; else one that is seen badly. Legs are painted before the trunk.
Meant for one figure with arms or legs; of a head alone there is no trunk, and the case fails with that reason.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Callable, Iterable, Mapping, Sequence

import cv2
import numpy as np

from models.artifacts import sha256
from models.baselines.estimators import lacking_estimator
from models.baselines.weightless.puppet.annotations import Annotation, annotations_hash, annotations_in, first_joints, found_in
from models.baselines.weightless.puppet.draw_order import draw_orders
from models.baselines.weightless.puppet.figure import Figure, built, in_view, posed, to_the_waist
from models.baselines.weightless.puppet.placement import Placement, placed
from models.baselines.weightless.puppet.rig import body_of, main_person, retarget, rig_of
from models.baselines.weightless.puppet.silhouette import BACKGROUNDS, figure_mask
from models.box import centred_crop
from models.capabilities import Capabilities
from models.estimate import Estimate, Workload
from models.framing import fit_image
from models.pose.catalog import load_pose_estimator
from models.pose.skeleton import MIRRORED
from models.protocols import PoseEstimator
from models.types import AnimationRequest, AnimationResult, Clip, PoseTrack, require

_FOUND = 0.4
"""Confidence from which an estimator's joint of a reference counts: small ones see people in cats and cameras, and a wrong joint tears."""
_NAMED = 5
"""So many cases a line names."""
_SECONDS_PER_MPX = 0.10
"""Of a frame, one thread, measured at 512 x 512 on a server's CPU; see the guide of animators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PuppetOptions:
    """`images`: folder of the annotated pictures, where they lie apart from their joints; `estimator`: who finds the joints of a reference
    that nobody annotated, "" refuses it; `pose`: who finds those of a driver without a pose; `background`: inpaint or flat; `smooth_s`: of
    the driver's bones, a Gaussian; `travel`: share of the driver's way that the figure goes; `vertices`: of the mesh.
    """

    images: str = field(default="", metadata={"place": True})
    estimator: str = ""
    pose: str = "tiny"
    background: str = "inpaint"
    smooth_s: float = 0.04
    travel: float = 1.0
    vertices: int = 900

    def __post_init__(self) -> None:
        require(self.background in BACKGROUNDS, "puppet", "background", repr(self.background), f"one of {', '.join(BACKGROUNDS)}")
        require(0 <= self.smooth_s <= 5, "puppet", "smooth_s", self.smooth_s, "0 to 5 s")
        require(0 <= self.travel <= 2, "puppet", "travel", self.travel, "0 to 2")
        require(30 <= self.vertices <= 3000, "puppet", "vertices", self.vertices, "30 to 3000")


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="weightless",
        needs=("pose",),
        takes=("driver",),
        subjects=1,
        licence="Apache-2.0",
        weights="none; puppet:DIR reads joints and masks of drawings",
        note="one figure with arms or legs, seen from the front; keeps its proportions",
    )


def options(name: str) -> type:
    return PuppetOptions


def estimate(name: str, workload: Workload, options: PuppetOptions) -> Estimate:
    seconds = workload.num_frames * workload.size[0] * workload.size[1] / 1e6 * _SECONDS_PER_MPX
    return Estimate(tokens=0, passes=0, seconds=seconds, usd=0.0, basis="one CPU thread; the driver's pose estimate not counted")


def missing(
    name: str,
    options: PuppetOptions,
    argument: str | None = None,
    cases: Iterable[str] = (),
    reference_of: Callable[[str], np.ndarray | None] | None = None,
) -> list[str]:
    """Folders that are not there, annotations that lack a picture, and cases whose reference nobody annotated."""
    lines = []
    if not (argument or options.estimator):
        lines.append("joints of references: nobody tells them; puppet:DIR with NAME.joints.yaml, or --set estimator=tiny")
    if options.images and not Path(options.images).expanduser().is_dir():
        lines.append(f"images: {options.images} does not exist; --set images=DIR with the annotated pictures")
    elif argument:
        try:
            known = annotations_in(Path(argument).expanduser(), Path(options.images) if options.images else None)
            if reference_of and not options.estimator:
                lines += _strangers(known, {case: reference_of(case) for case in cases})
        except (ValueError, OSError) as error:
            lines.append(str(error))
    for option, text in (("pose", options.pose), ("estimator", options.estimator)):
        lines += lacking_estimator(option, text) if text else []
    return lines


def _strangers(known: Sequence[Annotation], references: Mapping[str, np.ndarray | None]) -> list[str]:
    """One line that names the cases whose reference is none of the annotated pictures; one that cannot be read fails by itself."""
    strange = [case for case, picture in references.items() if picture is not None and found_in(picture, known, strict=False) is None]
    if not strange:
        return []
    named = ", ".join(strange[:_NAMED]) + (", ..." if len(strange) > _NAMED else "")
    got = f"{len(strange)} of {len(references)} cases show none of {len(known)} annotated pictures ({named})"
    return [f"joints of references: {got}; annotate those, or name who finds them: --set estimator=tiny"]


class PuppetAnimator:
    """Answers with the reference's figure in the driver's poses. Raises ValueError where either has none."""

    name = "puppet"

    def __init__(self, folder: Path | None, options: PuppetOptions) -> None:
        self.options = options
        self.known = annotations_in(folder, Path(options.images) if options.images else None) if folder else ()
        self.finder = load_pose_estimator(options.estimator) if options.estimator else None
        self.pose = load_pose_estimator(options.pose)
        hashes = [
            annotations_hash(self.known) if self.known else "",
            *(getattr(one, "weights_hash", "") for one in (self.finder, self.pose)),
        ]
        self.weights_hash = sha256(" ".join(hashes).encode())
        self._figure = lru_cache(maxsize=4)(self._figure_of)

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start_s = time.monotonic()
        figure = self._figure(request.reference.tobytes(), request.reference.shape, tuple(request.size))
        track, depth = _driver(request, self.pose)
        clip = Clip(frames=self._frames(figure, track, depth, request), fps=request.driving.fps)
        note = f"figure: {figure.how}; background {self.options.background}"
        seconds = time.monotonic() - start_s
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=seconds, provenance={"note": note})

    def _frames(self, figure: Figure, track: PoseTrack, depth: np.ndarray | None, request: AnimationRequest) -> np.ndarray:
        person = main_person(track, f"driver of {request.id}")
        smooth, travel = self.options.smooth_s * track.fps, self.options.travel
        moves = retarget(figure.rig, body_of(track, person), smooth, travel, to_the_waist(figure))
        near = None if depth is None else depth[:, person][:, MIRRORED] if moves.exchanged else depth[:, person]
        orders = draw_orders(figure.rig, moves.confidence, near, track.fps)
        roots = in_view(figure, moves)
        frames = np.empty((request.num_frames, *figure.background.shape), np.uint8)
        for t in range(request.num_frames):
            if t >= len(track):
                frames[t] = frames[t - 1]
                continue
            corners = posed(figure, moves.turns[t], roots[t])[figure.arap.mesh.triangles]
            frames[t] = figure.puppet.over(figure.background, corners + figure.shift, orders[t])
        return frames

    def _figure_of(self, pixels: bytes, shape: tuple[int, ...], size: tuple[int, int]) -> Figure:
        reference = np.frombuffer(pixels, np.uint8).reshape(shape)
        at_size = placed(centred_crop(shape[1::-1], size), size)
        picture, joints, mask, placement, how = self._seen(reference, fit_image(reference, size), at_size)
        scaled = _scaled(picture, placement)
        rig = rig_of({name: complex(placement.points(np.array(place))) for name, place in joints.items()}, "reference")
        if mask is None:
            mask, how = figure_mask(scaled, rig), f"{how}, no mask: outlined by its bones and background"
        else:
            mask = cv2.resize(mask.astype(np.float32), scaled.shape[1::-1], interpolation=cv2.INTER_LINEAR) > 0.5
        return built(rig, scaled, mask, fit_image(reference, size), placement.shift, self.options.vertices, self.options.background, how)

    def _seen(self, reference: np.ndarray, fitted: np.ndarray, at_size: Placement) -> tuple:
        """Picture, joints and mask of the figure, where the picture lies in the answer, and how this is known."""
        found = found_in(reference, self.known, strict=self.finder is None) if self.known else None
        if found:
            drawing, placement = found
            return drawing.picture, drawing.joints, drawing.mask, at_size.after(placement), f"annotation {drawing.name}"
        track = self.finder.estimate(Clip(frames=fitted[None], fps=1.0))
        whole = Placement(scale=(1.0, 1.0), shift=(0.0, 0.0))
        return fitted, first_joints(track, "reference", _FOUND), None, whole, f"joints by {self.options.estimator}"


def _scaled(picture: np.ndarray, placement: Placement) -> np.ndarray:
    """The whole picture at the scale at which it is shown: what the crop cuts off comes into view when it moves."""
    size = tuple(max(1, round(side * scale)) for side, scale in zip(picture.shape[1::-1], placement.scale))
    method = cv2.INTER_AREA if placement.scale[0] < 1 else cv2.INTER_CUBIC
    return picture if size == picture.shape[1::-1] else cv2.resize(np.ascontiguousarray(picture), size, interpolation=method)


def _driver(request: AnimationRequest, estimator: PoseEstimator) -> tuple[PoseTrack, np.ndarray | None]:
    """The driver's pose, and the depth of its joints `[T,N,J]` where the estimator knows it."""
    if request.pose is not None:
        return request.pose, None
    depths = getattr(estimator, "depths", None)
    return estimator.estimate(request.driving), depths(request.driving) if depths else None


def create(argument: str | None = None, *, options: PuppetOptions = PuppetOptions()) -> PuppetAnimator:
    """`puppet:DIR` over a folder of annotated drawings, or `puppet` with an estimator of the joints (`--set estimator=tiny`)."""
    advice = "puppet:DIR with NAME.joints.yaml, or --set estimator=tiny"
    require(bool(argument or options.estimator), "animator puppet", "joints of references", "nobody to tell them", advice)
    return PuppetAnimator(Path(argument).expanduser() if argument else None, options)
