"""Rectified flow: the straight path between data and noise, its time density, conversions and the sampling loop.

Times t run from 0 (data) to 1 (noise): x_t = (1 - t) x0 + t noise, velocity v = noise - x0.
Sources: Liu et al., "Flow Straight and Fast" (2022); Esser et al., "Scaling Rectified Flow Transformers" (2024) for the
logit-normal density (section 3.1) and the shift (Eq. 23). Solvers are diffusers' flow-matching schedulers, whose time
steps are t x 1000. Shapes: `x` is `[B,...]`, `t` is `[B]`.
"""

from __future__ import annotations

from typing import Any, Callable, Literal

import torch

Prediction = Literal["velocity", "clean"]
TRAIN_TIMESTEPS = 1000


def _along(t: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return t.view(-1, *[1] * (x.ndim - 1))


def interpolate(x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The point x_t of the path."""
    return torch.lerp(x0, noise, _along(t, x0))


def shift_time(t: torch.Tensor, shift: float) -> torch.Tensor:
    """Move times towards noise (shift > 1) without moving 0 and 1."""
    return shift * t / (1 + (shift - 1) * t)


def sample_times(count: int, generator: torch.Generator, *, mean: float, std: float, shift: float) -> torch.Tensor:
    """Training times: sigmoid(N(mean, std)), then shifted; float32 `[count]` in (0, 1)."""
    return shift_time(torch.sigmoid(mean + std * torch.randn(count, generator=generator, device=generator.device)), shift)


def to_velocity(prediction: torch.Tensor, x_t: torch.Tensor, t: torch.Tensor, kind: Prediction) -> torch.Tensor:
    """The velocity v that a prediction implies; t must be > 0 for a clean prediction."""
    return prediction if kind == "velocity" else (x_t - prediction) / _along(t, x_t)


def sample(
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], noise: torch.Tensor, *, kind: Prediction, solver: Any
) -> torch.Tensor:
    """Integrate from `noise` to data; `predict(x_t, t[B])` returns the model's prediction of the given kind.

    `solver`: a diffusers flow-matching scheduler with its time steps set; it keeps state and serves once. The path stays in the number
    format of `noise`, also where the model answers in a coarser one, into which the solver would cast it.
    """
    x = noise
    for step in solver.timesteps:
        t = (step / TRAIN_TIMESTEPS).to(torch.float32).expand(len(x))
        x = solver.step(to_velocity(predict(x, t).to(x.dtype), x, t, kind), step, x, return_dict=False)[0]
    return x
