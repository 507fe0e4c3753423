"""One function per verb of the command line: its arguments are the flags, its result the exit status.

Each imports what it needs when it runs; the work itself is in the module of the same name.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bootstrap.thresholds import Thresholds
from models.runtime import Runtime
from pipelines.train_flags import AugmentationFlags, LoraFlags, SamplingFlags

if TYPE_CHECKING:
    from pipelines.judge import JudgeFlags


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
    box: Literal["clip", "off"] | None = None,
    guide: str | None = None,
    size: str | None = None,
    fps: float | None = None,
    num_frames: int | None = None,
    driver_weight: float | None = None,
    validate: str | None = None,
    validate_every: int = 500,
    save_every: int | None = None,
    seed: int | None = None,
    lora: LoraFlags = LoraFlags(),
    augmentation: AugmentationFlags = AugmentationFlags(),
    sampling: SamplingFlags = SamplingFlags(),
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
        box: clip brings drawn skeletons to one place and size by the box around the whole clip, off leaves them; default: the recipe's.
        guide: Writes the prompts of examples that have none: template, mllm:URL#MODEL or none; default: the recipe's.
        size: Size of the training clips WxH, px; default: the recipe's, or the dataset's where that is smaller.
        fps: Their frame rate; default: the dataset's, else the recipe's.
        num_frames: Their length in frames; default: the recipe's, or the dataset's where that is less.
        driver_weight: Weight of the loss on the driver's half of the canvas, 1 on the left one; default: the recipe's, 0.
        validate: Suite whose first cases are painted and scored while training.
        validate_every: Steps between validations.
        save_every: Steps between checkpoints; default: the recipe's, 200.
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
        lora=lora,
        augmentation=augmentation,
        sampling=sampling,
        runtime=runtime,
        validation=None if validate is None else Validation(suite=validate, every=validate_every),
    )
    print(job(data, recipe=recipe, steps=steps, out=out, flags=flags))
    return 0


def suite(
    what: Literal["make"],
    /,
    driving: Path,
    out: Path,
    references: Path | None = None,
    pairs: int | None = None,
    pairing: Path | None = None,
    by_tag: tuple[str, ...] = (),
    track: Literal["self", "cross"] = "cross",
    size: str | None = None,
    fps: float | None = None,
    num_frames: int | None = None,
    fit: Literal["crop", "pad"] | None = None,
    seed: int = 0,
    name: str | None = None,
) -> int:
    """Make a suite from folders of media, or let it grow.

    Args:
        what: make.
        driving: Folder of driving clips; clips.csv in it labels them, NAME.txt beside NAME.mp4 is its prompt.
        out: Suite folder; with more media or more pairs it grows, and its old cases stay as they are.
        references: Folder of reference images; not with --track self.
        pairs: Cases in all, evenly over clips and images; default: every clip with every image.
        pairing: csv table of pairs: driver, reference, then optional id, prompt, mode, reference_pose; further columns are tags.
        by_tag: Pair only where labels agree (framing) or are so (framing=half:full, driver first).
        track: self pairs every clip with its own first frame, and the clip is the truth.
        size: Size of the suite's grid WxH, px; a suite that grows keeps its own.
        fps: Its frame rate.
        num_frames: Its length in frames.
        fit: Media and answers of another shape are cropped or, pad, shown whole between grey bars; default: crop.
        seed: Seed of the pairing.
        name: Name of the suite; default: that of the folder.
    """
    from awbench.suites.folder import notes_of_suite
    from awbench.suites.from_media import write_suite_from_media
    from models.types import Grid

    _from_zero("--seed", seed)
    grid = None
    if size or fps or num_frames:
        if not (size and fps and num_frames):
            raise ValueError(
                f"grid: got --size {size}, --fps {fps}, --num-frames {num_frames}, expected all three, or none to let one grow"
            )
        width, height = parse_size(size)
        grid = Grid(width=width, height=height, fps=fps, num_frames=num_frames)
    wishes = {"pairs": pairs, "pairing": pairing, "by_tag": by_tag, "track": track, "fit": fit or "", "seed": seed}
    begun = (out / "suite.yaml").is_file()
    made = write_suite_from_media(driving, references, out, grid, name=name or ("" if begun else _suite_name(out)), **wishes)
    for line in made.skipped:
        print(f"skipped: {line}")
    for line in (*made.notes, *notes_of_suite(out)):
        print(f"note: {line}")
    print(f"{made.added} case(s) added, {made.cases} in {out}, {len(made.skipped)} skipped")
    return 0


def _suite_name(folder: Path) -> str:
    """A folder's name as a suite may be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._")[:64]


