"""Wan 2.2 TI2V-5B: no mask channels; what is known of the canvas stands in place of the noise, and its tokens are at time 0.

    hidden_states = known ? canvas latents : x_t            48 channels, VAE 4x16x16
    timestep      = known ? 0 : 1000 t                      one a token `[B, T' h/2 2w/2]`

Known are the reference (t = 0 of the left half), a tail, and the driver after its gap. Four times fewer tokens than Wan 2.1.
Source: diffusers 0.42 `pipeline_wan_i2v.py` with `expand_timesteps`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Sequence

import torch

from models.backbones.backbone import Condition, check_channels
from models.backbones.diffusers_folder import fingerprint
from models.backbones.wan import WanBackbone, WanCodec, dtype_of, load_wan, pipeline_words
from models.canvas import Canvas, known_mask
from models.rectified_flow import TRAIN_TIMESTEPS
from models.runtime import Runtime
from models.types import require


class WanTi2vBackbone(WanBackbone):
    """The Wan adapter with known latents in place of mask channels."""

    family = "wan_ti2v"

    def condition(self, canvas: Canvas, prompts: Sequence[str]) -> Condition:
        with torch.no_grad():
            latents = self.codec.encode(canvas.pixels_B3THW2.to(self.device))
            known = known_mask(canvas, latents.shape[3], latents.shape[4] // 2, time_stride=self.codec.time_stride).to(latents)
            return Condition(latents_BCThw2=latents, mask=known[:, :0], kept=known, words=self.words(canvas, prompts))

    def denoise(self, x_BCThw2: torch.Tensor, t_B: torch.Tensor, condition: Condition) -> torch.Tensor:
        unknown = (1 - condition.kept)[0, 0, :: self.patch[0], :: self.patch[1], :: self.patch[2]].flatten()
        timestep = t_B[:, None] * TRAIN_TIMESTEPS * unknown
        hidden = x_BCThw2.to(dtype_of(self.transformer))
        return self.transformer(hidden_states=hidden, timestep=timestep, return_dict=False, **condition.words)[0]


def build(description: Mapping[str, Any], weights: Path | None, runtime: Runtime) -> WanTi2vBackbone:
    """The backbone of a local Wan 2.2 TI2V folder. Raises ValueError for weights of another layout."""
    pipe = load_wan(weights, "wan_ti2v", runtime)
    codec = WanCodec(pipe.vae)
    check_channels("wan_ti2v", pipe.transformer.config.in_channels, codec.channels, f"noise {codec.channels}")
    got, advice = pipe.config.expand_timesteps, "these are not weights of Wan 2.2 TI2V: it has one time a token"
    require(bool(got), "backbone wan_ti2v", "expand_timesteps", got, "true in model_index.json", advice)
    return WanTi2vBackbone(
        transformer=pipe.transformer,
        codec=codec,
        scheduler=pipe.scheduler,
        words=pipeline_words(pipe),
        description={**description, "weights": {"name": weights.name, "fingerprint": fingerprint(weights)}},
        device=runtime.torch_device(),
    )
