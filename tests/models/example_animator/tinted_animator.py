"""`tinted`: the driver in the reference's mean colour; an example of an animator that states all that can be stated.

Nothing but numpy is needed to say what it takes; what makes the pictures would be imported in `create` or `animate`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from models.adaptation import adapt
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate, Workload
from models.types import AnimationRequest, AnimationResult, Clip, require


@dataclass(frozen=True, slots=True, kw_only=True)
class TintedOptions:
    """`strength`: share of the reference's colour; `mode`: whether it is added or multiplied; `usd_per_s`: price of a second of video."""

    strength: float = 0.5
    mode: Literal["add", "multiply"] = "add"
    usd_per_s: float = field(default=0.01, metadata={"identity": False})  # decides no pixel

    def __post_init__(self) -> None:
        require(0 <= self.strength <= 1, "tinted", "strength", self.strength, "0 to 1")


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="weightless",
        needs=("driver",),
        size=SizeRule(multiple=32, min_side_px=64),
        frames=FrameRule(step=4, offset=1, fps=12.0),
        subjects=1,
        licence="MIT",
        note="an example: it moves nothing of the reference",
    )


def options(name: str) -> type[TintedOptions]:
    return TintedOptions


def estimate(name: str, workload: Workload, options: TintedOptions) -> Estimate:
    return Estimate(seconds=0.1, usd=workload.duration_s * options.usd_per_s, basis="stated by --set usd_per_s")


class Tinted:
    weights_hash = ""

    def __init__(self, name: str, options: TintedOptions) -> None:
        self.name, self.options = name, options

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start_s, adapted = time.monotonic(), adapt(request, capabilities(self.name))
        asked, strength = adapted.request, self.options.strength
        tint = asked.reference.reshape(-1, 3).mean(0)
        frames = asked.driving.frames * (1 - strength)
        frames = frames + tint * strength if self.options.mode == "add" else frames * tint / 255
        painted = Clip(frames=np.clip(frames, 0, 255).astype(np.uint8), fps=asked.driving.fps)
        told = {"note": adapted.note, "cost_usd": round(request.num_frames / request.driving.fps * self.options.usd_per_s, 6)}
        seconds = time.monotonic() - start_s
        return AnimationResult(request_id=request.id, clip=adapted.undo(painted), animator=self.name, seconds=seconds, provenance=told)


def create(argument: str | None = None, *, name: str = "tinted", options: TintedOptions | None = None) -> Tinted:
    require(argument is None, f"animator {name}", "argument", repr(argument), f"none; write just {name}")
    return Tinted("tinted", options or TintedOptions())
