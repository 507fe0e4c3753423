"""Who sees whom on the canvas, and where each token stands: what Wan's own transformer blocks run here in place of their attention."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

MAX_POSITIONS = 64
"""Slots, rows and columns of tokens a canvas may have: a clip of 63 frames at most."""
_LONG = 1024  # tokens


class CanvasAttention:
    """Wan's attention between the pictures of a canvas: what is given sees no more than it needs, what is painted sees all.

    The reference sees itself, a driving frame itself and the reference, and only what is painted sees everything: so what is
    given does not depend on the noise, and most of the price of the canvas is gone. Plain matrix products are faster on a
    CPU than the fused kernel for some hundreds of tokens (train_step.py); more than `_LONG` keys go to the fused kernel. One
    key, the text token, takes all the attention whatever the queries are, so the cross-attention is computed once.
    """

    def __call__(
        self,
        attn: nn.Module,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        rotary_emb: tuple[torch.Tensor, torch.Tensor, int, int] | None = None,
    ) -> torch.Tensor:
        """`hidden_states` `[B,N,C]` -> `[B,N,C]`, pictures first and what is painted last.

        `rotary_emb`: cosine and sine, `[1,1,N,C/heads]` each, the number of given pictures and the tokens of each.
        """
        if encoder_hidden_states is not None:
            if encoder_hidden_states.shape[1] != 1:
                raise ValueError(f"backbone tiny: text: got {encoder_hidden_states.shape[1]} tokens, expected 1 (there is no text)")
            return attn.to_out[0](attn.to_v(encoder_hidden_states)).expand_as(hidden_states)
        cos, sin, pictures, each = rotary_emb
        q, k, v = attn.norm_q(attn.to_q(hidden_states)), attn.norm_k(attn.to_k(hidden_states)), attn.to_v(hidden_states)
        q, k, v = (x.unflatten(2, (attn.heads, -1)).transpose(1, 2) for x in (q, k, v))
        q, k = (_rotate(x, cos, sin).to(v.dtype) for x in (q, k))
        given = pictures * each
        mixed = [_attend(q[:, :, :each], k[:, :, :each], v[:, :, :each])]
        if pictures > 1:
            own_q, own_k, own_v = (x[:, :, each:given].unflatten(2, (pictures - 1, each)) for x in (q, k, v))
            first_k, first_v = (x[:, :, None, :each].expand_as(own_k) for x in (k, v))
            seen = _attend(own_q, torch.cat([first_k, own_k], 3), torch.cat([first_v, own_v], 3))
            mixed.append(seen.flatten(2, 3))
        mixed.append(_attend(q[:, :, given:], k, v))
        return attn.to_out[0](torch.cat(mixed, 2).transpose(1, 2).flatten(2))


def _attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Attention of `[...,N,D]` to `[...,M,D]`; the softmax stays in the precision of the products."""
    with torch.autocast(q.device.type, enabled=False):
        if k.shape[-2] > _LONG:
            return F.scaled_dot_product_attention(q, k, v)
        return torch.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2), -1) @ v


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn neighbouring pairs of channels by their angle."""
    x1, x2 = x.unflatten(-1, (-1, 2)).unbind(-1)
    c, s = cos[..., 0::2], sin[..., 1::2]
    return torch.stack([x1 * c - x2 * s, x1 * s + x2 * c], -1).flatten(-2)


def slot_rope(head_size: int, theta: float) -> nn.Module:
    """Wan's three-axis rotary positions, with the time axis read at the canvas' slots: frames may be left out."""
    from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed

    class SlotRope(WanRotaryPosEmbed):
        slots_S: torch.Tensor

        def forward(self, hidden_states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            height, width = hidden_states.shape[-2:]
            whole = super().forward(hidden_states.new_zeros(1, 1, MAX_POSITIONS, height, width))
            return tuple(x.unflatten(1, (MAX_POSITIONS, -1))[:, self.slots_S].flatten(1, 2) for x in whole)

    return SlotRope(head_size, (1, 1, 1), MAX_POSITIONS, theta=theta)
