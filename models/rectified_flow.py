"""Rectified flow: the straight path between data and noise, its time density, conversions and the Euler sampler.

Times t run from 0 (data) to 1 (noise): x_t = (1 - t) x0 + t noise, velocity v = noise - x0.
Sources: Liu et al., "Flow Straight and Fast" (2022); Esser et al., "Scaling Rectified Flow Transformers" (2024) for the
logit-normal density (section 3.1) and the shift (Eq. 23). Shapes: `x` is `[B,...]`, `t` is `[B]`.
"""

from __future__ import annotations

from typing import Callable, Literal

import torch

Prediction = Literal["velocity", "clean"]


def _along(t: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return t.view(-1, *[1] * (x.ndim - 1))


def interpolate(x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The point x_t of the path."""
    return torch.lerp(x0, noise, _along(t, x0))


def shift_time(t: torch.Tensor, shift: float) -> torch.Tensor:
    """Move times towards noise (shift > 1) without moving 0 and 1."""
    return shift * t / (1 + (shift - 1) * t)


def sample_times(count: int, generator: torch.Generator, *, mean: float = 1.0, std: float = 1.0) -> torch.Tensor:
    """Training times, logit-normal: sigmoid(N(mean, std)), float32 `[count]` in (0, 1)."""
    return torch.sigmoid(mean + std * torch.randn(count, generator=generator))


def to_clean(prediction: torch.Tensor, x_t: torch.Tensor, t: torch.Tensor, kind: Prediction) -> torch.Tensor:
    """The data x0 that a prediction implies."""
    return prediction if kind == "clean" else x_t - _along(t, x_t) * prediction


def to_velocity(prediction: torch.Tensor, x_t: torch.Tensor, t: torch.Tensor, kind: Prediction) -> torch.Tensor:
    """The velocity v that a prediction implies; t must be > 0 for a clean prediction."""
    return prediction if kind == "velocity" else (x_t - prediction) / _along(t, x_t)


def euler_times(steps: int, shift: float) -> torch.Tensor:
    """The `steps`+1 times an Euler sampler visits, from 1 down to 0."""
    return shift_time(torch.linspace(1, 0, steps + 1), shift)


def sample_euler(
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], noise: torch.Tensor, *, kind: Prediction, steps: int, shift: float = 1.0
) -> torch.Tensor:
    """Integrate from `noise` to data; `predict(x_t, t[B])` returns the model's prediction of the given kind."""
    x, times = noise, euler_times(steps, shift).tolist()
    for now, after in zip(times[:-1], times[1:]):
        t = torch.full((noise.shape[0],), now, device=noise.device)
        x = x + (after - now) * to_velocity(predict(x, t), x, t, kind)
    return x