def generate(
    animator: str,
    suite: str,
    out: Path,
    workers: int = 0,
    seed: int = 0,
    guide: str = "own",
    limit: int | None = None,
    retry_failed: bool = False,
    offset: float | None = None,
    runtime: Runtime = Runtime(),
) -> int:
    """Run an animator over a suite.

    Args:
        animator: Animator name, `recorded:DIR` or checkpoint folder, see `actorforge ls animators`.
        suite: Suite name or folder with suite.yaml.
        out: Run folder; the same command continues it, and tries anew what a guide's endpoint that did not serve has cost.
        workers: Ray worker processes; 0 runs in this process.
        seed: Seed of the run.
        guide: Writes the prompt of a case without one: template, mllm:BASE_URL#MODEL, none, or own: what the checkpoint was trained with.
        limit: The suite's first cases only; a larger limit, or none, continues the run.
        retry_failed: Try failed cases anew.
        offset: Seconds of the driver that the answers do not show at their beginning, where that is known; else a lag is looked for.
        runtime: Device, number format, offload, attention, compilation, cache.
    """
    from pipelines import generate as job

    _from_zero("--workers", workers)
    asked = {"guide": guide, "limit": limit, "retry_failed": retry_failed, "offset_s": offset, "runtime": runtime}
    run = job.generate(animator, suite, out, workers=workers, seed=seed, **asked)
    counts, cases = job.counts(run), run.config["suite"]
    part = "" if cases["cases"] == cases["of_cases"] else f", {cases['cases']} of the suite's {cases['of_cases']} cases"
    print(f"{counts['ok']} generated, {counts['failed']} failed in {out}{part}")
    for line in job.failures(run):
        print(f"  {line}")
    return 0 if counts["ok"] else 1


def score(
    runs: tuple[Path, ...],
    /,
    metrics: str | None = None,
    clip: str = "",
    dino: str = "",
    lpips: str = "",
    iqa: str = "",
    estimator: str = "",
    device: str = "cpu",
    workers: int = 0,
) -> int:
    """Score runs.

    Args:
        runs: Run folders.
        metrics: Comma-separated metric names; default: all that need nothing extra, and those of the models given below.
        clip: Local open_clip folder, for clip_appearance, clip_t and clip_iqa.
        dino: Local timm folder, or NAME.safetensors with timm's NAME, for dino_i.
        lpips: Local safetensors of the lpips package's layout, a file or a folder, for lpips.
        iqa: ONNX file of an image quality model, for onnx_iqa.
        estimator: Pose estimator, for pose_agreement and the subject's crop: tiny, rtmlib:DIR or mediapipe.
        device: Where open_clip, timm and LPIPS run: cpu, cuda, cuda:N or auto.
        workers: Ray worker processes; 0 runs in this process.
    """
    from awbench.metrics.learned.models import LearnedModels
    from awbench.score_reasons import reasons
    from pipelines.score import score as job

    _from_zero("--workers", workers)
    if not runs:
        raise ValueError("RUN: got none, expected one or more run folders")
    models, scored = LearnedModels(clip=clip, dino=dino, lpips=lpips, iqa=iqa, estimator=estimator, device=device), 0
    for run in job(runs, _names(metrics), models=models, workers=workers):
        table = run.scores()
        counts = table["status"].value_counts().to_dict()
        scored += counts.get("ok", 0)
        print(f"{run.system}: {', '.join(f'{count} {status}' for status, count in sorted(counts.items()))} in {run.path}")
        for line in reasons(table.to_dict("records")):
            print(f"  {line}")
    return 0 if scored else 1


def judge(
    runs: tuple[str, ...],
    /,
    model: str | None = None,
    base_url: str = "http://localhost:8000/v1",
    dimensions: str | None = None,
    samples: int = 1,
    protocol: Literal["actorforge", "video-bench"] = "actorforge",
    pairwise: Path | None = None,
    temperature: str = "auto",
    max_cost: float | None = None,
    price_in: float = 0.0,
    price_out: float = 0.0,
    dry_run: bool = False,
    recompute: bool = False,
    workers: int = 4,
    timeout_s: float = 120.0,
    out: Path | None = None,
    cases: int = 6,
) -> int:
    """Let a multimodal model judge runs; its key, where one is needed, is in ACTORFORGE_MLLM_KEY.

    Args:
        runs: Run folders; or selftest, and runs to keep its result in.
        model: Name of the model as the endpoint knows it.
        base_url: OpenAI-compatible endpoint, up to /v1.
        dimensions: Comma-separated dimensions; default: all five.
        samples: Answers a case and dimension; the score is their mean.
        protocol: actorforge (one answer a call) or video-bench (its sampling and grouping; scores depend on the other runs).
        pairwise: Baseline run: say which of two answers is better, in both orders, instead of 1-5.
        temperature: A number, server (leave it to the endpoint), or auto: 0, and 0.7 with several samples.
        max_cost: Most USD that these runs' logs may add up to.
        price_in: USD per million input tokens.
        price_out: USD per million output tokens.
        dry_run: Tell calls, tokens and cost; send nothing.
        recompute: Compute the scores anew from the log; send nothing.
        workers: Calls at a time.
        timeout_s: Longest wait for one reply, s.
        out: Folder of the self-test; default: in the cache.
        cases: Cases of the self-test.
    """
    from pipelines import judge as job

    if not runs:
        raise ValueError("RUN: got none, expected run folders, or selftest")
    known = {"model": model, "base_url": base_url, "protocol": protocol, "temperature": temperature, "samples": samples}
    money = {"max_cost": max_cost, "price_in": price_in, "price_out": price_out}
    flags = job.JudgeFlags(**known, **money, workers=workers, timeout_s=timeout_s)
    if runs[0] == job.SELFTEST:
        return _judge_selftest(flags, runs[1:], out, cases, dry_run)
    if recompute:
        lines, good = job.recompute_runs(runs)
    else:
        work = job.work_of(runs, flags, _names(dimensions), pairwise)
        lines, good = (job.dry_run([work], flags), True) if dry_run else job.judge(work, flags)
    print("\n".join(lines))
    return 0 if good else 1


