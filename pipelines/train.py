"""`train`: joins data (a dataset or a folder of clips) to the training loop; knows no Ray and no backbone family.

    recipe + flags ──▶ TrainConfig        data ──▶ Sequence[TrainingExample]        weights, init ──▶ Backbone
    fit ──▶ checkpoint folder; every now and then a validation run, scored by the referee's weight-free metrics

The factory and the training loop never import each other; this file is where they meet.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping

from models.animators.checkpoint import ESTIMATOR, checked_weights, load_backbone, read_card
from models.animators.load import checkpoint_folder
from models.animators.motion import build_motion, motion_class
from models.animators.places import find_place, way_to
from models.artifacts import sha256_file
from models.backbones.backbone import Backbone
from models.shards import is_dataset
from models.storage import resolve as location_of
from models.training.config import TrainConfig
from models.training.lora import LoraSpec
from models.types import Grid, require
from pipelines.recipes import RECIPES, EstimatorConfig
from pipelines.train_data import check_training_data
from pipelines.train_flags import TrainFlags, lora_fields, overridden, said
from pipelines.training_examples import dataset_grid, digest, origin_of, training_examples
from pipelines.validation import Watcher


def train(data: str | Path, *, recipe: str, steps: int, out: Path, flags: TrainFlags = TrainFlags()) -> str:
    """Train `steps` steps in all; the same command again continues, a finished one is a no-op. Returns the line to print.

    `data`: a dataset (driver, reference and target of its pairs) or clips (driver = target: a folder, glob, table or URL).
    """
    base, data = RECIPES.load(recipe)(), str(data)
    check_training_data(data)
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
        idle = [name for name in said(flags) if name != "runtime"]
        require(not idle, f"recipe {base.recipe}", "flags", ", ".join(idle), "none but --data, --steps and --out")


def resolve(base: TrainConfig, data: str, out: Path, init: Path | None, flags: TrainFlags) -> TrainConfig:
    """The recipe with what flags, the data's own grid and the checkpoint it starts from say instead."""
    config = overridden(base, flags)
    config = replace(config, backbone=_backbone_fields(config, out, init, flags), lora=_lora(config, init, flags))
    config = replace(config, **_timed(config, _grid(config.recipe, config.grid, data, flags)))
    if motion_class(config.motion).needs_estimator:
        config = replace(config, motion=_pose_fields(config, out, init, flags))
    return config


def _grid(recipe: str, grid: Grid, data: str, flags: TrainFlags) -> Grid:
    """The recipe's grid under what the flags say; of a dataset its rate, and its size and length where they are less than the recipe's."""
    asked = replace(grid, **{name: value for name, value in said(flags).items() if name in ("fps", "num_frames")})
    if flags.size is not None:
        asked = replace(asked, width=flags.size[0], height=flags.size[1])
    made = dataset_grid(data) if is_dataset(location_of(data)) else {}
    if not made:
        return asked
    own = Grid(**made)
    advice, most = "leave it out, or synthesize such pairs", own.num_frames
    require(flags.fps in (None, own.fps), "train", "--fps", flags.fps, f"{own.fps:g}, the dataset's", advice)
    require((flags.num_frames or 0) <= most, "train", "--num-frames", flags.num_frames, f"<= {most}, the dataset's", advice)
    asked = replace(asked, fps=own.fps)
    if own.num_frames < asked.num_frames:
        _told(recipe, "num_frames", asked.num_frames, own.num_frames, f"synthesize with --num-frames {asked.num_frames} for longer ones")
        asked = replace(asked, num_frames=own.num_frames)
    smaller = own.width < asked.width or own.height < asked.height
    if smaller and flags.size is None:
        text = "x".join(map(str, asked.size))
        _told(recipe, "size", text, f"{own.width}x{own.height}", f"--size {text} enlarges them")
        asked = replace(asked, width=own.width, height=own.height)
    return asked


def _told(recipe: str, field: str, expected: object, got: object, advice: str) -> None:
    print(f"train: {field}: recipe {recipe} is made for {expected}, the dataset's clips have {got}: trains at {got}; {advice}")


