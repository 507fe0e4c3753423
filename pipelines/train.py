"""`train`: joins data (a dataset or a folder of clips) to the training loop; knows no Ray and no backbone family.

    recipe + flags ──▶ TrainConfig        data ──▶ Sequence[TrainingExample]        weights, init ──▶ Backbone
    fit ──▶ checkpoint folder; every now and then a validation run, scored by the referee's weight-free metrics

The factory and the training loop never import each other; this file is where they meet.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Mapping, Sequence

from models.animators.checkpoint import ESTIMATOR, checked_weights, load_backbone, read_card, way_to
from models.animators.load import checkpoint_folder
from models.artifacts import sha256, sha256_file
from models.runtime import Runtime
from models.training.config import TrainConfig
from models.types import Grid, TrainingExample, require
from pipelines.recipes import CHUNK_SPARE, RECIPES, EstimatorConfig
from pipelines.validation import Validation, Watcher


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainFlags:
    """What the command line may say beside data, recipe, steps and output. `size`: (W,H) px; `init`: checkpoint folder or shipped name.

    `estimator`: a pose estimator's name or folder. None leaves the recipe's.
    """

    init: str | None = None
    weights: Path | None = None
    estimator: str | None = None
    guide: str | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None
    num_frames: int | None = None
    seed: int | None = None
    save_every: int | None = None
    runtime: Runtime = Runtime()
    validation: Validation | None = None


def train(data: Path, *, recipe: str, steps: int, out: Path, flags: TrainFlags = TrainFlags()) -> str:
    """Train `steps` steps in all; the same command again continues, a finished one is a no-op. Returns the line to print.

    `data`: a dataset (driver, reference and target of its pairs) or a folder of clips (driver = target).
    """
    base = RECIPES.load(recipe)()
    require(data.exists(), "train", "--data", str(data), "a dataset folder or a folder of clips")
    _set_threads()
    _check_out(out)
    _check_flags(base, flags)
    if isinstance(base, EstimatorConfig):
        return _train_estimator(data, base, steps, out)
    init = None if flags.init is None else checkpoint_folder(flags.init)
    config = resolve(base, data, out, init, flags)
    return _fit(data, config, steps, out, init, flags)


def _check_flags(base: TrainConfig | EstimatorConfig, flags: TrainFlags) -> None:
    """Refuse flags that would do nothing, or break a run after its start."""
    runtime = flags.runtime
    advice = "it is for inference: what trains stays on the device and is computed anew"
    require(runtime.offload == "none", "train", "--runtime.offload", runtime.offload, "none", advice)
    require(runtime.block_cache == 0, "train", "--runtime.block-cache", runtime.block_cache, "0", advice)
    if isinstance(base, EstimatorConfig):
        idle = [name for name, value in asdict(flags).items() if name != "runtime" and value is not None]
        require(not idle, f"recipe {base.recipe}", "flags", ", ".join(idle), "none but --data, --steps and --out")
        return
    skeleton = base.motion["kind"] == "skeleton"
    require(skeleton or flags.estimator is None, f"recipe {base.recipe}", "--estimator", flags.estimator, "none: it draws no skeleton")


def resolve(base: TrainConfig, data: Path, out: Path, init: Path | None, flags: TrainFlags) -> TrainConfig:
    """The recipe with what flags, the data's own grid and the checkpoint it starts from say instead."""
    config = replace(base, backbone=_backbone_fields(base, out, init, flags), **_timed(base, _grid(base.grid, data, flags)))
    if config.motion["kind"] == "skeleton":
        config = replace(config, motion=_skeleton_fields(config, out, init, flags))
    named = {"seed": flags.seed, "save_every": flags.save_every, "guide": flags.guide}
    return replace(config, **{name: value for name, value in named.items() if value is not None})


def _grid(grid: Grid, data: Path, flags: TrainFlags) -> Grid:
    fps = flags.fps
    if fps is None and is_dataset(data):
        fps = _dataset_grid(data).get("fps", grid.fps)
    width, height = flags.size or grid.size
    frames = flags.num_frames if flags.num_frames is not None else grid.num_frames
    return Grid(width=width, height=height, fps=float(fps if fps is not None else grid.fps), num_frames=frames)


