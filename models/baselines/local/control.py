"""Control videos: what of the driver a control model is shown.

pose            the people's joints, drawn as OpenPose draws them
gray            the driver without its colours: keeps the driver's shapes, so only for a reference of the same shape
recorded:DIR    DIR/CASE_ID.mp4, made elsewhere of each driver (depth, edges, flow, another pose drawing)
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from models.framing import fit_image
from models.protocols import PoseEstimator
from models.types import AnimationRequest, Clip, require
from models.video.times import nearest_frames

_LUMA = np.float32((0.299, 0.587, 0.114))


class Control(Protocol):
    """`weights_hash`: of whatever besides the driver decides a pixel; `kind`: pose, gray or recorded."""

    kind: str
    weights_hash: str

    def drive(self, request: AnimationRequest) -> AnimationRequest:
        """The request as it was asked, with the driver that `draw` is to see."""
        ...

    def draw(self, request: AnimationRequest) -> np.ndarray:
        """uint8 `[T,H,W,3]` at the size and frames of an adapted request."""
        ...


class PoseControl:
    """The request's own pose, or the estimator's of the driver. A frame without people is black."""

    kind = "pose"

    def __init__(self, estimator: PoseEstimator, *, hands: bool) -> None:
        self.estimator, self.hands, self.weights_hash = estimator, hands, estimator.weights_hash

    def drive(self, request: AnimationRequest) -> AnimationRequest:
        return request

    def draw(self, request: AnimationRequest) -> np.ndarray:
        from models.baselines.local.openpose import draw_openpose
        from models.pose.fit import fit_pose

        pose = request.pose if request.pose is not None else self.estimator.estimate(request.driving)
        return draw_openpose(fit_pose(pose, request.driving.size, request.size), request.size, hands=self.hands)


class GrayControl:
    kind, weights_hash = "gray", ""

    def drive(self, request: AnimationRequest) -> AnimationRequest:
        return request

    def draw(self, request: AnimationRequest) -> np.ndarray:
        pictures = [fit_image(frame, request.size) @ _LUMA for frame in request.driving.frames]
        return np.repeat(np.uint8(np.clip(np.round(pictures), 0, 255))[..., None], 3, axis=-1)


class RecordedControl:
    """Raises ValueError where a case has no video, or a shorter one."""

    kind = "recorded"

    def __init__(self, folder: Path) -> None:
        from models.baselines.weightless.recorded import Recorded
        from models.pose.catalog import files_hash

        require(folder.is_dir(), "control recorded", "folder", folder.name, "a folder of CASE_ID.mp4")
        self.recorded = Recorded(folder=folder)
        self.weights_hash = files_hash(path for path in folder.iterdir() if path.is_file())

    def drive(self, request: AnimationRequest) -> AnimationRequest:
        clip, driving = self.recorded.animate(request).clip, request.driving
        shown = nearest_frames(request.num_frames, driving.fps, clip.fps)
        got = f"{len(clip)} frames at {clip.fps:g} fps"
        require(shown[-1] < len(clip), f"control of {request.id}", "length", got, f">= {shown[-1] + 1}, as long as the driver")
        frames = np.stack([fit_image(clip.frames[t], driving.size) for t in shown])
        return replace(request, driving=Clip(frames=frames, fps=driving.fps), pose=None)

    def draw(self, request: AnimationRequest) -> np.ndarray:
        return np.stack([fit_image(frame, request.size) for frame in request.driving.frames])


def build_control(control: str, estimator: str, *, hands: bool) -> Control:
    """The control of that name. `estimator`: who finds the people, as written after --estimator."""
    if control == "gray":
        return GrayControl()
    if control != "pose":
        return RecordedControl(Path(control.removeprefix("recorded:")).expanduser())
    from models.pose.catalog import load_pose_estimator

    return PoseControl(load_pose_estimator(estimator), hands=hands)
