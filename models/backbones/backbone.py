"""The seam between the canvas and a denoising network: what a backbone offers, and the two things done with every one of them.

    canvas + prompts ──condition──▶ Condition          (once a clip: VAE and text encoder, frozen)
    x_t, t, Condition ──denoise──▶ prediction          (every step: the transformer, which is what trains)

Who else must know: nobody. `models.animators.in_context` samples and `models.training.loop` trains through this file alone.

Legend: B batch, C latent channels, T' latent frames, h, w latent height and width of one half of the canvas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping, Protocol, Sequence, runtime_checkable

import torch
from torch import nn

from models import lengths
from models.canvas import Canvas, beside, left_half, right_half
from models.rectified_flow import Prediction, interpolate, sample
from models.types import Grid, require


class Codec(Protocol):
    """Pixels `[B,3,T,H,W]` in [-1,1] <-> standardised latents `[B,C,T',H/space_stride,W/space_stride]`, T = k time_stride + 1."""

    channels: int
    time_stride: int
    space_stride: int

    def encode(self, frames_B3THW: torch.Tensor) -> torch.Tensor: ...

    def decode(self, latents_BCThw: torch.Tensor) -> torch.Tensor: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Condition:
    """What the network is told of a clip. `latents_BCThw2`: the encoded canvas `[B,C,T',h,2w]`; `mask`: what of it is given, as channels
    of the family's own layout `[1,M,T',h,2w]` (M = 0 where a family has none).

    `kept`: `[1,1,T',h,2w]`, 1 where the canvas' latents stand in place of the noisy ones and nothing is painted.
    `words`: text and image embeddings, by the names of the transformer's arguments.
    """

    latents_BCThw2: torch.Tensor
    mask: torch.Tensor
    kept: torch.Tensor
    words: Mapping[str, torch.Tensor]


@runtime_checkable
class Backbone(Protocol):
    """An adapter over a transformer. `lora_layers`: name -> regex of layers that LoRA may take; `patch`: tokens' (t, h, w) in latents.

    `reads_text`: whether prompts change what it paints.
    """

    family: str
    prediction: Prediction
    shift: float
    codec: Codec
    patch: tuple[int, int, int]
    transformer: nn.Module
    lora_layers: Mapping[str, str]
    reads_text: bool
    device: torch.device

    def condition(self, canvas: Canvas, prompts: Sequence[str]) -> Condition:
        """Encode a canvas, which may lie on any device, and one prompt a sample."""
        ...

    def words(self, canvas: Canvas, prompts: Sequence[str]) -> Mapping[str, torch.Tensor]:
        """The text and image embeddings alone, for another prompt on the same canvas."""
        ...

    def denoise(self, x_BCThw2: torch.Tensor, t_B: torch.Tensor, condition: Condition) -> torch.Tensor:
        """The prediction `[B,C,T',h,2w]` at times t in [0,1]."""
        ...

    def solver(self, steps: int) -> Any:
        """A diffusers scheduler, set to so many steps on the backbone's device."""
        ...

    def describe(self) -> dict[str, Any]:
        """What `animator.json` keeps to build this backbone again."""
        ...


def keep_driver(condition: Condition) -> Condition:
    """The driver's half as clean tokens: its latents stand where the model would see noise."""
    kept = condition.kept.clone()
    kept[..., kept.shape[-1] // 2 :] = 1
    return replace(condition, kept=kept)


def put_in_place(x_BCThw2: torch.Tensor, condition: Condition) -> torch.Tensor:
    """Noisy latents with what is kept of the canvas in its place."""
    return torch.lerp(x_BCThw2, condition.latents_BCThw2, condition.kept.expand_as(x_BCThw2))


def on_its_path(x_BCThw2: torch.Tensor, noise_BCThw2: torch.Tensor, t_B: torch.Tensor, condition: Condition) -> torch.Tensor:
    """The left half as it is, the driver's half noised to time t, as training shows it: what is known need not be guessed."""
    driver = interpolate(right_half(condition.latents_BCThw2), right_half(noise_BCThw2), t_B)
    return torch.cat([left_half(x_BCThw2), driver.to(x_BCThw2)], -1)


def paint(
    backbone: Backbone,
    noise_BCThw2: torch.Tensor,
    condition: Condition,
    *,
    steps: int,
    guidance: float,
    without: Condition | None,
    known_driver: bool = False,
) -> torch.Tensor:
    """Sample the canvas' latents `[B,C,T',h,2w]`. `guidance` > 1: classifier-free, away from the condition `without`.

    `known_driver`: the driver's half stays on its path; else it is painted along, as a stock pipeline would, which asks for a network
    that was taught to (`driver_weight` of the loss).
    """

    def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        x = on_its_path(x, noise_BCThw2, t, condition) if known_driver else x
        said = _denoise(backbone, put_in_place(x, condition), t, condition, "cond")
        if guidance <= 1 or without is None:
            return said
        away = _denoise(backbone, put_in_place(x, without), t, without, "uncond")
        return away + guidance * (said - away)

    if getattr(backbone.transformer, "is_cache_enabled", False):
        backbone.transformer._reset_stateful_cache()  # what a cache over steps remembers is of another clip, as diffusers' pipelines know
    x = sample(predict, noise_BCThw2, kind=backbone.prediction, solver=backbone.solver(steps))
    return put_in_place(x, condition)


def _denoise(backbone: Backbone, x: torch.Tensor, t: torch.Tensor, condition: Condition, name: str) -> torch.Tensor:
    """Caches over steps (FirstBlockCache) keep what they remember of each of the two conditions apart."""
    if not getattr(backbone.transformer, "is_cache_enabled", False):
        return backbone.denoise(x, t, condition)
    with backbone.transformer.cache_context(name):
        return backbone.denoise(x, t, condition)


def target_latents(backbone: Backbone, target_B3THW: torch.Tensor, canvas: Canvas) -> torch.Tensor:
    """What a perfect sampler would end with: target and driver, encoded together at double width, as at inference."""
    return backbone.codec.encode(beside(target_B3THW, canvas))


def canvas_loss(
    backbone: Backbone,
    clean_BCThw2: torch.Tensor,
    condition: Condition,
    noise_BCThw2: torch.Tensor,
    t_B: torch.Tensor,
    *,
    driver_weight: float,
) -> torch.Tensor:
    """Mean squared error of the prediction over what is painted of the left half, plus `driver_weight` times that of the right half."""
    x_t = interpolate(clean_BCThw2, noise_BCThw2, t_B)
    said = backbone.denoise(put_in_place(x_t, condition), t_B, condition).float()
    wanted = clean_BCThw2 if backbone.prediction == "clean" else noise_BCThw2 - clean_BCThw2
    error, painted = (said - wanted).square(), (1 - condition.kept).expand_as(said)
    loss = _mean_over(left_half(error), left_half(painted))
    if driver_weight:
        half = error.shape[-1] // 2
        loss = loss + driver_weight * _mean_over(error[..., half:], painted[..., half:])
    return loss


def _mean_over(error: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (error * weight).sum() / weight.sum().clamp(min=1)


def frames_up(backbone: Backbone, frames: int) -> int:
    """The least number of frames >= `frames` that the backbone's codec takes: k time_stride + 1."""
    return lengths.frames_up(frames, backbone.codec.time_stride)


def check_grid(backbone: Backbone, grid: Grid) -> None:
    """Raise ValueError when a canvas of this grid does not fall into whole latents and tokens of each half."""
    codec = backbone.codec
    for name, value, patch in (("width", grid.width, backbone.patch[2]), ("height", grid.height, backbone.patch[1])):
        unit = codec.space_stride * patch
        near = max(unit, round(value / unit) * unit)
        require(value % unit == 0, f"backbone {backbone.family}", f"grid {name}", value, f"a multiple of {unit}", f"take {near}")
    good = frames_up(backbone, grid.num_frames)
    rule, fewer = f"{codec.time_stride}k+1", good - codec.time_stride
    near = f"take {fewer} or {good}" if fewer > 1 else f"take {good}"
    require(grid.num_frames == good, f"backbone {backbone.family}", "grid num_frames", grid.num_frames, rule, near)


def check_channels(family: str, got: int, expected: int, layout: str) -> None:
    """Raise ValueError when a transformer does not take the channels of a family's layout."""
    require(got == expected, f"backbone {family}", "transformer in_channels", got, f"{expected} = {layout}", "use weights of this family")
