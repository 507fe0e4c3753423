"""`wan_animate2:DIR` and `wan_animate2_distilled:DIR`, Wan-Animate-2: end to end, reads the driver's own pixels, no pose.

diffusers' modular pipelines. A pass over a segment of the driver fills a key-value cache, which each frame of the answer attends to at
its own moment; segments go on from decoded frames. That attention is PyTorch's flex attention: its block mask is compiled, so a C++
compiler must be there, and is looked for before weights are read. On a GPU the blocks are always compiled: without it the whole
attention matrix would be stored.
The distilled model paints in 10 steps without guidance; folder and name must agree, so that the options a run records are those of the
model.
Source: diffusers 0.42 `modular_pipelines/wan_animate_2`.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.baselines.local.lacking import lacking
from models.baselines.local.native import painted_size, painted_words
from models.baselines.local.sampling import check_sampling, tokens_of
from models.baselines.local.segments import check_segments, counted, frames_up
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate, Workload
from models.lengths import frames_at
from models.runtime import Runtime
from models.types import require

DISTILLED = "wan_animate2_distilled"
REFERENCE_PROMPT = "人物动作的参考视频"
"""The words the model was trained to see with a driver: "reference video of a person's motion"."""
TRANSFORMERS = ("WanAnimate2Transformer3DModel",)
"""Classes of the network in `transformer/`."""

_AUTO = Runtime()


@dataclass(frozen=True, slots=True, kw_only=True)
class WanAnimate2Options:
    """How to paint.

    Args:
        steps: Denoising steps.
        guidance: Guidance by text against `negative_prompt`; 1 switches it off.
        negative_prompt: What not to paint.
        prompt_ref: The text that goes with the driver.
        segment: Frames painted at once, 4k+1; a shorter driver gets a shorter segment.
        overlap: Frames of the segment before that the next one goes on from.
        area_px: Area of the pictures that are painted, px; 0: as asked.
        fps: Rate the model paints at.
    """

    steps: int = 40
    guidance: float = 3.0
    negative_prompt: str = ""
    prompt_ref: str = REFERENCE_PROMPT
    segment: int = 81
    overlap: int = 1
    area_px: int = 800 * 640
    fps: float = 24.0

    def __post_init__(self) -> None:
        check_sampling("wan_animate2", self)
        check_segments("wan_animate2", self.segment, self.overlap)


@dataclass(frozen=True, slots=True, kw_only=True)
class WanAnimate2DistilledOptions(WanAnimate2Options):
    __doc__ = WanAnimate2Options.__doc__

    steps: int = 10
    guidance: float = 1.0


def capabilities(name: str) -> Capabilities:
    kind = "Distilled-Diffusers" if name == DISTILLED else "Diffusers"
    return Capabilities(
        kind="local",
        needs=("driver",),
        takes=("prompt",),
        size=SizeRule(multiple=16),
        frames=FrameRule(fps=WanAnimate2Options().fps),
        licence="Apache-2.0 (code and weights)",
        weights=f"hf download Wan-AI/Wan2.2-Animate-2-14B-{kind} --local-dir DIR",
        note="needs a C++ compiler (flex attention); the prompt describes appearance and background; weights and the cache of a segment "
        "do not fit one 80 GB card together at 640x800: --runtime.offload group, or a smaller area_px or segment",
    )


def options(name: str) -> type[WanAnimate2Options]:
    return WanAnimate2DistilledOptions if name == DISTILLED else WanAnimate2Options


def segment_plan(count: int, options: WanAnimate2Options) -> tuple[int, int]:
    """Frames of a segment and how many segments paint `count` frames: the first paints them all, the others all but `overlap`."""
    segment = max(min(options.segment, frames_up(count)), frames_up(options.overlap + 1))
    advance = segment - options.overlap
    return segment, max(1, -(-(count - options.overlap) // advance))


def estimate(name: str, workload: Workload, options: WanAnimate2Options) -> Estimate:
    """Tokens of the painting passes; one pass more goes over the driver, a latent frame shorter."""
    segment, number = segment_plan(frames_at(workload.num_frames, workload.fps, options.fps), options)
    size = painted_size(workload.size, options.area_px, 16)
    passes = options.steps * (2 if options.guidance > 1 else 1) + 1
    basis = f"{counted(number)} of {size[0]}x{size[1]}x{segment} and a latent frame for the reference; one pass is the driver's"
    return Estimate(tokens=number * tokens_of(size, segment, extra_frames=1), passes=passes, basis=basis)


def missing(name: str, options: WanAnimate2Options, argument: str | None = None) -> list[str]:
    return lacking(name, argument, capabilities(name).weights, TRANSFORMERS, options)


def paints(name: str, workload: Workload, options: WanAnimate2Options) -> str:
    return painted_words(workload.size, options.area_px, 16)


def require_compiler(name: str) -> None:
    """Raise ValueError unless the C++ compiler that PyTorch would take is there."""
    wanted = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    advice = "flex attention is compiled on first use: install g++, or name another compiler in CXX"
    require(shutil.which(wanted) is not None, f"animator {name}", "C++ compiler", f"no {wanted}", "one on the PATH", advice)


def create(argument: str | None = None, *, name: str = "wan_animate2", runtime: Runtime = _AUTO, options: Any = None) -> Any:
    """The animator of a local folder. Raises ValueError for a folder that is none, damaged or of the other model, or without a compiler."""
    require(bool(argument), f"animator {name}", "folder", "none", f"{name}:DIR, a local folder of Wan-Animate-2 in diffusers' layout")
    got, advice = runtime.block_cache, "diffusers' WanAnimate2 transformer has no caching"
    require(runtime.block_cache == 0, f"animator {name}", "block_cache", got, "0", advice)
    require_compiler(name)
    from models.baselines.local.wan_animate2_pipeline import load_wan_animate2

    kind = WanAnimate2DistilledOptions if name == DISTILLED else WanAnimate2Options
    return load_wan_animate2(Path(argument).expanduser(), name, runtime, options or kind(), capabilities(name))
