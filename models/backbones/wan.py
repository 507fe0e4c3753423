"""Wan 2.1 image-to-video and Fun-InP (1.3 B and 14 B): the canvas as a stock image-to-video condition of double width.

    hidden_states = [x_t C, mask s, canvas latents C]        36 channels = 16 + 4 + 16 for the Wan VAE

The canvas is encoded once at double width (half-latents glued together would have another seam). The left half of mask and condition
is exactly what `WanImageToVideoPipeline.prepare_latents` makes of the reference, the right half exactly "all frames known", so a
stock checkpoint takes it without a new parameter. CLIP tokens (Wan 2.1) are of the reference alone. RoPE is untouched: the driver's
token stands at the same t and h, half a canvas further in w.
Sources: diffusers 0.42 `pipeline_wan_i2v.py`, `transformer_wan.py`; DreamActor-M2, section 3.2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

import torch
from torch import nn

from models.backbones.backbone import Codec, Condition, check_channels
from models.backbones.diffusers_folder import Component, check_folder, fingerprint, load_pipeline
from models.canvas import Canvas, given_mask
from models.pixels import to_uint8
from models.rectified_flow import TRAIN_TIMESTEPS, Prediction
from models.runtime import Runtime
from models.types import require

LORA_LAYERS = {
    "feed_forward": r"blocks\.\d+\.ffn\.net\.(0\.proj|2)",
    "attention": r"blocks\.\d+\.attn1\.(to_q|to_k|to_v|to_out\.0)",
}
"""Video stream only: text enters by cross-attention (attn2), which stays frozen."""
COMPONENTS = {
    "transformer": Component(classes=("WanTransformer3DModel",)),
    "vae": Component(classes=("AutoencoderKLWan",)),
    "text_encoder": Component(classes=("UMT5EncoderModel", "T5EncoderModel"), needed=False),
    "image_encoder": Component(classes=("CLIPVisionModel", "CLIPVisionModelWithProjection"), needed=False),
}
MAX_TEXT_TOKENS = 512

Words = Callable[[Canvas, Sequence[str]], Mapping[str, torch.Tensor]]


class WanBackbone:
    """A `WanTransformer3DModel` over any codec; `words` turns prompts and reference into the transformer's text and image arguments."""

    family, reads_text = "wan", True
    lora_layers = LORA_LAYERS

    def __init__(
        self,
        *,
        transformer: nn.Module,
        codec: Codec,
        scheduler: Any,
        words: Words,
        description: Mapping[str, Any],
        device: torch.device,
        prediction: Prediction = "velocity",
    ) -> None:
        self.transformer, self.codec, self.scheduler, self.device, self.prediction = transformer, codec, scheduler, device, prediction
        self.patch = tuple(transformer.config.patch_size)
        self.shift = float(scheduler.config.get("flow_shift") or scheduler.config.get("shift") or 1.0)
        self.words, self._description = words, dict(description)

    def condition(self, canvas: Canvas, prompts: Sequence[str]) -> Condition:
        with torch.no_grad():
            latents = self.codec.encode(canvas.pixels_B3THW2.to(self.device))
            mask = given_mask(canvas, latents.shape[3], latents.shape[4] // 2, time_stride=self.codec.time_stride).to(latents)
            return Condition(latents_BCThw2=latents, mask=mask, kept=torch.zeros_like(mask[:, :1]), words=self.words(canvas, prompts))

    def denoise(self, x_BCThw2: torch.Tensor, t_B: torch.Tensor, condition: Condition) -> torch.Tensor:
        given = condition.mask.expand(len(x_BCThw2), -1, -1, -1, -1)
        hidden = torch.cat([x_BCThw2, given, condition.latents_BCThw2], 1).to(dtype_of(self.transformer))
        return self.transformer(hidden_states=hidden, timestep=t_B * TRAIN_TIMESTEPS, return_dict=False, **condition.words)[0]

    def solver(self, steps: int) -> Any:
        solver = type(self.scheduler).from_config(self.scheduler.config)
        solver.set_timesteps(steps, device=self.device)
        return solver

    def describe(self) -> dict[str, Any]:
        return {"family": self.family, **self._description}


class WanCodec:
    """`AutoencoderKLWan`: causal in time, the mode of its posterior, standardised per channel by the numbers in its config."""

    def __init__(self, vae: Any) -> None:
        self.vae = vae
        self.channels, self.time_stride = vae.config.z_dim, vae.config.scale_factor_temporal
        self.space_stride = vae.config.scale_factor_spatial

    def encode(self, frames_B3THW: torch.Tensor) -> torch.Tensor:
        mean, std = self._statistics(frames_B3THW)
        z = self.vae.encode(frames_B3THW.to(self.vae.dtype)).latent_dist.mode()
        return (z.to(mean) - mean) / std

    def decode(self, latents_BCThw: torch.Tensor) -> torch.Tensor:
        mean, std = self._statistics(latents_BCThw)
        return self.vae.decode((latents_BCThw * std + mean).to(self.vae.dtype), return_dict=False)[0].clamp(-1, 1)

    def _statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        numbers = (self.vae.config.latents_mean, self.vae.config.latents_std)
        mean, std = (torch.tensor(n, device=like.device, dtype=torch.float32).view(1, -1, 1, 1, 1) for n in numbers)
        return mean, std


def dtype_of(transformer: nn.Module) -> torch.dtype:
    """The number format of a transformer's input; modulation, norms and LoRA weights beside it may be float32, which diffusers knows."""
    return transformer.dtype


def pipeline_words(pipe: Any) -> Words:
    """Prompts by the pipeline's own text encoder, the reference by its CLIP. Without a text encoder there is one zero token."""

    def words(canvas: Canvas, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
        transformer, device = pipe.transformer, pipe._execution_device
        dtype = dtype_of(transformer)
        if pipe.text_encoder is None:
            text = torch.zeros(len(prompts), 1, transformer.config.text_dim, device=device, dtype=dtype)
        else:
            arguments = {"do_classifier_free_guidance": False, "max_sequence_length": MAX_TEXT_TOKENS, "device": device, "dtype": dtype}
            text = pipe.encode_prompt(list(prompts), **arguments)[0]
        if transformer.config.image_dim is None:
            return {"encoder_hidden_states": text}
        pictures = list(to_uint8(canvas.reference_B3HW))
        return {"encoder_hidden_states": text, "encoder_hidden_states_image": pipe.encode_image(pictures, device).to(dtype)}

    return words


def load_wan(folder: Path | None, family: str, runtime: Runtime) -> Any:
    """A checked and prepared `WanImageToVideoPipeline` from a local folder."""
    require(folder is not None, f"backbone {family}", "--weights", "none", "a local diffusers folder", "nothing is fetched: give its path")
    from diffusers import WanImageToVideoPipeline

    index = check_folder(folder, family, COMPONENTS)
    pipe = load_pipeline(WanImageToVideoPipeline, folder, index, runtime)
    missing = pipe.transformer.config.image_dim is not None and pipe.image_encoder is None
    require(not missing, f"weights {folder.name}", "image_encoder", "none", "a CLIPVisionModel", "this transformer takes CLIP tokens")
    return pipe


def build(description: Mapping[str, Any], weights: Path | None, runtime: Runtime) -> WanBackbone:
    """The backbone of a local Wan 2.1 folder. Raises ValueError for weights of another layout."""
    pipe = load_wan(weights, "wan", runtime)
    codec = WanCodec(pipe.vae)
    layout = f"noise {codec.channels}, mask {codec.time_stride}, canvas {codec.channels}"
    check_channels("wan", pipe.transformer.config.in_channels, 2 * codec.channels + codec.time_stride, layout)
    got, advice = pipe.config.boundary_ratio, "Wan 2.2 A14B is two experts, take Wan 2.1 or TI2V-5B"
    require(got is None, "backbone wan", "boundary_ratio", got, "null: one transformer", advice)
    return WanBackbone(
        transformer=pipe.transformer,
        codec=codec,
        scheduler=pipe.scheduler,
        words=pipeline_words(pipe),
        description={**description, "weights": {"name": weights.name, "fingerprint": fingerprint(weights)}},
        device=runtime.torch_device(),
    )
