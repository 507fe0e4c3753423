"""The network part of `wan_animate2`: the modular pipeline of a local folder, and its call.

Components are loaded and checked one by one and handed over: `modular_model_index.json` names where each was downloaded from, and is
not followed. The pipeline pads a driver to whole segments by mirroring its end, and fails where the clip is too short for that; here
the driver comes padded the same way, however short it is.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping

import numpy as np
import torch
from PIL import Image

from models.artifacts import read_json
from models.backbones.diffusers_folder import (
    MODULAR_INDEX,
    Component,
    check_components,
    check_weights,
    encoders_of,
    fingerprint,
    load_encoder,
    prepare,
    prepare_transformer,
    unfilled,
)
from models.baselines.local.account import account
from models.baselines.local.native import within
from models.baselines.local.wan_animate2 import DISTILLED, TRANSFORMERS, WanAnimate2Options, segment_plan
from models.capabilities import Capabilities
from models.runtime import Runtime
from models.types import AnimationRequest, AnimationResult, Clip, require

COMPONENTS = {
    "transformer": Component(classes=TRANSFORMERS),
    "vae": Component(classes=("AutoencoderKLWan",)),
    "text_encoder": Component(classes=("UMT5EncoderModel",)),
    "image_encoder": Component(classes=("CLIPVisionModel", "CLIPVisionModelWithProjection", "CLIPModel")),
}
PIPELINES = {"wan_animate2": "WanAnimate2ModularPipeline", DISTILLED: "WanAnimate2DistilledModularPipeline"}


class WanAnimate2:
    """`pipe`: a `WanAnimate2ModularPipeline` or its distilled form."""

    def __init__(
        self, pipe: Any, *, name: str, weights_hash: str, options: WanAnimate2Options, capabilities: Capabilities, runtime: Runtime
    ) -> None:
        self.pipe, self.name, self.weights_hash, self.options = pipe, name, weights_hash, options
        self.capabilities, self.runtime = capabilities, runtime

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start = time.perf_counter()
        adapted = within(request, self.capabilities, area_px=self.options.area_px, fps=self.options.fps)
        segment, number = segment_plan(adapted.request.num_frames, self.options)
        frames = self._paint(adapted.request, segment, number)
        clip = adapted.undo(Clip(frames=frames, fps=adapted.request.driving.fps))
        return AnimationResult(
            request_id=request.id,
            clip=clip,
            animator=f"{self.name}@{self.weights_hash[:12]}",
            seconds=time.perf_counter() - start,
            provenance=self._provenance(frames, segment, number, adapted.note),
        )

    @torch.inference_mode()
    def _paint(self, request: AnimationRequest, segment: int, number: int) -> np.ndarray:
        (width, height), count = request.size, request.num_frames
        length = self.options.overlap + number * (segment - self.options.overlap)
        frames = self.pipe(
            prompt=request.prompt,
            negative_prompt=self.options.negative_prompt if self.options.guidance > 1 else None,
            prompt_ref=self.options.prompt_ref,
            image=Image.fromarray(request.reference),
            driving_video=[Image.fromarray(request.driving.frames[t]) for t in mirrored(count, length)],
            segment_frame_length=segment,
            prev_segment_conditioning_frames=self.options.overlap,
            # its sides come of this area and the picture's shape, rounded down: a column more keeps that from losing 16 px
            height=height,
            width=width + 1,
            num_inference_steps=self.options.steps,
            generator=torch.Generator().manual_seed(request.seed),
            output_type="np",
            output="videos",
        )[0]
        return np.uint8(np.round(np.asarray(frames)[:count] * 255))

    def _provenance(self, frames: np.ndarray, segment: int, number: int, note: str) -> dict[str, Any]:
        overlap = self.options.overlap
        starts = [0, *(overlap + k * (segment - overlap) for k in range(1, number))]
        return account(frames, starts, [note], steps=self.options.steps, length=segment, runtime=self.runtime)


def mirrored(count: int, length: int) -> np.ndarray:
    """Which of `count` frames stand at `length` frames: there and back, the last twice (0 1 2 | 2 1 0 | 0 1 ...)."""
    there_and_back = np.concatenate([np.arange(count), np.arange(count)[::-1]])
    return np.resize(there_and_back, length)


def load_wan_animate2(folder: Path, name: str, runtime: Runtime, options: WanAnimate2Options, capabilities: Capabilities) -> WanAnimate2:
    """A checked folder, ready to animate."""
    index = check_modular_folder(folder, name)
    on_gpu = runtime.torch_device().type == "cuda"
    runtime = replace(runtime, compiled=runtime.compiled or on_gpu)  # else flex attention stores its whole matrix
    return WanAnimate2(
        build_pipeline(name, load_components(folder, index, runtime), options.guidance, runtime),
        name=f"{name}:{folder.resolve().name}",
        weights_hash=fingerprint(folder),
        options=options,
        capabilities=capabilities,
        runtime=runtime,
    )


def check_modular_folder(folder: Path, name: str) -> dict[str, list[str]]:
    """Component -> [library, class] of a folder's `modular_model_index.json`, after checking that all of them are there."""
    item, advice = f"weights {folder.name}", "give the local folder of a modular diffusers pipeline, copied whole"
    require((folder / MODULAR_INDEX).is_file(), item, MODULAR_INDEX, "no such file", "a Wan-Animate-2 folder", advice)
    stored = read_json(folder / MODULAR_INDEX)
    got, wanted = stored.get("_class_name"), PIPELINES[name]
    other = next((known for known, kind in PIPELINES.items() if kind == got), None)
    require(got == wanted, item, "_class_name", got, wanted, f"name it {other}:DIR" if other else advice)
    index = {component: entry[:2] for component, entry in stored.items() if isinstance(entry, list) and len(entry) == 3}
    check_components(folder, index, name, COMPONENTS)
    for component in ("scheduler", "tokenizer"):
        require(component in index, item, component, f"not in {MODULAR_INDEX}", "present", advice)
    return index


