"""Nuisances: what happens to honest answers on their way, and should move no score by much.

`NUISANCES` maps a name to a function (scene) -> answer, or None where the scene lacks the material. A metric's repeatability is how far
re-encoding at the factors of `REPEATED` moves an ordinary answer, `flow_warp`'s: a perfect one has further to fall than anybody's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from awbench.selftest.picture_damages import each
from awbench.selftest.scenes import Answer, Scene, as_given
from awbench.selftest.time_damages import chosen
from models.types import Clip
from models.video import encode_video, read_video

_LUMA_601, _LUMA_709 = (0.299, 0.114), (0.2126, 0.0722)
"""Weights of red and blue."""


def coded(clip: Clip, crf: int) -> Clip:
    """H.264, 4:2:0, as players want it, and back."""
    width, height = clip.size
    frames = read_video(encode_video(clip, pix_fmt="yuv420p", crf=crf)).frames[:, :height, :width]
    return Clip(frames=np.ascontiguousarray(frames), fps=clip.fps)


def reencoded(scene: Scene, crf: int) -> Answer:
    return Answer(clip=coded(scene.answer, crf))


def resized(scene: Scene, scale: float) -> Answer:
    size = scene.answer.size
    small = tuple(max(1, round(scale * length)) for length in size)

    def change(frame: np.ndarray, t: int) -> np.ndarray:
        return cv2.resize(cv2.resize(frame, small, interpolation=cv2.INTER_AREA), size, interpolation=cv2.INTER_CUBIC)

    return Answer(clip=each(scene.answer, change))


def cropped(scene: Scene, share: float) -> Answer:
    """`share` of width and height cut off in all, half on each side, the rest enlarged."""
    width, height = scene.answer.size
    left, top = max(1, round(width * share / 2)), max(1, round(height * share / 2))

    def change(frame: np.ndarray, t: int) -> np.ndarray:
        return cv2.resize(frame[top : height - top, left : width - left], (width, height), interpolation=cv2.INTER_CUBIC)

    return Answer(clip=each(scene.answer, change))


def _coded(red_blue: tuple[float, float]) -> np.ndarray:
    """The matrix RGB -> Y, Cb, Cr for weights of red and blue."""
    red, blue = red_blue
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack([luma, (np.eye(3)[2] - luma) / (2 * (1 - blue)), (np.eye(3)[0] - luma) / (2 * (1 - red))])


def mixed_up_matrices(scene: Scene) -> Answer:
    """Written by BT.601, read by BT.709."""
    matrix = (np.linalg.inv(_coded(_LUMA_709)) @ _coded(_LUMA_601)).astype(np.float32)
    return Answer(clip=each(scene.answer, lambda frame, t: frame @ matrix.T))


def mixed_up_range(scene: Scene) -> Answer:
    """Limited-range levels shown as full range: black is 16 and white 235."""
    return Answer(clip=each(scene.answer, lambda frame, t: 16 + frame * (219 / 255)))


def shifted(scene: Scene, frames: int) -> Answer:
    """The whole answer early (> 0) or late by some frames; its end or start is held."""
    total = len(scene.answer)
    clip = chosen(scene.answer, np.clip(np.arange(total) + frames, 0, total - 1))
    return Answer(clip=clip, lag_s=frames / scene.answer.fps)


def at_rate(scene: Scene, fps: float) -> Answer | None:
    """The right answer at another frame rate, brought to the grid as a run does."""
    found = scene.at_rate(fps)
    return None if found is None else as_given(scene, found)


NUISANCES: dict[str, Callable[[Scene], Answer | None]] = {
    "crf18": partial(reencoded, crf=18),
    "crf23": partial(reencoded, crf=23),
    "crf28": partial(reencoded, crf=28),
    "resize_75": partial(resized, scale=0.75),
    "crop_3": partial(cropped, share=0.03),
    "bt601_as_709": mixed_up_matrices,
    "full_range": mixed_up_range,
    "frame_early": partial(shifted, frames=1),
    "frame_late": partial(shifted, frames=-1),
    "fps_30": partial(at_rate, fps=30.0),
    "fps_25": partial(at_rate, fps=25.0),
    "fps_20": partial(at_rate, fps=20.0),
    "fps_16": partial(at_rate, fps=16.0),
}
REPEATED = (18, 23)
