"""LoRA on the layers a backbone offers: the paper's feed-forward layers of the video stream, attention as an option.

peft does the work; this file says which layers, and refuses weights that do not fit where peft would only warn.
Sources: Hu et al., "LoRA" (2021); DreamActor-M2, section 3.3 (feed-forward layers only, text branch not adapted) and 5.1 (rank 256).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import torch
from torch import nn

from models.types import require

ADAPTER = "actorforge"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSpec:
    """`layers`: names from the backbone's `lora_layers`; `alpha` None: the rank, a scale of 1."""

    rank: int = 256
    alpha: float | None = None
    layers: tuple[str, ...] = ("feed_forward",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        require(self.rank >= 1, "lora", "rank", self.rank, "a whole number >= 1")
        require(bool(self.layers), "lora", "layers", self.layers, "one or more, such as feed_forward")


def target_regex(backbone: Any, layers: tuple[str, ...]) -> str:
    """One regex that fullmatches the names of the chosen layers. Raises ValueError for a kind of layer the backbone does not offer."""
    for name in layers:
        known = ", ".join(backbone.lora_layers)
        item, advice = f"lora on {backbone.family}", "text and modulation are not adapted"
        require(name in backbone.lora_layers, item, "layers", repr(name), f"one of {known}", advice)
    return "|".join(f"(?:{backbone.lora_layers[name]})" for name in layers)


def add_lora(backbone: Any, spec: LoraSpec) -> None:
    """Put a fresh LoRA (its output zero) into the transformer; only its weights, float32, are trainable."""
    from peft import LoraConfig

    transformer: nn.Module = backbone.transformer
    transformer.requires_grad_(False)
    alpha = spec.rank if spec.alpha is None else spec.alpha
    config = LoraConfig(r=spec.rank, lora_alpha=alpha, target_modules=target_regex(backbone, spec.layers), init_lora_weights=True)
    transformer.add_adapter(config, adapter_name=ADAPTER)
    _offload_anew(transformer)
    for name, parameter in transformer.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()
            parameter.requires_grad_(True)


def _offload_anew(transformer: nn.Module) -> None:
    """Group offloading knows only the layers it met: as diffusers' own `load_lora_adapter` does, it is taken off and put on again."""
    from diffusers.hooks.group_offloading import _maybe_remove_and_reapply_group_offloading

    _maybe_remove_and_reapply_group_offloading(transformer)


def lora_state(transformer: nn.Module) -> dict[str, torch.Tensor]:
    """The LoRA's weights under peft's plain names (`blocks.0.ffn.net.2.lora_A.weight`)."""
    from peft.utils import get_peft_model_state_dict

    return get_peft_model_state_dict(transformer, adapter_name=ADAPTER)


def load_lora(transformer: nn.Module, weights: Mapping[str, torch.Tensor], item: str) -> None:
    """Fill the LoRA in place. Raises ValueError naming the first weight that is missing, left over or of another shape."""
    from peft.utils import set_peft_model_state_dict

    wanted = {name: tuple(tensor.shape) for name, tensor in lora_state(transformer).items()}
    stored = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    other = next((name for name in sorted({*wanted, *stored}) if wanted.get(name) != stored.get(name)), None)
    advice = "a LoRA of another base, rank or set of layers"
    require(other is None, item, f"LoRA weight {other}", stored.get(other), str(wanted.get(other)), advice)
    set_peft_model_state_dict(transformer, {name: tensor.float() for name, tensor in weights.items()}, adapter_name=ADAPTER)