def load_components(folder: Path, index: Mapping[str, list[str]], runtime: Runtime) -> dict[str, Any]:
    """Every component of a checked folder. VAEs stay float32; every network's weights are checked."""
    import diffusers
    from transformers import AutoTokenizer

    dtype = runtime.torch_dtype()
    parts: dict[str, Any] = {}
    for component, dtype_of in (("transformer", dtype), ("vae", torch.float32)):
        class_name, place = index[component][1], folder / component
        check_weights(unfilled(place, class_name), place)
        kind = getattr(diffusers, class_name)
        parts[component] = kind.from_pretrained(str(place), torch_dtype=dtype_of, local_files_only=True, use_safetensors=True)
    parts |= {component: load_encoder(folder / component, entry[1], dtype) for component, entry in encoders_of(index).items()}
    scheduler = getattr(diffusers, index["scheduler"][1])
    try:
        parts["scheduler"] = scheduler.from_pretrained(str(folder / "scheduler"), local_files_only=True)
        parts["tokenizer"] = AutoTokenizer.from_pretrained(str(folder / "tokenizer"), local_files_only=True)
    except (OSError, ValueError) as error:
        got = " ".join(str(error).split())[:400]
        raise ValueError(f"weights {folder.name}: got {got}, expected scheduler/ and tokenizer/; copy the folder whole") from error
    return parts


def build_pipeline(name: str, components: Mapping[str, Any], guidance: float, runtime: Runtime) -> Any:
    """diffusers' pipeline over loaded components, put where and how the runtime says."""
    import diffusers
    from diffusers.modular_pipelines.components_manager import ComponentsManager

    kind, whole = getattr(diffusers, PIPELINES[name]), runtime.offload == "model" and runtime.torch_device().type != "cpu"
    manager = ComponentsManager() if whole else None
    pipe = kind(blocks=getattr(diffusers, kind.default_blocks_name)(), components_manager=manager)
    pipe.update_components(**components, guider=pipe.get_component_spec("guider").create(guidance_scale=guidance))
    if manager is None:
        return prepare(pipe, replace(runtime, offload="group" if runtime.offload == "group" else "none"))
    manager.enable_auto_cpu_offload(device=runtime.torch_device())  # a modular pipeline has no enable_model_cpu_offload
    prepare_transformer(pipe.transformer, runtime)
    return pipe
