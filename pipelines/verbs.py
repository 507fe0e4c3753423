"""One function per verb of the command line: its arguments are the flags, its result the exit status.

Each imports what it needs when it runs; the work itself is in the module of the same name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from bootstrap.thresholds import Thresholds
from models.runtime import Runtime


def parse_size(text: str) -> tuple[int, int]:
    """`WxH` in px -> (W, H)."""
    match = re.fullmatch(r"([0-9]{1,5})[xX×]([0-9]{1,5})", text)
    if not match or 0 in (int(match[1]), int(match[2])):
        raise ValueError(f"--size: got {text!r}, expected WxH in px, such as 64x48")
    return int(match[1]), int(match[2])


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _from_zero(flag: str, value: int | None) -> None:
    if value is not None and value < 0:
        raise ValueError(f"{flag}: got {value}, expected a whole number >= 0")


def demo(out: Path = Path("demo")) -> int:
    """The main job on the embedded default.

    Args:
        out: Folder for everything the demo makes.
    """
    from pipelines.demo import demo as run_demo

    print(run_demo(out))
    return 0


def world(
    out: Path, clips: int, size: int = 64, split: Literal["train", "heldout"] = "train", subjects: str | None = None, seed: int = 0
) -> int:
    """Render a folder of clips.

    Args:
        out: Folder to write.
        clips: How many clips.
        size: Side of the square picture, px.
        split: Splits share no identity, texture, background or motion.
        subjects: Comma-separated kinds of subject; default: all of the split.
        seed: Seed of the folder.
    """
    from awbench.world.export import write_clip_folder
    from awbench.world.shot import NOVEL_SUBJECTS, SUBJECTS

    _from_zero("--seed", seed)
    chosen = _names(subjects) or tuple(name for name in SUBJECTS if name not in NOVEL_SUBJECTS)
    write_clip_folder(out, split=split, subjects=chosen, clips=clips, size=size, seed=seed)
    print(f"{clips} clips in {out}")
    return 0


def synthesize(
    driving: Path,
    references: Path,
    teacher: str,
    out: Path,
    size: str | None = None,
    fps: float | None = None,
    num_frames: int | None = None,
    workers: int = 0,
    limit: int | None = None,
    seed: int = 0,
    guide: str = "template",
    thresholds: Thresholds = Thresholds(),
    runtime: Runtime = Runtime(),
) -> int:
    """Make a dataset of pairs.

    Args:
        driving: Folder of clips: their motion goes to the identities, they are the targets.
        references: Folder of identity images (of a clip, its first frame).
        teacher: Animator name or checkpoint folder.
        out: Dataset folder; the same command continues it.
        size: Grid size WxH, px; default: the teacher's own.
        fps: Grid frame rate; default: the teacher's own.
        num_frames: Grid length in frames; default: the teacher's own.
        workers: Ray worker processes; 0 runs in this process.
        limit: At most so many attempted pairs; raising it extends the dataset.
        seed: Seed of the round.
        guide: Writes the prompts: template, mllm:BASE_URL#MODEL or none, see `actorforge ls guides`.
        thresholds: What a pair must reach to be kept; 0 turns a check off.
        runtime: Device, number format, offload, attention, compilation, cache.
    """
    from pipelines import synthesize as job

    _from_zero("--workers", workers)
    grid = job.GridFlags(size=parse_size(size) if size else None, fps=fps, num_frames=num_frames)
    outcome = job.run(
        driving=driving,
        references=references,
        teacher=teacher,
        out=out,
        grid=grid,
        workers=workers,
        limit=limit,
        seed=seed,
        guide=guide,
        thresholds=thresholds,
        runtime=runtime,
    )
    print(job.summary(outcome, out))
    return 0 if outcome.kept else 1


def train(
    data: Path,
    recipe: str,
    steps: int,
    out: Path,
    init: str | None = None,
    weights: Path | None = None,
    estimator: str | None = None,
    guide: str | None = None,
    size: str | None = None,
    fps: float | None = None,
    num_frames: int | None = None,
    validate: str | None = None,
    validate_every: int = 500,
    seed: int | None = None,
    runtime: Runtime = Runtime(),
) -> int:
    """Train an animator.

    Args:
        data: Dataset of pairs or folder of clips.
        recipe: Recipe name, see `actorforge ls recipes`.
        steps: Training steps in all; more steps continue the same checkpoint.
        out: Checkpoint folder.
        init: Checkpoint to start from: a folder, or the name of a shipped one.
        weights: Local diffusers folder of the base weights; default: those of --init.
        estimator: Pose estimator of a skeleton recipe: rtmlib:DIR, mediapipe, tracks:DIR, tiny or an estimator folder.
        guide: Writes the prompts of examples that have none: template, mllm:URL#MODEL or none; default: the recipe's.
        size: Size of the training clips WxH, px; default: the recipe's.
        fps: Their frame rate; default: the dataset's, else the recipe's.
        num_frames: Their length in frames; default: the recipe's.
        validate: Suite whose first cases are painted and scored while training.
        validate_every: Steps between validations.
        seed: Seed of the run; default: the recipe's.
        runtime: Device, number format, offload, attention, compilation, cache.
    """
    from pipelines.train import TrainFlags
    from pipelines.train import train as job
    from pipelines.validation import Validation

    if steps < 1:
        raise ValueError(f"--steps: got {steps}, expected a whole number >= 1")
    flags = TrainFlags(
        init=init,
        weights=weights,
        estimator=estimator,
        guide=guide,
        size=parse_size(size) if size else None,
        fps=fps,
        num_frames=num_frames,
        seed=seed,
        runtime=runtime,
        validation=None if validate is None else Validation(suite=validate, every=validate_every),
    )
    print(job(data, recipe=recipe, steps=steps, out=out, flags=flags))
    return 0


def generate(
    animator: str, suite: str, out: Path, workers: int = 0, seed: int = 0, guide: str = "own", runtime: Runtime = Runtime()
) -> int:
    """Run an animator over a suite.

    Args:
        animator: Animator name, `recorded:DIR` or checkpoint folder, see `actorforge ls animators`.
        suite: Suite name or folder with suite.yaml.
        out: Run folder; the same command continues it.
        workers: Ray worker processes; 0 runs in this process.
        seed: Seed of the run.
        guide: Writes the prompt of a case without one: template, mllm:BASE_URL#MODEL, none, or own: what the checkpoint was trained with.
        runtime: Device, number format, offload, attention, compilation, cache.
    """
    from pipelines import generate as job

    _from_zero("--workers", workers)
    counts = job.counts(job.generate(animator, suite, out, workers=workers, seed=seed, guide=guide, runtime=runtime))
    print(f"{counts['ok']} generated, {counts['failed']} failed in {out}")
    return 0 if counts["ok"] else 1


def score(runs: tuple[Path, ...], /, metrics: str | None = None, workers: int = 0) -> int:
    """Score runs.

    Args:
        runs: Run folders.
        metrics: Comma-separated metric names; default: all that need nothing extra.
        workers: Ray worker processes; 0 runs in this process.
    """
    from pipelines.score import score as job

    _from_zero("--workers", workers)
    if not runs:
        raise ValueError("RUN: got none, expected one or more run folders")
    scored = 0
    for run in job(runs, _names(metrics), workers=workers):
        counts = run.scores()["status"].value_counts().to_dict()
        scored += counts.get("ok", 0)
        print(f"{run.system}: {', '.join(f'{count} {status}' for status, count in sorted(counts.items()))} in {run.path}")
    return 0 if scored else 1


def report(
    paths: tuple[Path, ...],
    /,
    out: Path,
    format: Literal["html", "csv", "json", "latex", "markdown"] = "html",
    baseline: str | None = None,
) -> int:
    """Report on scored runs of one suite, or on one dataset.

    Args:
        paths: Run folders, or one dataset folder.
        out: File to write.
        format: Format of that file.
        baseline: System to take paired differences from.
    """
    from awbench.report.write import write_report

    if not paths:
        raise ValueError("RUN: got none, expected run folders or one dataset folder")
    print(write_report(paths, out, format=format, baseline=baseline))
    return 0


def ls(what: Literal["animators", "suites", "metrics", "recipes", "backbones", "estimators", "guides"], /) -> int:
    """List one table: the name first in each row.

    Args:
        what: Which table.
    """
    from awbench.catalog import ANIMATORS, METRICS, SUITES
    from models.backbones.families import FAMILIES
    from models.guidance.catalog import GUIDES
    from models.pose.catalog import POSE_ESTIMATORS

    tables = {"animators": ANIMATORS, "suites": SUITES, "metrics": METRICS}
    tables |= {"backbones": FAMILIES, "estimators": POSE_ESTIMATORS, "guides": GUIDES}
    if what == "recipes":
        from pipelines.recipes import RECIPES

        tables["recipes"] = RECIPES
    table = tables[what]
    entries = table.table()
    width = max(map(len, entries), default=0)
    for name, entry in entries.items():
        print(f"{name:<{width}}  {entry.summary}")
    return 0


def validate(path: str, /) -> int:
    """Check what is at a path.

    Args:
        path: Suite name or folder, dataset, run, checkpoint, or folder of clips and images.
    """
    from pipelines.validate import validate as job

    kind, problems = job(path)
    for problem in problems:
        print(problem)
    print(f"{path}: {kind}, " + (f"{len(problems)} problem(s)" if problems else "no problems"))
    return 1 if problems else 0


def export(checkpoint: str, /, out: Path, format: Literal["diffusers", "comfyui", "both"] = "both", license: str | None = None) -> int:
    """Export a checkpoint for other programs.

    Args:
        checkpoint: Checkpoint folder, or the name of a shipped one.
        out: Folder to write; the same command again leaves it as it is.
        format: diffusers, comfyui, or both: every format the checkpoint's family has.
        license: Hugging Face's identifier of your licence, for the model card, such as apache-2.0.
    """
    from pipelines.export import export as job

    print(job(checkpoint, out=out, format=format, license_id=license))
    return 0
