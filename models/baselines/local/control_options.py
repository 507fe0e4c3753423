"""What the systems that paint after a control video share: their options, checks of them, and what a request takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from models.baselines.local.native import painted_size
from models.baselines.local.sampling import check_sampling, tokens_of
from models.baselines.local.segments import check_segments, counted, segments
from models.baselines.local.wan_words import NEGATIVE_PROMPT
from models.estimate import Estimate, Workload
from models.lengths import frames_at
from models.types import require

CONTROLS = ("pose", "gray", "recorded:DIR")
"""Control videos, see `models.baselines.local.control`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlOptions:
    """How to paint after a control video.

    Args:
        control: pose, gray, or recorded:DIR with a control video DIR/CASE_ID.mp4 for every case.
        estimator: Who finds the people for `pose` where a request brings no pose: tiny, rtmlib:DIR, mediapipe, tracks:DIR.
        steps: Denoising steps.
        guidance: Guidance by text against `negative_prompt`; 1 switches it off.
        negative_prompt: What not to paint.
        segment: Frames painted at once, 4k+1.
        area_px: Area of the pictures that are painted, px; 0: as asked.
        fps: Rate the model paints at.
    """

    control: str = "pose"
    estimator: str = "tiny"
    steps: int = 50
    guidance: float = 5.0
    negative_prompt: str = NEGATIVE_PROMPT
    segment: int = 81
    area_px: int = 832 * 480
    fps: float = 16.0


class Overlapping(Protocol):
    """Options that also say how many frames of the segment before the next one is given."""

    steps: int
    guidance: float
    segment: int
    area_px: int
    fps: float

    @property
    def overlap(self) -> int: ...


def check_controlled(item: str, options: ControlOptions, overlap: int) -> None:
    """Raise ValueError naming the option that is out of its range."""
    control = options.control
    known = control in ("pose", "gray") or (control.startswith("recorded:") and len(control) > len("recorded:"))
    require(known, item, "control", repr(control), f"one of {', '.join(CONTROLS)}")
    check_sampling(item, options)
    check_segments(item, options.segment, overlap)


def estimate_controlled(workload: Workload, options: Overlapping, reference: str) -> Estimate:
    """Of a model that paints multiples of 16 px by a control video; `reference`: words on its latent frame for the reference."""
    plan = segments(frames_at(workload.num_frames, workload.fps, options.fps), options.segment, options.overlap)
    size = painted_size(workload.size, options.area_px, 16)
    tokens = sum(tokens_of(size, segment.length, extra_frames=1) for segment in plan)
    basis = f"{counted(len(plan))} of {size[0]}x{size[1]}, {reference}"
    return Estimate(tokens=tokens, passes=options.steps * (2 if options.guidance > 1 else 1), basis=basis)
