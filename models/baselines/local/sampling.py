"""What the options of all local pipelines share: their checks, how many tokens a segment is, and what a request will take."""

from __future__ import annotations

from math import isfinite
from typing import Protocol

from models.baselines.local.native import painted_size
from models.baselines.local.segments import counted, latent_frames, segments
from models.estimate import Estimate, Workload
from models.lengths import frames_at
from models.types import require

TOKEN_PX = 16
"""A token is 2x2 latents of 8x8 px."""
CONTROLS = ("pose", "gray", "recorded:DIR")
"""Control videos, see `models.baselines.local.control`."""


class Sampled(Protocol):
    steps: int
    guidance: float
    area_px: int
    fps: float


class Segmented(Sampled, Protocol):
    segment: int

    @property
    def overlap(self) -> int: ...


def check_sampling(item: str, options: Sampled) -> None:
    """Raise ValueError naming the option that is out of its range."""
    require(options.steps >= 1, item, "steps", options.steps, "a whole number >= 1")
    require(isfinite(options.guidance) and options.guidance >= 0, item, "guidance", options.guidance, "a finite number >= 0")
    require(options.area_px >= 0, item, "area_px", options.area_px, "px, or 0 for the asked size")
    require(isfinite(options.fps) and options.fps > 0, item, "fps", options.fps, "a finite number > 0")


def check_control(item: str, control: str) -> None:
    """Raise ValueError unless `control` is one of `CONTROLS`."""
    known = control in ("pose", "gray") or (control.startswith("recorded:") and len(control) > len("recorded:"))
    require(known, item, "control", repr(control), f"one of {', '.join(CONTROLS)}")


def tokens_of(size: tuple[int, int], frames: int, *, extra_frames: int = 0) -> int:
    """Tokens of `frames` pictures of `size` (W,H) px, with latent frames beside them that carry the reference."""
    return (latent_frames(frames) + extra_frames) * (size[0] // TOKEN_PX) * (size[1] // TOKEN_PX)


def estimate_controlled(workload: Workload, options: Segmented, reference: str) -> Estimate:
    """Of a model that paints multiples of 16 px by a control video; `reference`: words on its latent frame for the reference."""
    plan = segments(frames_at(workload.num_frames, workload.fps, options.fps), options.segment, options.overlap)
    size = painted_size(workload.size, options.area_px, 16)
    tokens = sum(tokens_of(size, segment.length, extra_frames=1) for segment in plan)
    basis = f"{counted(len(plan))} of {size[0]}x{size[1]}, {reference}"
    return Estimate(tokens=tokens, passes=options.steps * (2 if options.guidance > 1 else 1), basis=basis)
