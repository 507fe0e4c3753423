"""Damages of pictures: every frame stays where it is in time and is spoiled as a whole.

Each function takes a scene, an amount and a generator, and answers with a clip. Lengths are shares of the short side.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from awbench.selftest.scenes import Scene
from models.types import Clip

_FIELD = 0.1
"""Correlation length of random deformations, as a share of the short side."""


def each(clip: Clip, change: Callable[[np.ndarray, int], np.ndarray]) -> Clip:
    """Change every frame, as float32 `[H,W,3]` with its number, back to whole grey levels."""
    frames = [np.clip(np.round(change(frame.astype(np.float32), t)), 0, 255) for t, frame in enumerate(clip.frames)]
    return Clip(frames=np.stack(frames).astype(np.uint8), fps=clip.fps)


def side(clip: Clip) -> int:
    return min(clip.size)


def random_field(shape: tuple[int, int], amount: float, rng: np.random.Generator) -> np.ndarray:
    """A smooth random displacement float32 `[H,W,2]` px, at its largest `amount` of the short side."""
    short = min(shape)
    field = cv2.GaussianBlur(rng.normal(size=(*shape, 2)).astype(np.float32), (0, 0), _FIELD * short)
    return field / np.abs(field).max() * amount * short


def displaced(frame: np.ndarray, field: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(frame, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def blur(scene: Scene, sigma: float, rng: np.random.Generator) -> Clip:
    width = max(0.3, sigma * side(scene.answer))
    return each(scene.answer, lambda frame, t: cv2.GaussianBlur(frame, (0, 0), width))


def noise(scene: Scene, grey_levels: float, rng: np.random.Generator) -> Clip:
    return each(scene.answer, lambda frame, t: frame + rng.normal(0, grey_levels, frame.shape))


def jpeg(scene: Scene, quality: float, rng: np.random.Generator) -> Clip:
    def coded(frame: np.ndarray, t: int) -> np.ndarray:
        _, data = cv2.imencode(".jpg", frame[..., ::-1].astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
        return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]

    return each(scene.answer, coded)


def oversharp(scene: Scene, gain: float, rng: np.random.Generator) -> Clip:
    sigma = max(0.8, side(scene.answer) / 256)
    return each(scene.answer, lambda frame, t: frame + gain * (frame - cv2.GaussianBlur(frame, (0, 0), sigma)))


def pixelated(scene: Scene, block: float, rng: np.random.Generator) -> Clip:
    """Every block is its mean: crisp edges, no noise, less detail."""
    size = scene.answer.size
    small = tuple(max(1, round(length / (block * side(scene.answer)))) for length in size)

    def change(frame: np.ndarray, t: int) -> np.ndarray:
        return cv2.resize(cv2.resize(frame, small, interpolation=cv2.INTER_AREA), size, interpolation=cv2.INTER_NEAREST)

    return each(scene.answer, change)


def contrast(scene: Scene, lost: float, rng: np.random.Generator) -> Clip:
    mean = float(scene.answer.frames.mean())
    return each(scene.answer, lambda frame, t: mean + (1 - lost) * (frame - mean))


def flicker(scene: Scene, amount: float, rng: np.random.Generator) -> Clip:
    """Brighter and darker in turn."""
    number = len(scene.answer)
    gains = 1 + amount * np.where(np.arange(number) % 2, -1, 1) * rng.uniform(0.7, 1.3, number)
    return each(scene.answer, lambda frame, t: frame * gains[t])


def warp_boil(scene: Scene, amount: float, rng: np.random.Generator) -> Clip:
    """Another smooth deformation in every frame."""
    return each(scene.answer, lambda frame, t: displaced(frame, random_field(frame.shape[:2], amount, rng)))


def warp_static(scene: Scene, amount: float, rng: np.random.Generator) -> Clip:
    """One smooth deformation of all frames, the first one too."""
    width, height = scene.answer.size
    field = random_field((height, width), amount, rng)
    return each(scene.answer, lambda frame, t: displaced(frame, field))


def jitter(scene: Scene, amount: float, rng: np.random.Generator) -> Clip:
    """Every frame shifted to one of four corners."""
    shifts = amount * side(scene.answer) * rng.choice([-1, 1], (len(scene.answer), 2))

    def shift(frame: np.ndarray, t: int) -> np.ndarray:
        matrix = np.float32([[1, 0, shifts[t, 0]], [0, 1, shifts[t, 1]]])
        return cv2.warpAffine(frame, matrix, scene.answer.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    return each(scene.answer, shift)


def hue_drift(scene: Scene, degrees: float, rng: np.random.Generator) -> Clip:
    """Hues turn evenly over the clip, by `degrees` at its end."""
    last = max(1, len(scene.answer) - 1)

    def turned(frame: np.ndarray, t: int) -> np.ndarray:
        hsv = cv2.cvtColor(frame / 255, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0] + degrees * t / last) % 360
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255

    return each(scene.answer, turned)


def dark(scene: Scene, lost: float, rng: np.random.Generator) -> Clip:
    return each(scene.answer, lambda frame, t: (1 - lost) * frame)


def greyed(scene: Scene, lost: float, rng: np.random.Generator) -> Clip:
    return each(scene.answer, lambda frame, t: (1 - lost) * frame + lost * frame.mean(-1, keepdims=True))
