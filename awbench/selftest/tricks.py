"""Tricks: answers that take no animator, or hardly show what one made, and should earn nothing by it, beside the honest systems that none
may pass on `overall`.

`TRICKS` maps a name to a function (scene) -> answer, `HONEST` to (scene) -> clip. Tricks need a driver that isn't the answer: cross track
only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from awbench.selftest.scenes import Answer, Scene, as_given, flow_warp
from awbench.selftest.time_damages import warped
from models.types import Clip

Painter = Callable[[Scene], Clip]
Trick = Callable[[Scene], Answer]
SLIDE_S, LEAST_SLIDES = 1.0, 3


def _clip(scene: Scene, frames: np.ndarray | list[np.ndarray]) -> Clip:
    return Clip(frames=np.clip(np.round(np.asarray(frames, np.float32)), 0, 255).astype(np.uint8), fps=scene.driver.fps)


def _driver(scene: Scene) -> np.ndarray:
    return scene.driver.frames.astype(np.float32)


def _reference(scene: Scene) -> np.ndarray:
    return scene.reference.astype(np.float32)


def still(scene: Scene) -> Clip:
    return _clip(scene, np.repeat(scene.reference[None], len(scene.driver), 0))


def echo(scene: Scene) -> Clip:
    return scene.driver


def _recoloured(frames: np.ndarray, look: np.ndarray) -> np.ndarray:
    """Frames `[T,h,w,3]` with mean and deviation of every colour as in `look` `[h,w,3]`."""
    pixels, wanted = frames.reshape(-1, 3), look.reshape(-1, 3)
    return (frames - pixels.mean(0)) / (pixels.std(0) + 1e-3) * wanted.std(0) + wanted.mean(0)


def mean_transfer(scene: Scene) -> Clip:
    """The driver with the reference's mean and deviation in each colour."""
    return _clip(scene, _recoloured(_driver(scene), _reference(scene)))


def colour_transfer(scene: Scene) -> Clip:
    """The driver with the reference's mean and covariance of colours."""
    frames, look = _driver(scene), _reference(scene)
    pixels, wanted = frames.reshape(-1, 3), look.reshape(-1, 3)
    matrix = _root(np.cov(wanted.T)) @ np.linalg.inv(_root(np.cov(pixels.T)))
    return _clip(scene, (frames - pixels.mean(0)) @ matrix.T.astype(np.float32) + wanted.mean(0))


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance + 1e-2 * np.eye(3))
    return vectors @ np.diag(np.sqrt(np.maximum(values, 1e-2))) @ vectors.T


def quarter_transfer(scene: Scene) -> Clip:
    """The driver recoloured quarter by quarter of the picture."""
    frames, look = _driver(scene), _reference(scene)
    height, width = look.shape[0] // 2, look.shape[1] // 2
    for rows in (slice(0, height), slice(height, None)):
        for columns in (slice(0, width), slice(width, None)):
            frames[:, rows, columns] = _recoloured(frames[:, rows, columns], look[rows, columns])
    return _clip(scene, frames)


def blend(scene: Scene, share: float) -> Clip:
    """A still reference with some of the driver through it."""
    return _clip(scene, (1 - share) * _reference(scene) + share * _driver(scene))


def ghost(scene: Scene, share: float) -> Clip:
    """A still reference plus what changes in the driver since its first frame."""
    frames = _driver(scene)
    return _clip(scene, _reference(scene) + share * (frames - frames[:1]))


def crossfade(scene: Scene) -> Clip:
    """From the reference to the driver."""
    weight = np.linspace(0, 1, len(scene.driver), dtype=np.float32)[:, None, None, None]
    return _clip(scene, (1 - weight) * _reference(scene) + weight * _driver(scene))


def small_driver(scene: Scene) -> Clip:
    """A still reference with the driver in a corner."""
    frames = still(scene).frames.copy()
    height, width = (max(1, length // 5) for length in scene.reference.shape[:2])
    frames[:, :height, :width] = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in scene.driver.frames]
    return Clip(frames=frames, fps=scene.driver.fps)


def _moved(scene: Scene, matrix_at: Callable[[int], np.ndarray]) -> Clip:
    size = scene.driver.size
    frames = [cv2.warpAffine(scene.reference, matrix_at(t), size, borderMode=cv2.BORDER_REFLECT) for t in range(len(scene.driver))]
    return Clip(frames=np.stack(frames), fps=scene.driver.fps)


def zoompan(scene: Scene) -> Clip:
    """A slow zoom into the reference with a pan."""
    width, height = scene.driver.size

    def matrix(t: int) -> np.ndarray:
        found = cv2.getRotationMatrix2D((width / 2, height / 2), 0, 1 + 0.03 * t)
        found[0, 2] += 0.01 * width * t
        return found

    return _moved(scene, matrix)


def dither(scene: Scene) -> Clip:
    """The reference half a pixel to and fro."""
    return _moved(scene, lambda t: np.float32([[1, 0, 0.5 * (t % 2)], [0, 1, 0]]))


def oscillation(scene: Scene) -> Clip:
    """The reference swaying by 2 % of its width."""
    width = scene.driver.size[0]
    return _moved(scene, lambda t: np.float32([[1, 0, 0.02 * width * np.sin(1.5 * t)], [0, 1, 0]]))


def wrong_warp(scene: Scene) -> Clip:
    """The reference warped by another clip's motion."""
    return warped(scene.reference, scene.wrong_driver)


def looped_warp(scene: Scene) -> Clip:
    """The first half of flow_warp's answer, twice."""
    half = max(2, len(scene.driver) // 2)
    return Clip(frames=warped(scene.reference, scene.driver).frames[np.arange(len(scene.driver)) % half], fps=scene.driver.fps)


def larger_warp(scene: Scene) -> Clip:
    """flow_warp with a motion 1.3 times as large."""
    return warped(scene.reference, scene.driver, lambda flow, t: 1.3 * flow)


def slideshow(scene: Scene) -> Answer:
    """The right answer at a frame a second, given as such; in a clip too short for LEAST_SLIDES of them, so many evenly spread."""
    total, fps = len(scene.answer), scene.answer.fps
    step = max(1, min(round(SLIDE_S * fps), total // LEAST_SLIDES))
    return as_given(scene, Clip(frames=scene.answer.frames[::step], fps=fps / step))


def _painted(paint: Painter, scene: Scene) -> Answer:
    return Answer(clip=paint(scene))


RIGHT, WARP = "right_answer", "flow_warp"
HONEST: dict[str, Painter] = {RIGHT: lambda scene: scene.answer, WARP: lambda scene: flow_warp(scene.reference, scene.driver)}
"""A cross scene of footage has no right answer: there `flow_warp` alone is honest."""
_PAINTED: dict[str, Painter] = {
    "still": still,
    "echo": echo,
    "mean_transfer": mean_transfer,
    "colour_transfer": colour_transfer,
    "quarter_transfer": quarter_transfer,
    "blend30": partial(blend, share=0.3),
    "ghost30": partial(ghost, share=0.3),
    "ghost60": partial(ghost, share=0.6),
    "ghost100": partial(ghost, share=1.0),
    "crossfade": crossfade,
    "small_driver": small_driver,
    "zoompan": zoompan,
    "dither": dither,
    "oscillation": oscillation,
    "wrong_warp": wrong_warp,
    "looped_warp": looped_warp,
    "larger_warp": larger_warp,
}
TRICKS: dict[str, Trick] = {name: partial(_painted, paint) for name, paint in _PAINTED.items()} | {"slideshow": slideshow}
