"""A LoRA checkpoint as the file diffusers takes: `pytorch_lora_weights.safetensors`, written by diffusers itself.

    W' = W + alpha / rank B A        as trained
    W' = W + B' A'                   as written: the scale lies in the weights

diffusers can carry alpha beside the weights, but whoever loads the tensors as a dict, or with a version that does not know the note, would
get another strength without a word. The scale is split between A and B the way diffusers splits it when it reads a ComfyUI
file, so both files give the same tensors to the bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import torch

from models.export.layouts import Layout
from models.storage import publish
from models.types import require

LORA_FILE = "pytorch_lora_weights.safetensors"


def alpha_of(adapter: Mapping[str, Any]) -> float:
    """The alpha of a card's adapter; where it is null, the rank."""
    return float(adapter["rank"] if adapter.get("alpha") is None else adapter["alpha"])


def check_lora(weights: Mapping[str, torch.Tensor], rank: int, item: str) -> None:
    """Raise ValueError unless the weights are pairs `lora_A [rank, in]`, `lora_B [out, rank]`."""
    require(bool(weights), item, "LoRA weights", "none", "pairs of lora_A and lora_B")
    for name, tensor in weights.items():
        paired = name.replace(".lora_A.", ".lora_B.") in weights and name.replace(".lora_B.", ".lora_A.") in weights
        known = name.endswith((".lora_A.weight", ".lora_B.weight")) and paired
        require(known, item, "LoRA weight", name, "pairs of ...lora_A.weight and ...lora_B.weight")
        got = tensor.shape[0 if ".lora_A." in name else -1]
        require(tensor.ndim == 2 and got == rank, item, f"rank of {name}", got, f"{rank}, as in the card")


def split_scale(scale: float) -> tuple[float, float]:
    """`scale` as a product of factors of A and B: what B takes is a power of two, and the two are of similar size."""
    down, up = scale, 1.0
    while down > 0 and down * 2 < up:
        down, up = down * 2, up / 2
    return down, up


def folded(weights: Mapping[str, torch.Tensor], rank: int, alpha: float) -> dict[str, torch.Tensor]:
    """The weights of an equal LoRA whose alpha is its rank. `alpha` as float32, which is what files hold of it."""
    down, up = split_scale(torch.tensor(alpha).item() / rank)
    return {name: tensor * (down if ".lora_A." in name else up) for name, tensor in weights.items()}


def write_diffusers_lora(folder: Path, layout: Layout, weights: Mapping[str, torch.Tensor]) -> None:
    """Write `pytorch_lora_weights.safetensors` of weights whose alpha is their rank, whole or not at all."""
    import diffusers
    from diffusers.loaders import WanLoraLoaderMixin

    pipeline = getattr(diffusers, layout.pipeline)
    writer = pipeline if layout.loads_lora else WanLoraLoaderMixin  # where the pipeline has none: the same file, by any of them
    with publish(folder / LORA_FILE) as draft:
        writer.save_lora_weights(draft.parent, transformer_lora_layers=dict(weights), weight_name=draft.name)
