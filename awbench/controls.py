"""Planted faults: what a metric must see. Each takes a good clip and spoils one thing, by an amount scaled to the picture.

`CONTROLS` maps a name to (dimension it must lower, function). Tests apply them to the truth; none may ever beat it.
Wrong identity and wrong motion are not here: they need another case, not another clip.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from models.types import Clip


def _each(clip: Clip, change: Callable[[np.ndarray, int], np.ndarray]) -> Clip:
    frames = [np.clip(np.round(change(frame.astype(np.float32), t)), 0, 255) for t, frame in enumerate(clip.frames)]
    return Clip(frames=np.stack(frames).astype(np.uint8), fps=clip.fps)


def _side(clip: Clip) -> int:
    return min(clip.size)


def blurred(clip: Clip, rng: np.random.Generator) -> Clip:
    return _each(clip, lambda frame, t: cv2.GaussianBlur(frame, (0, 0), max(0.7, 0.016 * _side(clip))))


def sharpened(clip: Clip, rng: np.random.Generator) -> Clip:
    return _each(clip, lambda frame, t: 2.5 * frame - 1.5 * cv2.GaussianBlur(frame, (0, 0), max(0.8, _side(clip) / 256)))


def noisy(clip: Clip, rng: np.random.Generator) -> Clip:
    return _each(clip, lambda frame, t: frame + rng.normal(0, 8, frame.shape))


def pixelated(clip: Clip, rng: np.random.Generator) -> Clip:
    """Every block of k x k pixels is its mean: crisp edges, no noise, a k-th of the detail."""
    width, height = clip.size
    k = max(2, round(_side(clip) / 48))
    small = (max(1, width // k), max(1, height // k))

    def change(frame: np.ndarray, t: int) -> np.ndarray:
        return cv2.resize(cv2.resize(frame, small, interpolation=cv2.INTER_AREA), (width, height), interpolation=cv2.INTER_NEAREST)

    return _each(clip, change)


def flickering(clip: Clip, rng: np.random.Generator) -> Clip:
    gains = 1 + 0.08 * np.where(np.arange(len(clip)) % 2, -1, 1) * rng.uniform(0.7, 1.3, len(clip))
    return _each(clip, lambda frame, t: frame * gains[t])


def jittering(clip: Clip, rng: np.random.Generator) -> Clip:
    shifts = 0.02 * _side(clip) * rng.choice([-1, 1], (len(clip), 2))
    size = clip.size

    def shift(frame: np.ndarray, t: int) -> np.ndarray:
        matrix = np.float32([[1, 0, shifts[t, 0]], [0, 1, shifts[t, 1]]])
        return cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    return _each(clip, shift)


def stuttering(clip: Clip, rng: np.random.Generator) -> Clip:
    """Every second frame is the one before: half the motion, in leaps."""
    return Clip(frames=clip.frames[np.arange(len(clip)) // 2 * 2], fps=clip.fps)


def frozen(clip: Clip, rng: np.random.Generator) -> Clip:
    return Clip(frames=np.repeat(clip.frames[:1], len(clip), 0), fps=clip.fps)


def reversed_time(clip: Clip, rng: np.random.Generator) -> Clip:
    return Clip(frames=clip.frames[::-1].copy(), fps=clip.fps)


CONTROLS: dict[str, tuple[str, Callable[[Clip, np.random.Generator], Clip]]] = {
    "blurred": ("imaging_quality", blurred),
    "sharpened": ("imaging_quality", sharpened),
    "noisy": ("imaging_quality", noisy),
    "pixelated": ("imaging_quality", pixelated),
    "flickering": ("temporal_consistency", flickering),
    "jittering": ("motion_smoothness", jittering),
    "stuttering": ("motion_smoothness", stuttering),
    "frozen": ("motion_fidelity", frozen),
    "reversed": ("motion_fidelity", reversed_time),
}
