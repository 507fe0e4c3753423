"""`wan_animate:DIR`, Wan2.2-Animate-14B: a reference moved by a driver's pose and face, or put in the driver's place (diffusers).

    request ──estimator──▶ pose ──draw_wan_pose──▶ pose video ─┐
            driver, pose ──faces_of──▶ face pictures ──────────┼─▶ WanAnimatePipeline ──▶ clip
            driver, mask ──background──▶ (mode=replace) ───────┘

A driver longer than `segment` frames is painted in segments of one length, no longer than needed, which go on from the last `overlap`
frames painted before. Each has one latent frame more than its frames need: the reference's slot, which the pipeline drops again.
Source: Wan-Animate (2025); diffusers 0.42 `pipeline_wan_animate.py`; preprocessing: wan/modules/animate/preprocess of Wan2.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from models.baselines.local.lacking import lacking
from models.baselines.local.native import painted_size, painted_words
from models.baselines.local.sampling import tokens_of
from models.baselines.local.segments import counted, frames_up
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate, Workload
from models.lengths import frames_at
from models.runtime import Runtime
from models.types import require

MULTIPLE = 16
TRANSFORMERS = ("WanAnimateTransformer3DModel",)
"""Classes of the network in `transformer/`."""
_AUTO = Runtime()
_PATH = {"identity": False, "place": True}
"""A path; what lies there is in `weights_hash`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WanAnimateOptions:
    """How to paint.

    Args:
        mode: animate the reference in its own surroundings, or replace the driver's person by it.
        steps: Denoising steps.
        guidance: Guidance by text and face; 1 switches it off, as its makers advise.
        shift: Shift of the noise schedule.
        segment: Most frames painted at once, 4k+1.
        overlap: Frames of the segment before that the next one goes on from, 1 or 5.
        area_px: Area of the pictures that are painted, px; 0: as asked.
        fps: Rate the model paints at, 30 in the authors' preprocessing; 0: as the driver.
        prompt: What it is told where a request brings no text.
        estimator: Who finds the people where a request brings no pose: tiny, rtmlib:DIR (whole body, with face), mediapipe, tracks:DIR.
        retarget: none, or bones: the driver's pose at the reference's build and place, refused where the two do not stand alike.
        mask: Folder of recorded masks NAME.mp4 or NAME.png of the drivers (replace); without one the mask is the hull of the pose.
        mask_blocks: Blocks across and down the person's box that a mask is filled in; 1: the whole box.
        relight_lora: Safetensors file of the relighting LoRA (replace).
    """

    mode: Literal["animate", "replace"] = "animate"
    steps: int = 20
    guidance: float = 1.0
    shift: float = 5.0
    segment: int = 77
    overlap: int = 1
    area_px: int = 1280 * 720
    fps: float = 0.0
    prompt: str = "视频中的人在做动作"
    estimator: str = "tiny"
    retarget: Literal["none", "bones"] = "none"
    mask: str = field(default="", metadata=_PATH)
    mask_blocks: int = 1
    relight_lora: str = field(default="", metadata=_PATH)

    def __post_init__(self) -> None:
        item = "wan_animate"
        require(self.mode in ("animate", "replace"), item, "mode", repr(self.mode), "animate or replace")
        require(self.steps >= 1, item, "steps", self.steps, "a whole number >= 1")
        require(0 <= self.guidance < 1e3, item, "guidance", self.guidance, "0 to 1000")
        require(0 < self.shift < 1e3, item, "shift", self.shift, "more than 0, less than 1000")
        require(self.overlap in (1, 5), item, "overlap", self.overlap, "1 or 5 frames")
        least = 5 if self.overlap == 1 else 13  # the pipeline miscounts segments that are not twice as long as the overlap
        require(self.segment >= least and self.segment % 4 == 1, item, "segment", self.segment, f"4k+1 frames, >= {least}")
        require(self.area_px >= 0, item, "area_px", self.area_px, "px, or 0 for the asked size")
        require(0 <= self.fps < 1e4, item, "fps", self.fps, "frames per second, or 0 for the driver's")
        require(self.retarget in ("none", "bones"), item, "retarget", repr(self.retarget), "none or bones")
        require(self.mask_blocks >= 1, item, "mask_blocks", self.mask_blocks, ">= 1")
        replaces = self.mode == "replace"
        require(replaces or not self.mask, item, "mask", repr(self.mask), "none", "masks are read by mode=replace")
        require(replaces or not self.relight_lora, item, "relight_lora", repr(self.relight_lora), "none", "it is for mode=replace")
        advice = "in replace mode the reference stands where the driver does"
        require(not replaces or self.retarget == "none", item, "retarget", self.retarget, "none", advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`number` segments of `length` frames, each but the first going on from `overlap` given ones; `handed`: frames to hand in."""

    length: int
    overlap: int
    number: int
    handed: int

    @property
    def starts(self) -> list[int]:
        """Frames at which segments begin to paint."""
        return [0, *(self.overlap + k * (self.length - self.overlap) for k in range(1, self.number))]


def plan_of(count: int, options: WanAnimateOptions) -> Plan:
    """The fewest segments that paint `count` frames, as short as they may be.

    The pipeline fails on a driver of one frame, and on one no longer than the overlap; in a single segment the overlap decides nothing.
    """
    if count <= options.segment:
        return Plan(length=frames_up(max(count, 2)), overlap=1, number=1, handed=max(count, 2))
    new = count - options.overlap
    number = -(-new // (options.segment - options.overlap))
    return Plan(length=frames_up(-(-new // number) + options.overlap), overlap=options.overlap, number=number, handed=count)


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="local",
        needs=("driver", "pose"),
        takes=("face", "mask", "prompt"),
        size=SizeRule(multiple=MULTIPLE),
        frames=FrameRule(),
        subjects=1,
        licence="Apache-2.0 (code and weights)",
        weights="hf download Wan-AI/Wan2.2-Animate-14B-Diffusers --local-dir DIR",
        note="faces and hands need whole-body keypoints: estimator=rtmlib:DIR; retarget=bones only where driver and reference stand alike; "
        "not together with Wan 2.2 LoRAs; 82 GB of files; in bfloat16 it fits one 80 GB card, else "
        "--runtime.offload group",
    )


def options(name: str) -> type[WanAnimateOptions]:
    return WanAnimateOptions


def estimate(name: str, workload: Workload, options: WanAnimateOptions) -> Estimate:
    count = frames_at(workload.num_frames, workload.fps, options.fps) if options.fps else workload.num_frames
    plan, size = plan_of(count, options), painted_size(workload.size, options.area_px, MULTIPLE)
    tokens = plan.number * tokens_of(size, plan.length, extra_frames=1)
    basis = f"{counted(plan.number)} of {size[0]}x{size[1]}x{plan.length}, each with a latent frame for the reference"
    return Estimate(tokens=tokens, passes=options.steps * (2 if options.guidance > 1 else 1), basis=basis)


def missing(name: str, options: WanAnimateOptions, argument: str | None = None) -> list[str]:
    return lacking(name, argument, capabilities(name).weights, TRANSFORMERS, options)


def paints(name: str, workload: Workload, options: WanAnimateOptions) -> str:
    return painted_words(workload.size, options.area_px, MULTIPLE)


def create(argument: str | None = None, *, name: str = "wan_animate", runtime: Runtime = _AUTO, options: Any = None) -> Any:
    """The animator of a local folder. Raises ValueError for a folder that is none, damaged, or of another pipeline."""
    require(bool(argument), f"animator {name}", "folder", "none", "wan_animate:DIR, a local folder of Wan2.2-Animate in diffusers' layout")
    advice = "diffusers' cache would add the face a second time: its layers stand between the blocks that are left out"
    require(runtime.block_cache == 0, f"animator {name}", "block_cache", runtime.block_cache, "0", advice)
    from models.baselines.local.wan_animate_pipeline import load_wan_animate

    return load_wan_animate(Path(str(argument)).expanduser(), name, runtime, options or WanAnimateOptions(), capabilities(name))
