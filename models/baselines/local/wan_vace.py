"""`wan_vace:DIR`, Wan2.1-VACE: a video after a control video, with the reference as a picture before it (diffusers `WanVACEPipeline`).

The control is the driver's pose by default; every frame's mask is one (to be painted). A driver longer than `segment` frames is painted
in segments: the last `overlap` painted frames are given to the next one with mask zero, as VACE extends videos. The pipeline alone has
no segments.
Source: VACE (Jiang et al., 2025); diffusers 0.42 `pipeline_wan_vace.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.baselines.local.lacking import lacking
from models.baselines.local.native import painted_words
from models.baselines.local.sampling import check_control, check_sampling, estimate_controlled
from models.baselines.local.segments import check_segments
from models.baselines.local.wan_words import NEGATIVE_PROMPT
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate, Workload
from models.runtime import Runtime
from models.types import require

_AUTO = Runtime()


@dataclass(frozen=True, slots=True, kw_only=True)
class WanVaceOptions:
    """How to paint.

    Args:
        control: pose, gray, or recorded:DIR with a control video DIR/CASE_ID.mp4 for every case.
        estimator: Who finds the people for `pose` where a request brings no pose: tiny, rtmlib:DIR, mediapipe, tracks:DIR.
        control_scale: Strength of the control; 0 paints without it.
        steps: Denoising steps.
        guidance: Guidance by text against `negative_prompt`; 1 switches it off.
        negative_prompt: What not to paint.
        segment: Frames painted at once, 4k+1.
        overlap: Frames of the segment before that the next one is given.
        area_px: Area of the pictures that are painted, px; 0: as asked.
        fps: Rate the model paints at.
    """

    control: str = "pose"
    estimator: str = "tiny"
    control_scale: float = 1.0
    steps: int = 50
    guidance: float = 5.0
    negative_prompt: str = NEGATIVE_PROMPT
    segment: int = 81
    overlap: int = 5
    area_px: int = 832 * 480
    fps: float = 16.0

    def __post_init__(self) -> None:
        check_control("wan_vace", self.control)
        check_sampling("wan_vace", self)
        check_segments("wan_vace", self.segment, self.overlap)
        require(self.control_scale >= 0, "wan_vace", "control_scale", self.control_scale, ">= 0")


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="local",
        needs=("pose",),
        takes=("driver", "prompt"),
        size=SizeRule(multiple=16),
        frames=FrameRule(fps=WanVaceOptions().fps),
        licence="Apache-2.0 (code and weights)",
        weights="Wan-AI/Wan2.1-VACE-1.3B-diffusers or -14B-diffusers, a local folder",
        note="the pose is drawn where the driver's people stand: a reference of other build or place is bent to it; "
        "set estimator=rtmlib:DIR for people, area_px=921600 for 14B; no --runtime.block-cache",
    )


def options(name: str) -> type[WanVaceOptions]:
    return WanVaceOptions


def estimate(name: str, workload: Workload, options: WanVaceOptions) -> Estimate:
    return estimate_controlled(workload, options, "each with a latent frame for the reference")


def missing(name: str, options: WanVaceOptions, argument: str | None = None) -> list[str]:
    return lacking(name, argument, capabilities(name).weights, options)


def paints(name: str, workload: Workload, options: WanVaceOptions) -> str:
    return painted_words(workload.size, options.area_px, 16)


def create(argument: str | None = None, *, name: str = "wan_vace", runtime: Runtime = _AUTO, options: WanVaceOptions | None = None) -> Any:
    """The animator of a local folder. Raises ValueError for a folder that is none, damaged, or of another pipeline."""
    require(bool(argument), f"animator {name}", "folder", "none", "wan_vace:DIR, a local folder of Wan2.1-VACE in diffusers' layout")
    advice = "diffusers' cache would add the control a second time: its hints stand between the blocks that are left out"
    require(runtime.block_cache == 0, f"animator {name}", "block_cache", runtime.block_cache, "0", advice)
    from models.baselines.local.wan_vace_pipeline import load_wan_vace

    return load_wan_vace(Path(argument).expanduser(), name, runtime, options or WanVaceOptions(), capabilities(name))
