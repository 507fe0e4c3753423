"""`actorforge train`: a dataset or clips -> a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from models.runtime import Runtime
from pipelines.train_flags import AugmentationFlags, LoraFlags, SamplingFlags
from pipelines.verbs.flags import parse_size


def train(
    data: str,
    recipe: str,
    steps: int,
    out: Path,
    init: str | None = None,
    weights: Path | None = None,
    estimator: str | None = None,
    box: Literal["clip", "off"] | None = None,
    guide: str | None = None,
    size: str | None = None,
    fps: float | None = None,
    num_frames: int | None = None,
    driver_weight: float | None = None,
    validate: str | None = None,
    validate_every: int = 500,
    save_every: int | None = None,
    on_damage: Literal["stop", "skip"] = "stop",
    seed: int | None = None,
    lora: LoraFlags = LoraFlags(),
    augmentation: AugmentationFlags = AugmentationFlags(),
    sampling: SamplingFlags = SamplingFlags(),
    runtime: Runtime = Runtime(),
) -> int:
    """Train an animator.

    Args:
        data: Dataset of pairs or clips: a folder, glob, table of locations or URL.
        recipe: Recipe name, see `actorforge ls recipes`.
        steps: Training steps in all; more steps continue the same checkpoint.
        out: Checkpoint folder.
        init: Checkpoint to start from: a folder, or the name of a shipped one.
        weights: Local diffusers folder of the base weights; default: those of --init.
        estimator: Pose estimator of a skeleton recipe: rtmlib:DIR, mediapipe, tracks:DIR, tiny or an estimator folder.
        box: clip brings drawn skeletons to one place and size by the box around the whole clip, off leaves them; default: the recipe's.
        guide: Writes the prompts of examples that have none: template, mllm:URL#MODEL or none; default: the recipe's.
        size: Size of the training clips WxH, px; default: the recipe's, or the dataset's where that is smaller.
        fps: Their frame rate; default: the dataset's, else the recipe's.
        num_frames: Their length in frames; default: the recipe's, or the dataset's where that is less.
        driver_weight: Weight of the loss on the driver's half of the canvas, 1 on the left one; default: the recipe's, 0.
        validate: Suite whose first cases are painted and scored while training.
        validate_every: Steps between validations.
        save_every: Steps between checkpoints; default: the recipe's, 200.
        on_damage: stop ends the run at a damaged sample: mend the dataset, the same command goes on; skip leaves it out and names it.
        seed: Seed of the run; default: the recipe's.
        lora: Rank and layers of the LoRA.
        augmentation: Shares of samples that are changed.
        sampling: How the checkpoint paints.
        runtime: Device, number format, offload, attention, compilation, cache.
    """
    from pipelines.train import train as job
    from pipelines.train_flags import TrainFlags
    from pipelines.validation import Validation

    if steps < 1:
        raise ValueError(f"--steps: got {steps}, expected a whole number >= 1")
    flags = TrainFlags(
        init=init,
        weights=weights,
        estimator=estimator,
        box=box,
        guide=guide,
        size=parse_size(size) if size else None,
        fps=fps,
        num_frames=num_frames,
        driver_weight=driver_weight,
        seed=seed,
        save_every=save_every,
        on_damage=None if on_damage == "stop" else on_damage,
        lora=lora,
        augmentation=augmentation,
        sampling=sampling,
        runtime=runtime,
        validation=None if validate is None else Validation(suite=validate, every=validate_every),
    )
    print(job(data, recipe=recipe, steps=steps, out=out, flags=flags))
    return 0
