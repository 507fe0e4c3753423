"""What the options of Wan pipelines share: their checks, and how many tokens a segment is."""

from __future__ import annotations

from math import isfinite
from typing import Protocol

from models.baselines.local.segments import latent_frames
from models.types import require

TOKEN_PX = 16
"""A token is 2x2 latents of 8x8 px."""


class Sampled(Protocol):
    steps: int
    guidance: float
    area_px: int
    fps: float


def check_sampling(item: str, options: Sampled) -> None:
    """Raise ValueError naming the option that is out of its range."""
    require(options.steps >= 1, item, "steps", options.steps, "a whole number >= 1")
    require(isfinite(options.guidance) and options.guidance >= 0, item, "guidance", options.guidance, "a finite number >= 0")
    require(options.area_px >= 0, item, "area_px", options.area_px, "px, or 0 for the asked size")
    require(isfinite(options.fps) and options.fps > 0, item, "fps", options.fps, "a finite number > 0")


def tokens_of(size: tuple[int, int], frames: int, *, extra_frames: int = 0) -> int:
    """Tokens of `frames` pictures of `size` (W,H) px, with latent frames beside them that carry the reference."""
    return (latent_frames(frames) + extra_frames) * (size[0] // TOKEN_PX) * (size[1] // TOKEN_PX)
