"""Footage with planted events, made from nothing: textured grounds, a block that moves over them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from bootstrap.sources.facts import ClipFacts
from bootstrap.sources.inspection import facts_of_clip
from models.types import Clip
from models.video import write_video

WIDTH, HEIGHT, FPS = 96, 64, 24.0


def ground(seed: int) -> np.ndarray:
    """A smooth coloured texture, uint8 `[H,W,3]`."""
    coarse = np.random.default_rng(seed).integers(20, 235, (6, 9, 3), dtype=np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def scene(frames: int, seed: int = 1, fps: float = FPS) -> np.ndarray:
    """A block on a wandering path of its own over a still ground, uint8 `[T,H,W,3]`."""
    rng, still = np.random.default_rng(seed), ground(seed)
    phases, colour = rng.uniform(0, 6, 4), rng.integers(0, 255, 3)
    video = np.stack([still] * frames)
    for t, moment in enumerate(np.arange(frames) / fps):
        x = int(38 + 20 * np.sin(2.1 * moment + phases[0]) + 14 * np.sin(5.3 * moment + phases[1]))
        y = int(20 + 12 * np.sin(2.7 * moment + phases[2]) + 6 * np.sin(6.1 * moment + phases[3]))
        video[t, max(0, y) : y + 24, max(0, x) : x + 24] = colour
    return video


def facts(frames: np.ndarray, fps: float = FPS, sha256: str = "") -> ClipFacts:
    return facts_of_clip(Clip(frames=frames, fps=fps), sha256)


def save(path: Path, frames: np.ndarray, fps: float = FPS) -> str:
    write_video(path, Clip(frames=frames, fps=fps))
    return str(path)
