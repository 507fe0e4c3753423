"""The optimizers of a run, their learning rates and their state as flat tensors.

AdamW for LoRA; for small networks trained whole Muon on the matrices of the blocks and AdamW on everything else.
Source: Jordan et al., "Muon: An optimizer for hidden layers" (2024); torch.optim.Muon.
"""

from __future__ import annotations

from typing import Mapping

import torch

from models.training.config import AdamW, TrainConfig


def build_optimizers(trainable: Mapping[str, torch.nn.Parameter], config: TrainConfig) -> list[torch.optim.Optimizer]:
    """[AdamW] or [Muon, AdamW] over named parameters, in their order."""
    spec = config.optimizer
    if isinstance(spec, AdamW):
        return [torch.optim.AdamW(list(trainable.values()), lr=spec.lr, betas=spec.betas, weight_decay=spec.weight_decay)]
    matrices = [p for name, p in trainable.items() if "blocks." in name and p.ndim == 2]
    rest = [p for name, p in trainable.items() if not ("blocks." in name and p.ndim == 2)]
    return [
        torch.optim.Muon(matrices, lr=spec.lr, weight_decay=spec.weight_decay),
        torch.optim.AdamW(rest, lr=spec.adam_lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def set_rates(optimizers: list[torch.optim.Optimizer], config: TrainConfig, step: int, steps: int) -> None:
    """The learning rates at `step` (0-based) of `steps`."""
    spec = config.optimizer
    bases = (spec.lr,) if isinstance(spec, AdamW) else (spec.lr, spec.adam_lr)
    for optimizer, base in zip(optimizers, bases):
        optimizer.param_groups[0]["lr"] = base * learning_rate(config, step, steps)


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """The factor on all rates at `step` (0-based) of `steps`: warm-up, plateau, linear decay to zero."""
    decay = max(1, round(config.decay_share * steps))
    falling = (steps - step) / decay if config.decay_share else 1.0
    return min(1.0, (step + 1) / max(1, config.warmup_steps), falling)


def flatten_state(optimizers: list[torch.optim.Optimizer]) -> dict[str, torch.Tensor]:
    """Every tensor of the optimizers' state under "optimizer.index.name"."""
    flat = {}
    for o, optimizer in enumerate(optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            flat |= {f"optimizer{o}.{index}.{name}": torch.as_tensor(value).clone() for name, value in state.items()}
    return flat


def restore_state(optimizers: list[torch.optim.Optimizer], flat: Mapping[str, torch.Tensor]) -> None:
    """The inverse of `flatten_state`."""
    for o, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in flat.items():
            owner, _, rest = key.partition(".")
            if owner == f"optimizer{o}":
                index, _, name = rest.partition(".")
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
