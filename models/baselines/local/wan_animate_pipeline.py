"""The network part of `wan_animate`: what diffusers' pipeline is handed of a request, and what comes back."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from models.adaptation import Adapted
from models.artifacts import sha256, sha256_file
from models.backbones.diffusers_folder import Component, check_folder, fingerprint, load_pipeline
from models.baselines.local.account import account
from models.baselines.local.face_crops import faces_of
from models.baselines.local.native import within
from models.baselines.local.pose_video import absence_note, draw_wan_pose, main_person, with_pose
from models.baselines.local.replacement import background, blocked, hull_masks, recorded_masks
from models.baselines.local.retarget import retargeted
from models.baselines.local.wan_animate import TRANSFORMERS, Plan, WanAnimateOptions, plan_of
from models.baselines.local.wan_words import NEGATIVE_PROMPT, words
from models.capabilities import Capabilities
from models.pose.catalog import files_hash, load_pose_estimator
from models.protocols import PoseEstimator
from models.runtime import Runtime
from models.types import AnimationRequest, AnimationResult, Clip, require

COMPONENTS = {
    "transformer": Component(classes=TRANSFORMERS),
    "vae": Component(classes=("AutoencoderKLWan",)),
    "image_encoder": Component(classes=("CLIPVisionModel", "CLIPVisionModelWithProjection", "CLIPModel")),
    "text_encoder": Component(classes=("UMT5EncoderModel", "T5EncoderModel"), needed=False),
}


class WanAnimate:
    """`pipe`: a `WanAnimatePipeline`; `weights_hash`: of it, and of estimator, masks and LoRA beside it."""

    def __init__(
        self,
        pipe: Any,
        estimator: PoseEstimator,
        *,
        name: str,
        weights_hash: str,
        options: WanAnimateOptions,
        capabilities: Capabilities,
        runtime: Runtime,
    ) -> None:
        self.pipe, self.estimator, self.name, self.weights_hash = pipe, estimator, name, weights_hash
        self.options, self.capabilities, self.runtime = options, capabilities, runtime

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start = time.perf_counter()
        posed = with_pose(request, self.estimator)
        adapted = self._within(posed)
        plan = plan_of(adapted.request.num_frames, self.options)
        given, said = self._conditions(adapted.request, posed)
        frames = self._paint(adapted.request, given, plan)
        clip = adapted.undo(Clip(frames=frames, fps=adapted.request.driving.fps))
        return AnimationResult(
            request_id=request.id,
            clip=clip,
            animator=f"{self.name}@{self.weights_hash[:12]}",
            seconds=time.perf_counter() - start,
            provenance=self._provenance(frames, plan, [adapted.note, *said]),
        )

    def _within(self, request: AnimationRequest) -> Adapted:
        return within(request, self.capabilities, area_px=self.options.area_px, fps=self.options.fps or None)

    def _conditions(self, request: AnimationRequest, asked: AnimationRequest) -> tuple[dict[str, np.ndarray], list[str]]:
        """Videos for the pipeline, uint8 `[T,H,W,3]` each, of a request within the rules, and what is to be said of them.

        `asked`: the request as it was before.
        """
        person = main_person(request.pose)
        faces = faces_of(request.driving, person, self.pipe.transformer.config.motion_encoder_size)
        given, notes = {"face_video": faces.pictures}, [absence_note(person), faces.note]
        if self.options.mode == "replace":
            masks = self._masks(asked, person, request.size)
            given |= {"mask_video": np.repeat(masks[..., None], 3, axis=-1)}
            given |= {"background_video": background(request.driving.frames, masks)}
            notes.append("" if self.options.mask else "mask from the hull of the pose")
        if self.options.retarget == "bones":
            reference = self.estimator.estimate(Clip(frames=request.reference[None], fps=1.0))
            person = retargeted(person, main_person(reference), f"retarget of {request.id}")
        return given | {"pose_video": draw_wan_pose(person, request.size)}, notes

    def _masks(self, asked: AnimationRequest, person: Any, size: tuple[int, int]) -> np.ndarray:
        """Of the frames and size of a request within the rules: recorded masks go the driver's own way there."""
        if not self.options.mask:
            return blocked(hull_masks(person, size), self.options.mask_blocks)
        recorded = recorded_masks(Path(self.options.mask).expanduser(), asked.driving)
        shown = self._within(replace(asked, driving=recorded)).request.driving.frames
        return blocked(np.uint8(255) * (shown[..., 0] > 127), self.options.mask_blocks)

    @torch.inference_mode()
    def _paint(self, request: AnimationRequest, given: dict[str, np.ndarray], plan: Plan) -> np.ndarray:
        """uint8 `[T,H,W,3]`, as many frames as the request has."""
        count, (width, height) = request.num_frames, request.size
        shown = np.minimum(np.arange(plan.handed), count - 1)
        frames = self.pipe(
            image=Image.fromarray(request.reference),
            **{name: [Image.fromarray(video[t]) for t in shown] for name, video in given.items()},
            **words(self.pipe, request.prompt or self.options.prompt, NEGATIVE_PROMPT, self.options.guidance),
            height=height,
            width=width,
            segment_frame_length=plan.length,
            prev_segment_conditioning_frames=plan.overlap,
            num_inference_steps=self.options.steps,
            guidance_scale=self.options.guidance,
            mode=self.options.mode,
            generator=torch.Generator().manual_seed(request.seed),
            output_type="np",
        ).frames[0]
        require(len(frames) == plan.handed, self.name, "frames painted", len(frames), f"{plan.handed}, as handed in")
        return np.uint8(np.round(frames[:count] * 255))

    def _provenance(self, frames: np.ndarray, plan: Plan, notes: list[str]) -> dict[str, Any]:
        return account(frames, plan.starts, notes, steps=self.options.steps, length=plan.length, runtime=self.runtime)