def _timed(base: TrainConfig, grid: Grid) -> dict[str, Any]:
    """The grid, with a gap and a tail of as many seconds as the recipe's; a tail takes half of a window at most."""
    faster = grid.fps / base.grid.fps
    gap = max(1, round(base.gap_frames * faster)) if base.gap_frames > 1 else base.gap_frames
    tail = min(round(base.sampling.tail_frames * faster), (grid.num_frames - 1) // 2) // 4 * 4
    sampling = replace(base.sampling, tail_frames=tail)
    return {"grid": grid, "gap_frames": gap, "sampling": sampling, "tail_share": base.tail_share if tail else 0.0}


def _dataset_grid(data: Path) -> Mapping[str, Any]:
    from bootstrap.shards.reader import run_record

    return run_record(data).get("config", {}).get("grid", {})


def _backbone_fields(base: TrainConfig, out: Path, init: Path | None, flags: TrainFlags) -> dict[str, Any]:
    """The card's fields of the backbone: the recipe's, or those of the checkpoint to start from, with the way to base weights."""
    fields = dict(base.backbone)
    if init is not None:
        card = read_card(init)
        advice = "start from a checkpoint of the same family"
        got = card["backbone"].get("family") if card["class"] == "InContextAnimator" else card["class"]
        require(got == fields["family"], "train", "--init family", got, fields["family"], advice)
        fields = dict(card["backbone"])
    from models.animators.checkpoint import find_weights

    place = flags.weights or (find_weights(fields["weights"], init) if fields.get("weights") else None)
    if place is not None:
        from models.backbones.diffusers_folder import fingerprint

        advice = "give the folder that holds transformer/, vae/ and model_index.json"
        require((place / "model_index.json").is_file(), "train", "--weights", str(place), "a local diffusers folder", advice)
        mark, before = fingerprint(place), fields.get("weights", {}).get("fingerprint")
        same = "these are other weights than --init was trained on"
        require(before in (None, mark), "train", "--weights fingerprint", mark[:12], str(before)[:12], same)
        fields["weights"] = {"name": place.resolve().name, "fingerprint": mark, "path": way_to(place, out)}
    return fields


def _skeleton_fields(config: TrainConfig, out: Path, init: Path | None, flags: TrainFlags) -> dict[str, Any]:
    fields = dict(config.motion)
    inherited = read_card(init)["motion"] if init is not None else {}
    if flags.estimator is None and isinstance(inherited, dict) and inherited.get("kind") == "skeleton":
        inside = (init / ESTIMATOR).resolve()
        kind, colon, place = inherited["estimator"].partition(":")
        kept = f"{kind}:{(init / place).resolve()}" if colon else inherited["estimator"]
        fields["estimator"] = str(inside) if inherited["estimator"] == ESTIMATOR else kept
    elif flags.estimator is not None:
        fields["estimator"] = flags.estimator
    advice = "rtmlib:DIR, mediapipe, tracks:DIR, tiny or an estimator folder"
    require(bool(fields["estimator"]), f"recipe {config.recipe}", "--estimator", "none", "a pose estimator", advice)
    kind, colon, place = fields["estimator"].partition(":")
    if colon and Path(place).expanduser().exists():  # named by the way from the checkpoint, as base weights are
        fields["estimator"] = f"{kind}:{way_to(Path(place).expanduser(), out)}"
    return fields


def _fit(data: Path, config: TrainConfig, steps: int, out: Path, init: Path | None, flags: TrainFlags) -> str:
    from models.animators.motion import build_motion
    from models.training.batches import Batches
    from models.training.loop import fit, initialised
    from models.training.pose_cache import PoseCache

    parents: dict[str, str] = {}
    if init is not None:
        parents["init"] = read_card(init)["sha256"]
    if config.motion["kind"] == "skeleton":
        config = replace(config, motion=_keep_estimator(config.motion, out))
        motion = build_motion(config.motion, out)
        parents["pose_estimator"] = motion.weights_hash
    else:
        motion = build_motion(config.motion)
    filters, lineage = _origin(data)
    if "teacher" in lineage:
        parents["teacher"] = lineage["teacher"]
    examples = _examples(data, config)
    inherited = read_card(init).get("filter_metrics", ()) if init is not None else ()
    card = {
        "name": out.resolve().name,
        "parents": parents,
        "data": {"examples": len(examples), "ids": _digest(examples), **lineage},
        "filter_metrics": sorted({*filters, *inherited}),
    }
    poses = PoseCache(folder=out / "poses") if config.motion["kind"] == "skeleton" else None
    backbone = initialised(config, lambda: load_backbone(config.backbone, out, flags.runtime))
    weights = checked_weights(init, read_card(init))[0] if init is not None else None
    batches = Batches(examples=examples, config=config, motion=motion, poses=poses)
    with Watcher(out, batches, steps, flags.validation, flags.runtime) as watch:
        done = fit(backbone, batches, steps=steps, out=out, init=weights, card=card, watch=watch)
    for name, reason in sorted(done.skipped.items()):
        print(f"train: left out {name}: {reason}")
    return f"{out}: {done.steps} steps, loss {done.loss:.4f} over the last tenth"


def _keep_estimator(motion: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Copy an estimator folder of ours into the checkpoint, or check that it is the one already there; others stay where they are."""
    from models.animators.load import SHIPPED

    name = motion["estimator"]
    source = SHIPPED / "tiny_pose_estimator" if name == "tiny" else (out / name[5:]).resolve() if name.startswith("tiny:") else Path(name)
    if not (source / "estimator.json").is_file():
        return dict(motion)
    kept, digest = out / ESTIMATOR, sha256_file(source / "model.safetensors")
    if (kept / "estimator.json").is_file():
        before = sha256_file(kept / "model.safetensors")
        require(digest == before, str(out), "pose estimator", digest[:12], f"{before[:12]} as in the started run", "use another --out")
    else:
        shutil.copytree(source, kept, dirs_exist_ok=True)
    return {**motion, "estimator": ESTIMATOR}


def is_dataset(folder: Path) -> bool:
    return (folder / "manifest.parquet").is_file() or any(folder.glob("shard-*.tar"))


def _origin(data: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """The metrics that filtered the examples, and what made them: a dataset's run.json knows both."""
    if not is_dataset(data):
        return (), {"kind": "clips"}
    from bootstrap.shards.reader import run_record

    run = run_record(data)
    return tuple(run["filter_metrics"]), {"kind": "pairs", "teacher": run["teacher"]["weights_hash"] or run["teacher"]["name"]}


def _examples(data: Path, config: TrainConfig) -> Sequence[TrainingExample]:
    """The data as a sequence that reads one example at a time, prompts written where the recipe asks for them."""
    examples = _read(data, config)
    if config.guide == "none":
        return examples
    from bootstrap.prompted import prompted
    from models.guidance.catalog import load_guide

    return prompted(examples, load_guide(config.guide), data)


def _read(data: Path, config: TrainConfig) -> Sequence[TrainingExample]:
    if is_dataset(data):
        from bootstrap.shards.examples import ShardExamples

        return ShardExamples(data)
    from bootstrap.clip_examples import ClipExamples, SkippedClips

    skipped = SkippedClips()
    chunk = round(CHUNK_SPARE * config.grid.num_frames) if config.other_moment_share else config.grid.num_frames
    examples = ClipExamples(data, config.grid, chunk, skipped)
    for name, reason in sorted(skipped.reasons.items()):
        print(f"train: left out {name}: {reason}")
    return examples


def _digest(examples: Sequence[TrainingExample]) -> str:
    ids = getattr(examples, "ids", range(len(examples)))
    return sha256("\n".join(map(str, ids)).encode())[:16]


def _train_estimator(data: Path, config: EstimatorConfig, steps: int, out: Path) -> str:
    from bootstrap.clip_examples import annotated_frames
    from models.training.pose_estimator import fit_estimator

    frames = annotated_frames(data, config.grid)
    fit_estimator(frames, steps=steps, out=out, seed=config.seed, batch_size=config.batch_size, lr=config.lr, width=config.width)
    return f"{out}: pose estimator, {steps} steps on {len(frames.frames)} frames"


_OURS = {"animator.json", "model.safetensors", "optimizer.safetensors", "loss.csv", "estimator.json", ESTIMATOR, "poses", "tensorboard"}


def _check_out(out: Path) -> None:
    """Refuse a folder that holds anything but a checkpoint."""
    if not out.exists():
        return
    require(out.is_dir(), "train", "--out", str(out), "a folder, new or of the same run")
    others = sorted(e.name for e in out.iterdir() if e.name not in _OURS | {"validation", "README.md"} and not e.name.startswith("."))
    require(not others, "train", "--out", f"{out} with {', '.join(others[:4])}", "a new folder, or the one of the same run")


def _set_threads() -> None:
    """OMP_NUM_THREADS threads, one where it is not set: more than the machine's free cores costs 10 to 100 times the time."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
