"""What the command line of `train` may say beside data, recipe, steps and output; None leaves what the recipe says.

    recipe + flags ──overridden──▶ TrainConfig, or a ValueError for a flag that would change nothing in this recipe

Which flags concern a motion signal, the signal says itself (`models.animators.motion`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from models.runtime import Runtime
from models.types import require

if TYPE_CHECKING:
    from models.training.config import TrainConfig
    from pipelines.validation import Validation


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFlags:
    """LoRA of the recipes that train one.

    Args:
        rank: Its rank; default: the recipe's, 256.
        layers: Comma-separated kinds of layers it is put on: feed_forward, attention; default: the recipe's, feed_forward.
    """

    rank: int | None = None
    layers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationFlags:
    """Shares of samples, 0 (off) to 1, that go through a change; default: the recipe's.

    Args:
        mirror: Reference, driver and target mirrored together.
        bones: Bone lengths of a drawn skeleton scaled by U(0.8, 1.2).
        driver_stretch: A raw driver cropped, turned and stretched.
        driver_colour: A raw driver recoloured.
        sample_stretch: The whole sample cropped, turned and stretched.
        sample_colour: The whole sample recoloured.
    """

    mirror: float | None = None
    bones: float | None = None
    driver_stretch: float | None = None
    driver_colour: float | None = None
    sample_stretch: float | None = None
    sample_colour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingFlags:
    """How the checkpoint paints, kept in its card and used by validation; default: the recipe's.

    Args:
        steps: Sampling steps.
        guidance: Classifier-free guidance by text; 1 switches it off.
    """

    steps: int | None = None
    guidance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainFlags:
    """All of them. `init`: checkpoint folder or shipped name; `estimator`: a pose estimator's name or folder; `size`: (W,H) px.

    `on_damage` skip: damaged samples of a dataset are left out, counted and named; else the first one ends the run.
    `box` clip: drawn skeletons are normalised by the box around the joints of the whole clip; off: they stand where people stand.
    """

    init: str | None = None
    weights: Path | None = None
    estimator: str | None = None
    box: Literal["clip", "off"] | None = None
    guide: str | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None
    num_frames: int | None = None
    driver_weight: float | None = None
    seed: int | None = None
    save_every: int | None = None
    on_damage: Literal["stop", "skip"] | None = None
    lora: LoraFlags = LoraFlags()
    augmentation: AugmentationFlags = AugmentationFlags()
    sampling: SamplingFlags = SamplingFlags()
    runtime: Runtime = Runtime()
    validation: Validation | None = None


def said(flags: Any) -> dict[str, Any]:
    """What flags say, by name; those of a group as GROUP.NAME."""
    found: dict[str, Any] = {}
    for name in (field.name for field in fields(flags)):
        value = getattr(flags, name)
        if isinstance(value, LoraFlags | AugmentationFlags | SamplingFlags):
            found |= {f"{name}.{inner}": one for inner, one in said(value).items()}
        elif value is not None:
            found[name] = value
    return found


def overridden(config: TrainConfig, flags: TrainFlags) -> TrainConfig:
    """The recipe with what the flags say of it. Raises ValueError for a flag without effect in it."""
    _refuse_idle(config, flags)
    changes = {name: value for name, value in said(flags).items() if name in ("guide", "driver_weight", "seed", "save_every")}
    if flags.box is not None:
        changes["motion"] = {**config.motion, "normalised": flags.box == "clip"}
    if config.lora is not None:
        changes["lora"] = replace(config.lora, **lora_fields(flags.lora))
    changes["augmentation"] = replace(config.augmentation, **said(flags.augmentation))
    changes["sampling"] = replace(config.sampling, **said(flags.sampling))
    return replace(config, **changes)


def lora_fields(flags: LoraFlags) -> dict[str, Any]:
    """What the flags say of a `LoraSpec`."""
    spoken = said(flags)
    if "layers" in spoken:
        spoken["layers"] = tuple(name.strip() for name in spoken["layers"].split(",") if name.strip())
    return spoken


def _refuse_idle(config: TrainConfig, flags: TrainFlags) -> None:
    from models.animators.motion import MOTIONS, motion_class

    signal, others = motion_class(config.motion), {name for other in MOTIONS.values() for name in other.changes}
    idle = {f"augmentation.{name}": f"its driver is shown as {signal.kind}" for name in others - set(signal.changes)}
    if config.lora is None:
        idle |= {f"lora.{name.name}": "it trains the whole network" for name in fields(LoraFlags)}
    if not signal.needs_estimator:
        idle |= dict.fromkeys(("estimator", "box"), "it draws no skeleton")
    if not signal.needs_driver:
        idle["driver_weight"] = "the driver's half of its canvas is blank"
    for name, value in said(flags).items():
        require(name not in idle, f"recipe {config.recipe}", f"--{name.replace('_', '-')}", value, f"none: {idle.get(name)}")
