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

from models.baselines.local.control_options import ControlOptions, check_controlled, estimate_controlled
from models.baselines.local.lacking import lacking
from models.baselines.local.native import painted_words
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate, Workload
from models.runtime import Runtime
from models.types import require

TRANSFORMERS = ("WanVACETransformer3DModel",)
"""Classes of the network in `transformer/`."""

_AUTO = Runtime()


@dataclass(frozen=True, slots=True, kw_only=True)
class WanVaceOptions(ControlOptions):
    """How to paint.

    Args:
        control_scale: Strength of the control; 0 paints without it.
        overlap: Frames of the segment before that the next one is given.
    """

    control_scale: float = 1.0
    overlap: int = 5

    def __post_init__(self) -> None:
        check_controlled("wan_vace", self, self.overlap)
        require(self.control_scale >= 0, "wan_vace", "control_scale", self.control_scale, ">= 0")


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="local",
        needs=("pose",),
        takes=("driver", "prompt"),
        size=SizeRule(multiple=16),
        frames=FrameRule(fps=WanVaceOptions().fps),
        licence="Apache-2.0 (code and weights)",
        weights="hf download Wan-AI/Wan2.1-VACE-1.3B-diffusers --local-dir DIR, or its -14B-diffusers",
        note="the pose is drawn where the driver's people stand: a reference of other build or place is bent to it; "
        "set estimator=rtmlib:DIR for people, area_px=921600 for 14B; no --runtime.block-cache",
    )


def options(name: str) -> type[WanVaceOptions]:
    return WanVaceOptions


def estimate(name: str, workload: Workload, options: WanVaceOptions) -> Estimate:
    return estimate_controlled(workload, options, "each with a latent frame for the reference")


def missing(name: str, options: WanVaceOptions, argument: str | None = None) -> list[str]:
    return lacking(name, argument, capabilities(name).weights, TRANSFORMERS, options)


def paints(name: str, workload: Workload, options: WanVaceOptions) -> str:
    return painted_words(workload.size, options.area_px, 16)


def create(argument: str | None = None, *, name: str = "wan_vace", runtime: Runtime = _AUTO, options: WanVaceOptions | None = None) -> Any:
    """The animator of a local folder. Raises ValueError for a folder that is none, damaged, or of another pipeline."""
    require(bool(argument), f"animator {name}", "folder", "none", "wan_vace:DIR, a local folder of Wan2.1-VACE in diffusers' layout")
    advice = "diffusers' cache would add the control a second time: its hints stand between the blocks that are left out"
    require(runtime.block_cache == 0, f"animator {name}", "block_cache", runtime.block_cache, "0", advice)
    from models.baselines.local.wan_vace_pipeline import load_wan_vace

    return load_wan_vace(Path(argument).expanduser(), name, runtime, options or WanVaceOptions(), capabilities(name))
