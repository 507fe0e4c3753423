"""`wan_fun_control:DIR`, Wan2.1-Fun-Control: Wan image-to-video whose condition is a control video (VideoX-Fun).

    hidden_states = [x_t 16, control 16, first frame 16]        48 channels, zeros where no first frame is given

diffusers has no pipeline of it. The published transformers come in the original layout and are read as they are:
    DIR            a diffusers folder of Wan2.1 image-to-video (vae/, text_encoder/, image_encoder/, tokenizer/, scheduler/, ...),
    DIR/transformer/    config.json and the safetensors of Wan2.1-Fun-1.3B-Control, -14B-Control or their V1.1 in its place
V1.1 takes the reference as an extra latent frame through a patch embedding of its own (`ref_conv`) and follows it in any pose. Without
`ref_conv` (V1.0) the reference is the first frame itself, so it must stand as the driver's first frame does.
A driver longer than `segment` frames is painted in segments, each from the last frame before it.
Source: VideoX-Fun `pipeline_wan_fun_control.py`, `wan_transformer3d.py`; names as diffusers' `convert_wan_transformer_to_diffusers`.
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

OVERLAP = 1
"""Frames a segment can be given: the model knows a first frame, no more."""
TRANSFORMERS = ("WanTransformer3DModel", "WanModel")
"""Classes of the network in `transformer/`: diffusers' name and the published files'."""

_AUTO = Runtime()


@dataclass(frozen=True, slots=True, kw_only=True)
class WanFunControlOptions(ControlOptions):
    """How to paint."""

    guidance: float = 6.0

    def __post_init__(self) -> None:
        check_controlled("wan_fun_control", self, OVERLAP)

    @property
    def overlap(self) -> int:
        return OVERLAP


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="local",
        needs=("pose",),
        takes=("driver", "prompt", "first_frame"),
        size=SizeRule(multiple=16),
        frames=FrameRule(fps=WanFunControlOptions().fps),
        licence="Apache-2.0 (code and weights)",
        weights="hf download Wan-AI/Wan2.1-I2V-14B-480P-Diffusers --local-dir DIR; in place of its transformer/: hf download "
        "alibaba-pai/Wan2.1-Fun-V1.1-1.3B-Control --local-dir DIR/transformer, or -14B-Control",
        note="the build of the driver's people leaks through the pose; V1.0 weights need a reference posed as the driver's first frame",
    )


def options(name: str) -> type[WanFunControlOptions]:
    return WanFunControlOptions


def estimate(name: str, workload: Workload, options: WanFunControlOptions) -> Estimate:
    """As V1.1; V1.0 has no latent frame for the reference."""
    return estimate_controlled(workload, options, "each with a latent frame for the reference (V1.1)")


def missing(name: str, options: WanFunControlOptions, argument: str | None = None) -> list[str]:
    return lacking(name, argument, capabilities(name).weights, TRANSFORMERS, options)


def paints(name: str, workload: Workload, options: WanFunControlOptions) -> str:
    return painted_words(workload.size, options.area_px, 16)


def create(argument: str | None = None, *, name: str = "wan_fun_control", runtime: Runtime = _AUTO, options: Any = None) -> Any:
    """The animator of a local folder. Raises ValueError for a folder that is none, damaged, or of another model."""
    require(bool(argument), f"animator {name}", "folder", "none", "wan_fun_control:DIR, a local folder")
    from models.baselines.local.wan_fun_control_pipeline import load_wan_fun_control

    return load_wan_fun_control(Path(argument).expanduser(), name, runtime, options or WanFunControlOptions(), capabilities(name))