def _timed(base: TrainConfig, grid: Grid) -> dict[str, Any]:
    """The grid, with a gap and a tail of as many seconds as the recipe's; a tail takes half of a window at most."""
    faster = grid.fps / base.grid.fps
    gap = max(1, round(base.gap_frames * faster)) if base.gap_frames > 1 else base.gap_frames
    tail = min(round(base.sampling.tail_frames * faster), (grid.num_frames - 1) // 2) // 4 * 4
    sampling = replace(base.sampling, tail_frames=tail)
    return {"grid": grid, "gap_frames": gap, "sampling": sampling, "tail_share": base.tail_share if tail else 0.0}


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


def _lora(config: TrainConfig, init: Path | None, flags: TrainFlags) -> LoraSpec | None:
    """The recipe's and the flags', or that of the checkpoint to start from: as its backbone, it takes the place of the recipe's."""
    adapter = read_card(init).get("adapter") if init is not None else None
    if config.lora is None or not adapter:
        return config.lora
    own = LoraSpec(**adapter)
    for name, value in lora_fields(flags.lora).items():
        expected = f"{getattr(own, name)} as in --init"
        require(value == getattr(own, name), "train", f"--lora.{name}", value, expected, "leave it out: training goes on in that LoRA")
    return own


def _pose_fields(config: TrainConfig, out: Path, init: Path | None, flags: TrainFlags) -> dict[str, Any]:
    fields = dict(config.motion)
    inherited = read_card(init)["motion"] if init is not None else {}
    if flags.estimator is None and inherited and motion_class(inherited, init).needs_estimator:
        inside = (init / ESTIMATOR).resolve()
        kind, colon, place = inherited["estimator"].partition(":")
        known = find_place(place, init)[0] if colon else None
        kept = inherited["estimator"] if known is None else f"{kind}:{known}"
        fields["estimator"] = str(inside) if inherited["estimator"] == ESTIMATOR else kept
    elif flags.estimator is not None:
        fields["estimator"] = flags.estimator
    advice = "rtmlib:DIR, mediapipe, tracks:DIR, tiny or an estimator folder"
    require(bool(fields["estimator"]), f"recipe {config.recipe}", "--estimator", "none", "a pose estimator", advice)
    kind, colon, place = fields["estimator"].partition(":")
    if colon and Path(place).expanduser().exists():  # named by the way from the checkpoint, as base weights are
        fields["estimator"] = f"{kind}:{way_to(Path(place).expanduser(), out)}"
    return fields


def _fit(data: str, config: TrainConfig, steps: int, out: Path, init: Path | None, flags: TrainFlags) -> str:
    from models.training.batches import Batches
    from models.training.loop import fit, initialised
    from models.training.pose_cache import PoseCache

    parents: dict[str, str] = {}
    if init is not None:
        parents["init"] = read_card(init)["sha256"]
    if motion_class(config.motion).needs_estimator:
        config = replace(config, motion=_keep_estimator(config.motion, out))
    motion = build_motion(config.motion, out)
    if motion.needs_estimator:
        parents["pose_estimator"] = motion.weights_hash
    filters, lineage = origin_of(data)
    if "teacher" in lineage:
        parents["teacher"] = lineage["teacher"]
    on_damage = flags.on_damage or "stop"
    examples = training_examples(data, config, on_damage)
    inherited = read_card(init).get("filter_metrics", ()) if init is not None else ()
    card = {
        "name": out.resolve().name,
        "parents": parents,
        "data": {"examples": len(examples), "ids": digest(examples), **lineage},
        "filter_metrics": sorted({*filters, *inherited}),
    }
    poses = PoseCache(folder=out / "poses") if motion.needs_estimator else None
    backbone = initialised(config, lambda: load_backbone(config.backbone, out, flags.runtime))
    _check_text_flags(backbone, config, flags)
    weights = checked_weights(init, read_card(init))[0] if init is not None else None
    batches = Batches(examples=examples, config=config, motion=motion, poses=poses, on_damage=on_damage)
    with Watcher(out, batches, steps, flags.validation, flags.runtime) as watch:
        done = fit(backbone, batches, steps=steps, out=out, init=weights, card=card, watch=watch)
    for name, reason in sorted(done.skipped.items()):
        print(f"train: left out {name}: {reason}")
    return f"{out}: {done.steps} steps, loss {done.loss:.4f} over the last tenth"


def _check_text_flags(backbone: Backbone, config: TrainConfig, flags: TrainFlags) -> None:
    """Refuse flags about prompts for a network that reads none."""
    guided = {"--guide": flags.guide if flags.guide != "none" else None, "--sampling.guidance": flags.sampling.guidance}
    for name, value in guided.items():
        idle = value is not None and not backbone.reads_text
        require(not idle, f"recipe {config.recipe}", name, value, f"none: backbone {backbone.family} reads no text")


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


def _train_estimator(data: str, config: EstimatorConfig, steps: int, out: Path) -> str:
    from bootstrap.annotated_frames import annotated_frames
    from models.training.pose_estimator import fit_estimator

    frames = annotated_frames(data)
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
