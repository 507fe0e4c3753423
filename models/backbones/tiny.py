"""The tiny backbone: diffusers' WanTransformer3DModel over an orthonormal patch transform instead of a VAE.

The large Wan backbones and this one share the class, the canvas and the channel order, so a demo on two cores runs the
path the 14-billion-parameter models will take. An 8x8 patch of RGB becomes 192 channels by moving pixels (space to depth,
an orthonormal map): lossless, no weights, and white noise stays white. A patch just fits through the width of 192,
so the network predicts the clean frame, not the velocity. There is no text: the cross-attention sees one zero token.

Legend: B batch, T frames, H, W px, C = 3 p^2 latent channels, h = H/p, w = W/p.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from models.canvas import Canvas, model_input, output_region
from models.rectified_flow import Prediction
from models.types import require

_TEXT_DIM = 8
_MAX_POSITIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyConfig:
    """Size of the network. `width` = heads x head size; `patch_px` divides the grid's width and height.

    `rope_theta`: base of the rotary frequencies; Wan's 10000 is made for hundreds of positions, on a grid of a dozen most of
    its frequencies stand still, and 50 uses them all. `qk_gain`: initial weight of the query and key norms; more than 1 lets
    attention be sharp from the start.
    """

    width: int = 192
    layers: int = 4
    heads: int = 6
    patch_px: int = 8
    ffn_ratio: int = 4
    rope_theta: float = 10_000.0
    qk_gain: float = 1.0

    def __post_init__(self) -> None:
        require(self.width % self.heads == 0, "backbone", "width", self.width, f"a multiple of heads = {self.heads}")
        require(
            self.width // self.heads % 2 == 0, "backbone", "width / heads", self.width // self.heads, "an even head size (rotary pairs)"
        )
        require(self.rope_theta > 1 and self.qk_gain > 0, "backbone", "rope_theta, qk_gain", (self.rope_theta, self.qk_gain), "> 1 and > 0")
        require(min(self.layers, self.patch_px, self.ffn_ratio) >= 1, "backbone", "layers, patch_px, ffn_ratio", asdict(self), "all >= 1")


def frames_to_latents(frames_BT3HW: torch.Tensor, patch_px: int) -> torch.Tensor:
    """Pixels in [-1, 1], float `[B,T,3,H,W]` -> latents `[B,C,T,h,w]`, an orthonormal map."""
    height, width = frames_BT3HW.shape[-2:]
    if height % patch_px or width % patch_px:
        raise ValueError(f"backbone tiny: frame size: got {width}x{height} px, expected multiples of {patch_px}; choose another grid")
    return F.pixel_unshuffle(frames_BT3HW, patch_px).transpose(1, 2)


def latents_to_frames(latents_BCThw: torch.Tensor, patch_px: int) -> torch.Tensor:
    """The inverse of `frames_to_latents`."""
    return F.pixel_shuffle(latents_BCThw.transpose(1, 2), patch_px)


class ShortAttention:
    """Wan's attention for some hundreds of tokens, as plain matrix products: on a CPU faster than the fused kernel (train_step.py).

    Same weights and same result as diffusers' `WanAttnProcessor`. One key, the text token, takes all the attention whatever
    the queries are, so the cross-attention is computed once and not per token.
    """

    def __call__(
        self,
        attn: nn.Module,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        rotary_emb: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """`hidden_states` `[B,N,C]` -> `[B,N,C]`; `rotary_emb` is cosine and sine, `[1,N,1,C/heads]` each."""
        if encoder_hidden_states is not None and encoder_hidden_states.shape[1] == 1:
            return attn.to_out[0](attn.to_v(encoder_hidden_states)).expand_as(hidden_states)
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        q, k, v = attn.norm_q(attn.to_q(hidden_states)), attn.norm_k(attn.to_k(source)), attn.to_v(source)
        q, k, v = (x.unflatten(2, (attn.heads, -1)).transpose(1, 2) for x in (q, k, v))
        if rotary_emb is not None:
            cos, sin = (x.transpose(1, 2) for x in rotary_emb)
            q, k = (_rotate(x, cos, sin).to(v.dtype) for x in (q, k))
        with torch.autocast(q.device.type, enabled=False):  # softmax stays in the precision of the products
            weights = torch.softmax((q.to(v.dtype) * q.shape[-1] ** -0.5) @ k.to(v.dtype).transpose(-1, -2), -1)
            mixed = (weights @ v).transpose(1, 2).flatten(2)
        return attn.to_out[0](mixed)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn neighbouring pairs of channels by their angle."""
    x1, x2 = x.unflatten(-1, (-1, 2)).unbind(-1)
    c, s = cos[..., 0::2], sin[..., 1::2]
    return torch.stack([x1 * c - x2 * s, x1 * s + x2 * c], -1).flatten(-2)


