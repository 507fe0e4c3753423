"""The transformer of Wan-Fun-Control: diffusers' Wan transformer, with V1.1's extra frame for the reference, from published files.

Wan-Fun V1.1 embeds the reference's latents by a convolution of its own and puts the tokens before the video's: a frame more for RoPE, cut
off again behind the last block. Here the reference's latents come as 16 more channels of the input.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import torch
from diffusers import WanTransformer3DModel
from torch import nn

from models.artifacts import read_json
from models.backbones.diffusers_folder import stored_shapes
from models.types import require

REFERENCE = "ref_conv"
_ORIGINAL = "head.head.weight"
"""A name of the original layout that diffusers' has not."""


class ControlEmbedding(nn.Conv3d):
    """Patches of a video; with `reference_channels` the first frame's place is taken by the reference's patches."""

    def __init__(self, like: nn.Conv3d, reference_channels: int | None) -> None:
        super().__init__(like.in_channels, like.out_channels, kernel_size=like.kernel_size, stride=like.stride)
        kernel = self.kernel_size[1:]
        self.ref_conv = nn.Conv2d(reference_channels, self.out_channels, kernel_size=kernel, stride=kernel) if reference_channels else None

    def forward(self, hidden_BCThw: torch.Tensor) -> torch.Tensor:
        if self.ref_conv is None:
            return super().forward(hidden_BCThw)
        video, reference = hidden_BCThw[:, : self.in_channels, 1:], hidden_BCThw[:, self.in_channels :, 0]
        return torch.cat([self.ref_conv(reference)[:, :, None], super().forward(video)], dim=2)


class WanFunTransformer(WanTransformer3DModel):
    """`hidden_states`: `[B,48,T,h,w]`, with `ref_conv` `[B,48+16,T,h,w]`; the last 16 channels of the first frame are the reference."""

    def __init__(self, reference_channels: int | None = None, **config: Any) -> None:
        super().__init__(**config)
        self.patch_embedding = ControlEmbedding(self.patch_embedding, reference_channels)

    @property
    def has_reference(self) -> bool:
        return self.patch_embedding.ref_conv is not None

    def forward(self, hidden_states: torch.Tensor, *args: Any, return_dict: bool = True, **rest: Any) -> Any:
        if not self.has_reference:
            return super().forward(hidden_states, *args, return_dict=return_dict, **rest)
        longer = torch.cat([hidden_states[:, :, :1], hidden_states], dim=2)
        output = super().forward(longer, *args, return_dict=False, **rest)[0][:, :, 1:]
        from diffusers.models.modeling_outputs import Transformer2DModelOutput

        return Transformer2DModelOutput(sample=output) if return_dict else (output,)


def load_transformer(folder: Path, dtype: torch.dtype) -> WanFunTransformer:
    """The transformer of `transformer/` in the original layout or diffusers'. Raises ValueError naming a weight missing or left over."""
    item, shapes = f"weights {folder.parent.name}", stored_shapes(folder)
    state = _renamed(folder, original=_ORIGINAL in shapes)
    transformer = _unfilled(config_of(folder, {name: tuple(tensor.shape) for name, tensor in state.items()}))
    wanted = {name: tuple(tensor.shape) for name, tensor in transformer.state_dict().items()}
    stray = {name for name in state.keys() - wanted.keys() if "norm_added_q" not in name}
    other = {name for name in state.keys() & wanted.keys() if tuple(state[name].shape) != wanted[name]}
    first = next(iter(sorted((wanted.keys() - state.keys()) | stray | other)), None)
    got = tuple(state[first].shape) if first in state else None
    require(first is None, item, f"transformer weight {first}", got, str(wanted.get(first)), "config.json and files differ")
    kept = transformer._keep_in_fp32_modules
    for name in wanted:
        number = torch.float32 if any(part in name.split(".") for part in kept) else dtype
        state[name] = state[name].to(number, copy=True)  # a view of the file is not aligned, which rounds otherwise
    transformer.load_state_dict({name: state[name] for name in wanted}, assign=True)
    return transformer.eval()


def config_of(folder: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """The arguments of diffusers' class: from the shapes of the weights, heads and epsilon from config.json of either layout."""
    item, stored = f"weights {folder.parent.name}", read_json(folder / "config.json")
    for name in ("patch_embedding.weight", "proj_out.weight", "blocks.0.ffn.net.0.proj.weight"):
        require(name in shapes, item, f"transformer weight {name}", "none", "present", "these are weights of another family")
    width, channels, *patch = shapes["patch_embedding.weight"]
    heads = stored.get("num_heads", stored.get("num_attention_heads"))
    require(isinstance(heads, int) and width % heads == 0, item, "transformer num_heads", heads, f"a divisor of {width}")
    image = shapes.get("condition_embedder.image_embedder.norm1.weight")
    layers = {name.split(".")[1] for name in shapes if name.startswith("blocks.")}
    reference = shapes.get(f"patch_embedding.{REFERENCE}.weight")
    return {
        "reference_channels": reference[1] if reference else None,
        "patch_size": tuple(patch),
        "num_attention_heads": heads,
        "attention_head_dim": width // heads,
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"][0] // prod(patch),
        "text_dim": shapes["condition_embedder.text_embedder.linear_1.weight"][1],
        "freq_dim": shapes["condition_embedder.time_embedder.linear_1.weight"][1],
        "ffn_dim": shapes["blocks.0.ffn.net.0.proj.weight"][0],
        "num_layers": len(layers),
        "eps": float(stored.get("eps", 1e-6)),
        "image_dim": image[0] if image else None,
        "added_kv_proj_dim": width if image else None,
    }


def _unfilled(config: dict[str, Any]) -> WanFunTransformer:
    """A network without storage; RoPE's tables, which no file holds, are real."""
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        return WanFunTransformer(**config)


def _renamed(folder: Path, *, original: bool) -> dict[str, torch.Tensor]:
    """All tensors under diffusers' names."""
    from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers
    from safetensors.torch import load_file

    state: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        state |= load_file(str(file))
    state = convert_wan_transformer_to_diffusers(state) if original else state
    return {f"patch_embedding.{name}" if name.startswith(f"{REFERENCE}.") else name: tensor for name, tensor in state.items()}