def load_wan_animate(folder: Path, name: str, runtime: Runtime, options: WanAnimateOptions, capabilities: Capabilities) -> WanAnimate:
    """A checked folder, ready to animate."""
    from diffusers import WanAnimatePipeline

    index = check_folder(folder, name, COMPONENTS)
    estimator = load_pose_estimator(options.estimator)
    beside = [estimator.weights_hash, _masks_hash(options.mask), _lora_hash(options.relight_lora)]
    pipe = load_pipeline(WanAnimatePipeline, folder, index, runtime)
    set_shift(pipe, options.shift)
    if options.relight_lora:
        _add_lora(pipe, Path(options.relight_lora).expanduser())
    return WanAnimate(
        pipe,
        estimator,
        name=f"{name}:{folder.resolve().name}",
        weights_hash=sha256("\n".join([fingerprint(folder), *beside]).encode()),
        options=options,
        capabilities=capabilities,
        runtime=runtime,
    )


def set_shift(pipe: Any, shift: float) -> None:
    config = pipe.scheduler.config
    key = "flow_shift" if "flow_shift" in config else "shift"
    require(key in config, "wan_animate", "scheduler", type(pipe.scheduler).__name__, "one of flow matching, with a shift")
    pipe.scheduler = type(pipe.scheduler).from_config(config, **{key: shift})


def _masks_hash(mask: str) -> str:
    if not mask:
        return ""
    folder = Path(mask).expanduser()
    require(folder.is_dir(), "wan_animate", "mask", folder.name, "a folder of NAME.mp4 or NAME.png")
    return files_hash(path for path in folder.iterdir() if path.suffix in (".mp4", ".png"))


def _lora_hash(lora: str) -> str:
    file = Path(lora).expanduser()
    there = not lora or (file.is_file() and file.suffix == ".safetensors")
    require(there, "wan_animate", "relight_lora", file.name, "a .safetensors file", "pickled ones (.ckpt) are not read: convert it")
    return sha256_file(file) if lora else ""


def _add_lora(pipe: Any, file: Path) -> None:
    try:
        pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name="relight", local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        got = " ".join(str(error).split())[:300]
        raise ValueError(f"relight_lora {file.name}: got {got}, expected a LoRA of this transformer") from error
    require(bool(getattr(pipe.transformer, "peft_config", None)), f"relight_lora {file.name}", "layers", 0, "a LoRA of this transformer")
