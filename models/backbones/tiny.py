"""The tiny backbone: the wan adapter with a small `WanTransformer3DModel` and patches of pixels in place of VAE latents.

A p x p patch of RGB becomes 3 p^2 channels by moving pixels (space to depth, an orthonormal map): lossless, no weights, and white
noise stays white. The network predicts the clean clip, not the velocity: few channels stand between the noise and the picture. There is
no text: the cross-attention sees one zero token. Everything else is the code the 14-billion-parameter models run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

import torch
from torch.nn import functional as F

from models.backbones.diffusers_folder import prepare_transformer
from models.backbones.wan import WanBackbone
from models.canvas import Canvas
from models.runtime import Runtime
from models.types import require

_TEXT_DIM, _MAX_POSITIONS = 8, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyConfig:
    """Size of the network. `width` = heads x head size; `patch_px` divides the grid's width and height.

    `rope_theta`: base of the rotary frequencies; Wan's 10000 is made for hundreds of positions, on a grid of a dozen most of its
    frequencies stand still. `shift`: of the times in sampling and training.
    """

    width: int = 256
    layers: int = 5
    heads: int = 4
    patch_px: int = 8
    rope_theta: float = 50.0
    shift: float = 3.0

    def __post_init__(self) -> None:
        require(min(self.width, self.layers, self.heads, self.patch_px) >= 1, "backbone tiny", "sizes", asdict(self), "all >= 1")
        even = self.width % self.heads == 0 and self.width // self.heads % 2 == 0
        require(even, "backbone tiny", "width", self.width, f"heads = {self.heads} times an even head size")
        require(self.rope_theta > 1 and self.shift > 0, "backbone tiny", "rope_theta, shift", (self.rope_theta, self.shift), "> 1 and > 0")


class PatchCodec:
    """Frames `[B,3,T,H,W]` <-> latents `[B,3p^2,T,H/p,W/p]`, an orthonormal map."""

    time_stride = 1

    def __init__(self, patch_px: int) -> None:
        self.space_stride, self.channels = patch_px, 3 * patch_px**2

    def encode(self, frames_B3THW: torch.Tensor) -> torch.Tensor:
        return F.pixel_unshuffle(frames_B3THW.movedim(2, 1), self.space_stride).movedim(1, 2)

    def decode(self, latents_BCThw: torch.Tensor) -> torch.Tensor:
        return F.pixel_shuffle(latents_BCThw.movedim(2, 1), self.space_stride).movedim(1, 2).clamp(-1, 1)


def _no_words(device: torch.device):
    def words(canvas: Canvas, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
        return {"encoder_hidden_states": torch.zeros(len(prompts), 1, _TEXT_DIM, device=device)}

    return words


class TinyBackbone(WanBackbone):
    """The wan adapter under the name of its own family."""

    family, reads_text = "tiny", False


def build(description: Mapping[str, Any], weights: Path | None, runtime: Runtime) -> TinyBackbone:
    """A freshly initialised network of a `TinyConfig`'s fields. Raises ValueError naming a field that does not fit."""
    require(weights is None, "backbone tiny", "--weights", str(weights), "none", "the tiny family has no base weights")
    from diffusers import FlowMatchEulerDiscreteScheduler, WanTransformer3DModel
    from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed

    try:
        config = TinyConfig(**description)
    except TypeError as error:
        raise ValueError(f"backbone tiny: got {dict(description)}, expected the fields of TinyConfig ({error})") from error
    codec, head, device = PatchCodec(config.patch_px), config.width // config.heads, runtime.torch_device()
    transformer = WanTransformer3DModel(
        patch_size=(1, 1, 1),
        num_attention_heads=config.heads,
        attention_head_dim=head,
        in_channels=2 * codec.channels + codec.time_stride,
        out_channels=codec.channels,
        text_dim=_TEXT_DIM,
        freq_dim=64,
        ffn_dim=4 * config.width,
        num_layers=config.layers,
        rope_max_seq_len=_MAX_POSITIONS,
    )
    transformer.rope = WanRotaryPosEmbed(head, (1, 1, 1), _MAX_POSITIONS, theta=config.rope_theta)
    prepare_transformer(transformer.to(device), runtime)  # its weights stay float32: there are few of them
    return TinyBackbone(
        transformer=transformer,
        codec=codec,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=config.shift),
        words=_no_words(device),
        description=asdict(config),
        device=device,
        prediction="clean",
    )
