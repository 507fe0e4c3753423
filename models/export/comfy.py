"""A LoRA under the names ComfyUI looks for: the layer names of a model's first release, and an alpha beside each pair.

    blocks.0.ffn.net.2.lora_A.weight  ──▶  diffusion_model.blocks.0.ffn.2.lora_down.weight, ...lora_up.weight, ...alpha

Trained weights are passed on untouched; ComfyUI scales by alpha / rank itself. `lora_down` and `lora_up` are read by every version of
it, `lora_A` and `lora_B` only by newer ones. Sources: ComfyUI `comfy/lora.py`, `comfy/weight_adapter/lora.py`; the names are the inverse of
diffusers 0.42 `_convert_non_diffusers_wan_lora_to_diffusers`, through which a test sends them back.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping

import torch

from models.storage import publish
from models.types import require

WAN_LAYERS = (
    (r"(blocks\.\d+)\.attn1\.to_(q|k|v)", r"\1.self_attn.\2"),
    (r"(blocks\.\d+)\.attn1\.to_out\.0", r"\1.self_attn.o"),
    (r"(blocks\.\d+)\.attn2\.to_(q|k|v)", r"\1.cross_attn.\2"),
    (r"(blocks\.\d+)\.attn2\.to_out\.0", r"\1.cross_attn.o"),
    (r"(blocks\.\d+)\.ffn\.net\.0\.proj", r"\1.ffn.0"),
    (r"(blocks\.\d+)\.ffn\.net\.2", r"\1.ffn.2"),
)
"""(regex of a whole name in diffusers, its replacement)."""


def comfy_layer(name: str, layers: tuple[tuple[str, str], ...], item: str) -> str:
    """ComfyUI's name of a layer. Raises ValueError for one that has none."""
    for pattern, replacement in layers:
        match = re.fullmatch(pattern, name)
        if match:
            return f"diffusion_model.{match.expand(replacement)}"
    raise ValueError(f"{item}: LoRA layer: got {name}, expected one with a name in ComfyUI; use --format diffusers")


def comfy_state(
    weights: Mapping[str, torch.Tensor], alpha: float, layers: tuple[tuple[str, str], ...], item: str
) -> dict[str, torch.Tensor]:
    """The LoRA of a checkpoint (peft's names) under ComfyUI's."""
    ends = {".lora_A.weight": ".lora_down.weight", ".lora_B.weight": ".lora_up.weight"}
    state: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        end = next((end for end in ends if name.endswith(end)), None)
        require(end is not None, item, "LoRA weight", name, "a name that ends in lora_A.weight or lora_B.weight")
        layer = comfy_layer(name.removesuffix(end), layers, item)
        state[layer + ends[end]] = tensor
        state[f"{layer}.alpha"] = torch.tensor(float(alpha))
    return state


def write_comfy(path: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Write one safetensors file, whole or not at all."""
    from safetensors.torch import save_file

    with publish(path) as draft:
        save_file(dict(state), draft, metadata={"format": "pt"})
