"""What a training run is: frozen, validated, and written whole into the checkpoint's card."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Mapping

from models.animators.sampling import Sampling
from models.training.augment import Augmentation
from models.training.lora import LoraSpec
from models.types import Grid, require


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamW:
    """AdamW with the paper's numbers (DreamActor-M2, section 5.1)."""

    lr: float = 5e-5
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "betas", tuple(self.betas))
        require(self.lr > 0, "optimizer", "lr", self.lr, "> 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Muon:
    """Muon on the matrices of the blocks, AdamW on the rest: for small networks trained whole."""

    lr: float = 0.02
    adam_lr: float = 2e-3
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        require(min(self.lr, self.adam_lr) > 0, "optimizer", "lr, adam_lr", (self.lr, self.adam_lr), "> 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One stage of the chain: prior, pose-driven or end-to-end.

    `backbone`: the fields `animator.json` keeps of it, with its `family`. `motion`: the signal's, with its `kind`.
    `grid.num_frames`: frames of a training window, the start gap within; `gap_frames`: of the driver that are blank.
    `guide`: who writes the prompts of examples that have none (a name of `models.guidance.catalog`, or none).
    `lora` None: the whole network. `driver_weight`: of the loss over the driver's half (the left half's is 1).
    `other_moment_share`: the window's first frame, which is the reference, comes from another moment of the clip, as a gap of one
    frame asks for. `tail_share`: windows that are given their `sampling.tail_frames` first frames after the reference.
    `time_mean`, `time_std`: of the logit-normal times, before the checkpoint's shift.
    `stored`: number format of a checkpoint's weights.
    Learning rates warm up over `warmup_steps` and fall linearly to zero over the last `decay_share` of the steps.
    `batch_size` examples at a time, `accumulate` times before a step. `precision` auto: bfloat16 on a GPU, float32 on a CPU, where
    it is faster.
    """

    recipe: str
    backbone: Mapping[str, Any]
    motion: Mapping[str, Any]
    grid: Grid
    gap_frames: int
    guide: str = "none"
    lora: LoraSpec | None = None
    optimizer: AdamW | Muon = field(default_factory=AdamW)
    sampling: Sampling = field(default_factory=Sampling)
    augmentation: Augmentation = field(default_factory=Augmentation)
    batch_size: int = 2
    accumulate: int = 1
    driver_weight: float = 0.0
    other_moment_share: float = 0.0
    tail_share: float = 0.0
    time_mean: float = 0.0
    time_std: float = 1.0
    warmup_steps: int = 20
    decay_share: float = 0.0
    ema_decay: float = 0.999
    max_grad_norm: float = 1.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    gradient_checkpointing: bool = True
    stored: Literal["float32", "float16"] = "float32"
    save_every: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        item = f"recipe {self.recipe}"
        for name in ("other_moment_share", "tail_share", "decay_share"):
            require(0 <= getattr(self, name) <= 1, item, name, getattr(self, name), "0 to 1")
        frames = self.grid.num_frames
        most = f"1 to {frames - 1}, within the window's {frames} frames"
        longer = "train on longer clips (--num-frames) or at a lower rate (--fps)"
        require(1 <= self.gap_frames < frames, item, "gap_frames", self.gap_frames, most, longer)
        require(min(self.batch_size, self.accumulate) >= 1, item, "batch_size, accumulate", (self.batch_size, self.accumulate), ">= 1")
        require(0 <= self.ema_decay < 1, item, "ema_decay", self.ema_decay, "0 <= ema_decay < 1")
        require(self.max_grad_norm > 0, item, "max_grad_norm", self.max_grad_norm, "> 0")
        require(self.driver_weight >= 0, item, "driver_weight", self.driver_weight, ">= 0")
        require(self.save_every >= 1, item, "save_every", self.save_every, "a whole number >= 1")
        tails = self.tail_share == 0 or 0 < self.sampling.tail_frames < frames - 1
        require(tails, item, "sampling.tail_frames", self.sampling.tail_frames, f"1 to {frames - 2} where tail_share is not 0")

    def identity(self) -> dict[str, Any]:
        """What must not change between the legs of a run, as JSON values."""
        import json

        fields = json.loads(json.dumps(asdict(self)))
        fields["backbone"].get("weights", {}).pop("path", None)  # weights may move; their fingerprint may not
        fields["motion"].pop("estimator", None)  # likewise: its hash is among the parents
        return {key: value for key, value in fields.items() if key != "save_every"}