def _judge_selftest(flags: JudgeFlags, runs: tuple[str, ...], out: Path | None, cases: int, dry_run: bool) -> int:
    from pipelines import judge as job

    if cases < 1:
        raise ValueError(f"--cases: got {cases}, expected a whole number >= 1")
    folder = job.selftest_place(out, flags)
    if dry_run:
        from awbench.judging.selftest import selftest_works

        works = selftest_works(folder, flags.judge(), samples=flags.samples, cases=cases)
        print("\n".join(job.dry_run(list(works.values()), flags)))
        return 0
    lines, result = job.selftest(folder, flags, runs, cases=cases)
    print("\n".join(lines))
    return 0 if any(plant.n for plant in result.plants) else 1


def compare(runs: tuple[Path, ...], /, baseline: str | None = None, json: Path | None = None) -> int:
    """Say which of some systems are better, and by how much.

    Args:
        runs: Folders of scored runs of one suite; of two states of it, the cases that are the same count.
        baseline: System to compare the others with; default: every pair.
        json: File to write all findings to.
    """
    from pipelines.compare import compare as job

    job(runs, baseline, json)
    return 0


def report(
    paths: tuple[Path, ...],
    /,
    out: Path,
    format: Literal["html", "csv", "json", "latex", "markdown"] = "html",
    baseline: str | None = None,
    single_file: bool = False,
) -> int:
    """Report on scored runs of one suite, or on one dataset.

    Args:
        paths: Run folders, or one dataset folder.
        out: File to write.
        format: Format of that file.
        baseline: System to take paired differences from.
        single_file: Put all media into the page itself, so that it can be mailed.
    """
    from awbench.report.write import size_warning, write_report

    if not paths:
        raise ValueError("RUN: got none, expected run folders or one dataset folder")
    written = write_report(paths, out, format=format, baseline=baseline, single_file=single_file)
    if single_file and (warning := size_warning(written)):
        print(f"report: {warning}", file=sys.stderr)
    print(written)
    return 0


def metrics(
    what: Literal["selftest", "show"],
    name: str = "",
    /,
    out: Path | None = None,
    scenes: int = 6,
    driving: Path | None = None,
    references: Path | None = None,
    clips: int | None = None,
    size: str = "96x96",
    fps: float = 12.0,
    num_frames: int = 12,
    metrics: str | None = None,
    seed: int = 0,
    workers: int = 0,
) -> int:
    """Show a metric, or test all of them on known answers, damages and tricks.

    Args:
        what: selftest, or show.
        name: Metric to show.
        out: Folder of the self-test; the same command continues it.
        scenes: World scenes to test on; 0 leaves the world out.
        driving: Folder of clips to test on as well, each with its own first frame.
        references: Folder of pictures: every clip is tested with one of them, too.
        clips: At most so many clips of --driving.
        size: Size of the grid WxH, px.
        fps: Its frame rate.
        num_frames: Its length in frames.
        metrics: Comma-separated metric names; default: all that need no weights.
        seed: Seed of scenes and damages.
        workers: Ray worker processes; 0 runs in this process.
    """
    from models.types import Grid
    from pipelines import metrics as job

    if what == "show":
        if not name:
            raise ValueError("NAME: got none, expected the name of a metric; see `actorforge ls metrics`")
        print(job.show(name))
        return 0
    if out is None or name:
        raise ValueError(f"--out: got {'none' if out is None else name}, expected one folder for the self-test")
    for flag, value in (("--workers", workers), ("--seed", seed), ("--scenes", scenes)):
        _from_zero(flag, value)
    width, height = parse_size(size)
    grid = Grid(width=width, height=height, fps=fps, num_frames=num_frames)
    material = job.Material(scenes=scenes, driving=driving, references=references, clips=clips, grid=grid, seed=seed)
    result = job.selftest(out, material, _names(metrics), workers=workers)
    for bar in result.bars:
        print(bar.line)
    print(f"{sum(bar.met for bar in result.bars)} of {len(result.bars)} bars met; selftest.md, heatmap.svg and values in {out}")
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
    from pipelines.validate import notes
    from pipelines.validate import validate as job

    kind, problems = job(path)
    for problem in problems:
        print(problem)
    for note in notes(path) if kind == "suite" and not problems else ():
        print(f"note: {note}")
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
