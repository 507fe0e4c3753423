"""`train`: joins data (a dataset, a folder of clips, an exported cache) to the training loop; knows no Ray.

The factory and the training loop never import each other; this file is where they meet.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Iterable

from models.animators.checkpoint import ESTIMATOR, build_backbone_config, load_weights, read_card
from models.animators.tiny import WEIGHTS_ROOT
from models.artifacts import sha256_file
from models.training.cache import FrameCache
from models.training.config import TrainConfig
from models.types import TrainingExample, require
from pipelines.recipes import CHUNK_FRAMES, RECIPES, EstimatorConfig


def train(
    data: Path,
    *,
    recipe: str,
    steps: int,
    out: Path | None,
    init: Path | None = None,
    export_cache: Path | None = None,
    estimator: Path | None = None,
    compiled: bool = False,
) -> str:
    """Train `steps` steps in all; the same command again continues, a finished one is a no-op. Returns the line to print.

    `data`: a dataset (driver, reference and target of its pairs), a folder of clips (driver = target) or a cache written
    by `export_cache`, which is written instead of training. `init`: a checkpoint folder to start from; its backbone takes the
    place of the recipe's. `estimator`: the pose estimator of a skeleton recipe; default is the one of `init`, else the
    shipped one. `compiled`: through torch.compile, which needs a C++ compiler.
    """
    config = RECIPES.load(recipe)()
    require(data.exists(), "train", "--data", str(data), "a dataset folder, a clip folder or an exported cache (.safetensors)")
    if isinstance(config, EstimatorConfig):
        return _train_estimator(data, config, steps, out)
    _set_threads()
    if init is not None:
        config = replace(config, backbone=build_backbone_config(read_card(init)["backbone"]))
    source = _estimator_folder(init, estimator) if config.motion == "skeleton" else None
    cache = _cache(data, config, source)
    if export_cache is not None:
        cache.save(export_cache)
        return f"{len(cache)} examples -> {export_cache}"
    return _fit(cache, config, steps, out, init, source, compiled)


def _fit(cache: FrameCache, config: TrainConfig, steps: int, out: Path, init: Path | None, source: Path | None, compiled: bool) -> str:
    from models.training.loop import fit

    parents = {}
    if init is not None:
        parents["init"] = read_card(init)["sha256"]
    if source is not None:
        parents["pose_estimator"] = _keep_estimator(source, out / ESTIMATOR)
    if "teacher" in cache.lineage:
        parents["teacher"] = cache.lineage["teacher"]
    inherited = read_card(init).get("filter_metrics", ()) if init is not None else ()
    filters = sorted({*cache.filter_metrics, *inherited})
    card = {"name": config.recipe, "parents": parents, "data": _digest(cache), "filter_metrics": filters}
    weights = load_weights(init) if init else None
    done = fit(cache, config, steps=steps, out=out, init=weights, card=card, device=_device(), compiled=compiled)
    return f"{out}: {done.steps} steps, loss {done.loss:.4f} over the last tenth"


def _keep_estimator(source: Path, kept: Path) -> str:
    """Copy the estimator into the checkpoint, or check that it is the one already there; its hash."""
    digest = sha256_file(source / "model.safetensors")
    if (kept / "estimator.json").is_file():
        before = sha256_file(kept / "model.safetensors")
        require(
            digest == before, str(kept.parent), "pose estimator", digest[:12], f"{before[:12]} as in the started run", "use another --out"
        )
    else:
        shutil.copytree(source, kept, dirs_exist_ok=True)
    return digest


def _cache(data: Path, config: TrainConfig, estimator_folder: Path | None) -> FrameCache:
    if data.is_file():
        return FrameCache.load(data)
    estimator = None
    if estimator_folder is not None:
        from models.pose.heatmap import load_estimator

        estimator = load_estimator(estimator_folder)
    filters, lineage = _origin(data)
    return FrameCache.build(_examples(data, config), config, estimator, filters, lineage)


def is_dataset(folder: Path) -> bool:
    return (folder / "manifest.parquet").is_file() or any(folder.glob("shard-*.tar"))


def _origin(data: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """The metrics that filtered the examples, and what made them: a dataset's run.json knows both."""
    if not is_dataset(data):
        return (), {"kind": "clips"}
    from bootstrap.shards.reader import run_record

    run = run_record(data)
    return tuple(run["filter_metrics"]), {"kind": "pairs", "teacher": run["teacher"]["weights_hash"] or run["teacher"]["name"]}


def _examples(data: Path, config: TrainConfig) -> Iterable[TrainingExample]:
    if is_dataset(data):
        from bootstrap.shards.reader import read_examples

        yield from read_examples(data)
        return
    from bootstrap.clip_examples import SkippedClips, clip_examples

    skipped = SkippedClips()
    yield from clip_examples(data, config.grid, CHUNK_FRAMES, skipped)
    for name, reason in sorted(skipped.reasons.items()):
        print(f"train: left out {name}: {reason}")


def _train_estimator(data: Path, config: EstimatorConfig, steps: int, out: Path) -> str:
    from bootstrap.clip_examples import annotated_frames
    from models.training.pose_estimator import fit_estimator

    _set_threads()
    frames = annotated_frames(data, config.grid)
    fit_estimator(frames, steps=steps, out=out, seed=config.seed, batch_size=config.batch_size, lr=config.lr, width=config.width)
    return f"{out}: pose estimator, {steps} steps on {len(frames.frames)} frames"


def _estimator_folder(init: Path | None, estimator: Path | None) -> Path:
    inside = init / ESTIMATOR if init is not None else None
    shipped = WEIGHTS_ROOT / "tiny_pose_estimator"
    folder = estimator or (inside if inside is not None and inside.is_dir() else shipped)
    require(
        (folder / "estimator.json").is_file(),
        "train",
        "--estimator",
        str(folder),
        "an estimator folder",
        "train one: --recipe tiny_pose_estimator",
    )
    return folder


def _digest(cache: FrameCache) -> dict[str, object]:
    from models.artifacts import sha256

    return {"examples": len(cache), "ids": sha256("\n".join(cache.ids).encode())[:16], **cache.lineage}


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _set_threads() -> None:
    """OMP_NUM_THREADS threads, one where it is not set: more than the machine's free cores costs 10 to 100 times the time."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
