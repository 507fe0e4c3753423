"""What a training run is: frozen, validated, and written whole into the checkpoint's card."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from models.backbones.tiny import TinyConfig
from models.types import Grid, require


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One stage of the chain. Shares are probabilities per sample.

    `other_moment_share`: the reference comes from outside the target window (another moment of the same clip), else it
    is the window's first frame. `bone_scale_share`: pose augmentation of the skeleton signal. `flip_share`: reference,
    driver and target are mirrored together. `stretch_share`, `colour_share`: a random stretch of the plane or map of colours
    (`models.training.augment`). `frames_per_sample`: so many frames of each window, drawn anew every step and put at their own
    slots of the canvas (None: all), the first always among them, since motion is what has changed since the driver's first frame;
    frames of one clip are much alike, so fewer frames of more clips teach more per token.
    `matcher_share`: this first part of the steps trains nothing but the matcher and the figure, for a fraction of the price
    (docs/benchmarks.md).
    `muon_lr` drives the matrices of the blocks, `adam_lr` everything else; both warm up over `warmup_steps` and fall linearly
    to zero over the last `decay_share` of the steps.
    """

    recipe: str
    motion: Literal["blank", "raw", "skeleton"]
    grid: Grid
    backbone: TinyConfig = field(default_factory=TinyConfig)
    batch_size: int = 16
    frames_per_sample: int | None = None
    matcher_share: float = 0.0
    muon_lr: float = 0.02
    adam_lr: float = 2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 20
    decay_share: float = 0.3
    ema_decay: float = 0.995
    time_mean: float = 1.0
    time_std: float = 1.0
    other_moment_share: float = 0.5
    bone_scale_share: float = 0.3
    flip_share: float = 0.5
    stretch_share: float = 0.0
    colour_share: float = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    save_every: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        item = f"recipe {self.recipe}"
        for name in (
            "other_moment_share",
            "bone_scale_share",
            "flip_share",
            "stretch_share",
            "colour_share",
            "matcher_share",
            "decay_share",
        ):
            require(0 <= getattr(self, name) <= 1, item, name, getattr(self, name), "0 to 1")
        kept, most = self.frames_per_sample, self.grid.num_frames
        require(kept is None or min(2, most) <= kept <= most, item, "frames_per_sample", kept, f"2 to {most}, or None for all")
        require(self.batch_size >= 1, item, "batch_size", self.batch_size, ">= 1")
        require(0 <= self.ema_decay < 1, item, "ema_decay", self.ema_decay, "0 <= ema_decay < 1")
        require(min(self.muon_lr, self.adam_lr) > 0, item, "muon_lr, adam_lr", (self.muon_lr, self.adam_lr), "> 0")
        patch = self.backbone.patch_px
        ok = self.grid.width % patch == 0 and self.grid.height % patch == 0
        require(ok, item, "grid", f"{self.grid.width}x{self.grid.height}", f"multiples of patch_px = {patch}")