def _slot_rope(head_size: int, theta: float) -> nn.Module:
    """Wan's three-axis rotary positions, with the time axis read at the canvas' slots: frames may be left out."""
    from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed

    class SlotRope(WanRotaryPosEmbed):
        slots_S: torch.Tensor

        def forward(self, hidden_states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            height, width = hidden_states.shape[-2:]
            whole = super().forward(hidden_states.new_zeros(1, 1, _MAX_POSITIONS, height, width))
            return tuple(x.unflatten(1, (_MAX_POSITIONS, -1))[:, self.slots_S].flatten(1, 2) for x in whole)

    return SlotRope(head_size, (1, 1, 1), _MAX_POSITIONS, theta=theta)


class TinyBackbone(nn.Module):
    """Predicts the clean clip from a noisy one and its canvas. `prediction` is "clean"."""

    prediction: Prediction = "clean"
    family = "tiny"

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        from diffusers import WanTransformer3DModel  # seconds to import: only when a network is really built

        self.config = config
        channels = 3 * config.patch_px**2
        self.transformer = WanTransformer3DModel(
            patch_size=(1, 1, 1),
            num_attention_heads=config.heads,
            attention_head_dim=config.width // config.heads,
            in_channels=2 * channels + 1,
            out_channels=channels,
            text_dim=_TEXT_DIM,
            freq_dim=64,
            ffn_dim=config.ffn_ratio * config.width,
            num_layers=config.layers,
            cross_attn_norm=False,
            rope_max_seq_len=_MAX_POSITIONS,
        )
        head_size = config.width // config.heads
        self.transformer.rope = _slot_rope(head_size, config.rope_theta)
        self.transformer.set_attn_processor(ShortAttention())
        for block in self.transformer.blocks:
            nn.init.constant_(block.attn1.norm_q.weight, config.qk_gain)
            nn.init.constant_(block.attn1.norm_k.weight, config.qk_gain)

    def encode(self, frames_BT3HW: torch.Tensor) -> torch.Tensor:
        return frames_to_latents(frames_BT3HW, self.config.patch_px)

    def decode(self, latents_BCThw: torch.Tensor) -> torch.Tensor:
        return latents_to_frames(latents_BCThw, self.config.patch_px)

    def forward(self, noisy_BCThw: torch.Tensor, t_B: torch.Tensor, canvas: Canvas) -> torch.Tensor:
        """The predicted clean latents `[B,C,T,h,w]` at times t in [0,1]; the network sees t x 1000, as Wan does."""
        self.transformer.rope.slots_S = canvas.slots_S
        text = noisy_BCThw.new_zeros(noisy_BCThw.shape[0], 1, _TEXT_DIM)
        sample = self.transformer(model_input(noisy_BCThw, canvas), t_B * 1000, text, return_dict=False)[0]
        return output_region(sample)

    def describe(self) -> dict[str, Any]:
        """What `animator.json` keeps to build this network again."""
        return {"family": self.family, **asdict(self.config)}
