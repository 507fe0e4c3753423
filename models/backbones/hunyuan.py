"""HunyuanVideo image-to-video (MMDiT, 13 B), the release that concatenates its condition: the canvas as a stock condition of double width.

    hidden_states = [x_t C, canvas latents C where known, else 0, known 1]        33 channels = 16 + 16 + 1

The stock pipeline knows the first latent frame and zeroes the others; here the left half is that, and the right half is known after its
gap. A latent frame is known when all of its pixel frames are given. Llava sees the reference alone, with guidance by text too (the stock
pipeline shows it a black picture beside the negative prompt). The pipeline drops the first four frames of its output, which an animator
cuts off anyway: they lie in the start gap.
The release with token_replace keeps its condition in the first latent frame of the noise: it has no channels for a driver and is refused.
Who else must know: `models.backbones.hunyuan15` shares backbone, codec and loading.
Sources: diffusers 0.42 `pipeline_hunyuan_video_image2video.py`, `transformer_hunyuan_video.py`; Kong et al., "HunyuanVideo" (2024).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np
import torch

from models.artifacts import read_json
from models.backbones.backbone import Condition, check_channels
from models.backbones.diffusers_folder import Component, check_folder, fingerprint, load_pipeline
from models.backbones.wan import Words, dtype_of
from models.canvas import Canvas, known_mask
from models.pixels import to_uint8
from models.rectified_flow import TRAIN_TIMESTEPS
from models.runtime import Runtime
from models.types import require

LORA_LAYERS = {
    "feed_forward": r"transformer_blocks\.\d+\.ff\.net\.(0\.proj|2)|single_transformer_blocks\.\d+\.proj_mlp",
    "attention": r"transformer_blocks\.\d+\.attn\.(to_q|to_k|to_v|to_out\.0)|single_transformer_blocks\.\d+\.attn\.(to_q|to_k|to_v)",
}
"""Video stream only: ff_context, add_*_proj and the token refiner stay frozen. Single blocks have one stream for video and text."""
COMPONENTS = {
    "transformer": Component(classes=("HunyuanVideoTransformer3DModel",)),
    "vae": Component(classes=("AutoencoderKLHunyuanVideo",)),
}
EMBEDDED_GUIDANCE = 1.0
"""What a guidance-distilled transformer is told; the stock pipeline's default. Guidance by text is the animator's."""


class HunyuanBackbone:
    """A HunyuanVideo transformer over its VAE; `words` turns prompts and reference into the transformer's text and image arguments."""

    family, prediction, reads_text = "hunyuan", "velocity", True
    lora_layers: Mapping[str, str] = LORA_LAYERS

    def __init__(self, *, pipe: Any, words: Words, description: Mapping[str, Any], device: torch.device) -> None:
        self.transformer, self.codec, self.scheduler, self.device = pipe.transformer, HunyuanCodec(pipe.vae), pipe.scheduler, device
        config = self.transformer.config
        self.patch = (config.patch_size_t, config.patch_size, config.patch_size)
        self.shift = float(self.scheduler.config.get("shift") or 1.0)
        self.words, self._description = words, dict(description)
        layout = f"noise {self.codec.channels}, canvas {self.codec.channels}, mask 1"
        check_channels(self.family, config.in_channels, 2 * self.codec.channels + 1, layout)

    def condition(self, canvas: Canvas, prompts: Sequence[str]) -> Condition:
        with torch.no_grad():
            height, width = (side // self.codec.space_stride for side in canvas.reference_B3HW.shape[2:])
            known = known_mask(canvas, height, width, time_stride=self.codec.time_stride).to(self.device)
            latents = self.codec.encode(canvas.pixels_B3THW2.to(self.device))
            return Condition(latents_BCThw2=latents, mask=known, kept=torch.zeros_like(known), words=self.words(canvas, prompts))

    def denoise(self, x_BCThw2: torch.Tensor, t_B: torch.Tensor, condition: Condition) -> torch.Tensor:
        known = condition.mask.expand(len(x_BCThw2), -1, -1, -1, -1)
        hidden = torch.cat([x_BCThw2, known * condition.latents_BCThw2, known], 1).to(dtype_of(self.transformer))
        return self.transformer(hidden_states=hidden, return_dict=False, **self._times(t_B, hidden.dtype), **condition.words)[0]

    def _times(self, t_B: torch.Tensor, dtype: torch.dtype) -> dict[str, torch.Tensor | None]:
        embedded = self.transformer.config.guidance_embeds
        guidance = torch.full_like(t_B, EMBEDDED_GUIDANCE * TRAIN_TIMESTEPS, dtype=dtype) if embedded else None
        return {"timestep": t_B * TRAIN_TIMESTEPS, "guidance": guidance}

    def solver(self, steps: int) -> Any:
        """The stock pipelines' own times: evenly from 1 towards 0, then shifted."""
        solver = type(self.scheduler).from_config(self.scheduler.config)
        solver.set_timesteps(sigmas=np.linspace(1.0, 0.0, steps + 1)[:-1], device=self.device)
        return solver

    def describe(self) -> dict[str, Any]:
        return {"family": self.family, **self._description}


class HunyuanCodec:
    """`AutoencoderKLHunyuanVideo` and its 1.5: the mode of the posterior, times one number in its config.

    Above 256 px in overlapping tiles, as in diffusers' own examples: the attention of an undivided clip would take tens of GiB.
    """

    def __init__(self, vae: Any) -> None:
        vae.enable_tiling()
        vae.enable_slicing()  # a clip at a time: the attention of the 1.5 in diffusers 0.42 fails for several
        self.vae, self.scale = vae, vae.config.scaling_factor
        self.channels, self.time_stride = vae.config.latent_channels, vae.config.temporal_compression_ratio
        self.space_stride = vae.config.spatial_compression_ratio

    def encode(self, frames_B3THW: torch.Tensor) -> torch.Tensor:
        return self.vae.encode(frames_B3THW.to(self.vae.dtype)).latent_dist.mode().float() * self.scale

    def decode(self, latents_BCThw: torch.Tensor) -> torch.Tensor:
        return self.vae.decode((latents_BCThw / self.scale).to(self.vae.dtype), return_dict=False)[0].clamp(-1, 1)


def pictures(canvas: Canvas) -> list[Any]:
    """The references as PIL pictures, what the pipelines' image processors are made for."""
    from PIL import Image

    return [Image.fromarray(picture) for picture in to_uint8(canvas.reference_B3HW)]


def pipeline_words(pipe: Any) -> Words:
    """Prompt and reference by the pipeline's own Llava and CLIP. For one that is left out there are zeros: one token, the pooled words."""

    def words(canvas: Canvas, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
        device, dtype, config = pipe._execution_device, dtype_of(pipe.transformer), pipe.transformer.config
        given: dict[str, torch.Tensor] = {}
        if pipe.text_encoder is None:
            given["prompt_embeds"] = torch.zeros(1, 1, config.text_embed_dim, device=device)
            given["prompt_attention_mask"] = torch.ones(1, 1, device=device)
        if pipe.text_encoder_2 is None:
            given["pooled_prompt_embeds"] = torch.zeros(1, config.pooled_projection_dim, device=device)
        # one at a time: the pipeline's cut at the assistant's turn goes wrong where one prompt of several is too long
        parts = [pipe.encode_prompt(image=i, prompt=p, device=device, **given) for i, p in zip(pictures(canvas), prompts)]
        text, pooled, mask = (torch.cat(part).to(dtype) for part in zip(*parts))
        return {"encoder_hidden_states": text, "pooled_projections": pooled, "encoder_attention_mask": mask}

    return words


def load_hunyuan(folder: Path | None, family: str, kind: type, components: Mapping[str, Component], runtime: Runtime) -> Any:
    """A checked and prepared pipeline of class `kind` from a local folder."""
    require(folder is not None, f"backbone {family}", "--weights", "none", "a local diffusers folder", "nothing is fetched: give its path")
    return load_pipeline(kind, folder, check_folder(folder, family, components), runtime)


def build(description: Mapping[str, Any], weights: Path | None, runtime: Runtime) -> HunyuanBackbone:
    """The backbone of a local HunyuanVideo-I2V folder. Raises ValueError for weights of another layout."""
    from diffusers import HunyuanVideoImageToVideoPipeline

    if weights is not None and (config := weights / "transformer" / "config.json").is_file():
        _check_condition_type(read_json(config))  # before 25 GB are read
    pipe = load_hunyuan(weights, "hunyuan", HunyuanVideoImageToVideoPipeline, COMPONENTS, runtime)
    return HunyuanBackbone(
        pipe=pipe,
        words=pipeline_words(pipe),
        description={**description, "weights": {"name": weights.name, "fingerprint": fingerprint(weights)}},
        device=runtime.torch_device(),
    )


def _check_condition_type(config: Mapping[str, Any]) -> None:
    got, ours = config.get("image_condition_type"), config.get("_class_name") == "HunyuanVideoTransformer3DModel"
    advice = "take the 33-channel release (HunyuanVideo-I2V-33ch); token_replace and text-to-video have no channels for a canvas"
    require(not ours or got == "latent_concat", "backbone hunyuan", "image_condition_type", got, "latent_concat", advice)
