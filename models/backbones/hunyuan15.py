"""HunyuanVideo-1.5 image-to-video (MMDiT, 8.3 B): as HunyuanVideo, with a VAE of 4x16x16 and SigLIP tokens of the reference.

    hidden_states = [x_t C, canvas latents C where known, else 0, known 1]        65 channels = 32 + 32 + 1

Words are Qwen's, and ByT5's for what a prompt quotes. Step-distilled releases (use_meanflow) are also told the time they go to: in
sampling the next one of the solver's, in training the same one, where the mean velocity is the velocity.
Sources: diffusers 0.42 `pipeline_hunyuan_video1_5_image2video.py`, `transformer_hunyuan_video15.py`; Geng et al., "Mean Flows" (2025).
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Mapping, Sequence

import torch

from models.backbones.diffusers_folder import Component, fingerprint
from models.backbones.hunyuan import HunyuanBackbone, load_hunyuan, pictures
from models.backbones.wan import Words, dtype_of
from models.canvas import Canvas
from models.rectified_flow import TRAIN_TIMESTEPS
from models.runtime import Runtime
from models.types import require

LORA_LAYERS = {
    "feed_forward": r"transformer_blocks\.\d+\.ff\.net\.(0\.proj|2)",
    "attention": r"transformer_blocks\.\d+\.attn\.(to_q|to_k|to_v|to_out\.0)",
}
"""Video stream only: ff_context, add_*_proj, to_add_out and the token refiner stay frozen."""
COMPONENTS = {
    "transformer": Component(classes=("HunyuanVideo15Transformer3DModel",)),
    "vae": Component(classes=("AutoencoderKLHunyuanVideo15",)),
}


class Hunyuan15Backbone(HunyuanBackbone):
    """The HunyuanVideo adapter over the 1.5 transformer."""

    family = "hunyuan15"
    lora_layers = LORA_LAYERS
    _next: Mapping[float, float] = {}

    def _times(self, t_B: torch.Tensor, dtype: torch.dtype) -> dict[str, torch.Tensor | None]:
        """In the number format of the weights, as the time embedding asks for."""
        if not self.transformer.config.use_meanflow:
            return {"timestep": (t_B * TRAIN_TIMESTEPS).to(dtype)}
        goal = torch.tensor([self._next.get(t, t) for t in t_B.tolist()], device=t_B.device)
        return {"timestep": (t_B * TRAIN_TIMESTEPS).to(dtype), "timestep_r": (goal * TRAIN_TIMESTEPS).to(dtype)}

    def solver(self, steps: int) -> Any:
        solver = super().solver(steps)
        times = (solver.timesteps / TRAIN_TIMESTEPS).tolist()
        self._next = dict(pairwise([*times, 0.0]))
        return solver


def pipeline_words(pipe: Any) -> Words:
    """Prompts by the pipeline's own Qwen and ByT5, the reference by its SigLIP; for one that is left out there is one zero token.

    A zero ByT5 token is masked, as where a prompt quotes nothing; the transformer takes zero picture tokens as none.
    """

    def words(canvas: Canvas, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
        device, dtype, config, count = pipe._execution_device, dtype_of(pipe.transformer), pipe.transformer.config, len(prompts)
        given: dict[str, torch.Tensor] = {}
        if pipe.text_encoder is None:
            given["prompt_embeds"] = torch.zeros(count, 1, config.text_embed_dim, device=device)
            given["prompt_embeds_mask"] = torch.ones(count, 1, device=device)
        if pipe.text_encoder_2 is None:
            given["prompt_embeds_2"] = torch.zeros(count, 1, config.text_embed_2_dim, device=device)
            given["prompt_embeds_mask_2"] = torch.zeros(count, 1, device=device)
        text, mask, quoted, quoted_mask = pipe.encode_prompt(list(prompts), device=device, dtype=dtype, batch_size=count, **given)
        seen = torch.zeros(count, 1, config.image_embed_dim, device=device, dtype=dtype)
        if pipe.image_encoder is not None:
            seen = torch.cat([pipe.encode_image(picture, 1, device, dtype) for picture in pictures(canvas)])
        return {
            "encoder_hidden_states": text,
            "encoder_attention_mask": mask,
            "encoder_hidden_states_2": quoted,
            "encoder_attention_mask_2": quoted_mask,
            "image_embeds": seen,
        }

    return words


def build(description: Mapping[str, Any], weights: Path | None, runtime: Runtime) -> Hunyuan15Backbone:
    """The backbone of a local HunyuanVideo-1.5-I2V folder. Raises ValueError for weights of another layout."""
    from diffusers import HunyuanVideo15ImageToVideoPipeline

    got, advice = runtime.block_cache, "diffusers has no FirstBlockCache for this transformer"
    require(not got, "backbone hunyuan15", "block_cache", got, "0", advice)
    pipe = load_hunyuan(weights, "hunyuan15", HunyuanVideo15ImageToVideoPipeline, COMPONENTS, runtime)
    return Hunyuan15Backbone(
        pipe=pipe,
        words=pipeline_words(pipe),
        description={**description, "weights": {"name": weights.name, "fingerprint": fingerprint(weights)}},
        device=runtime.torch_device(),
    )
