"""A checkpoint folder is an animator: `animator.json` says how to build it, `model.safetensors` holds what was trained.

animator.json         class, backbone, adapter, motion, grid, gap, sampling, recipe, parents' hashes, filter metrics; written last
model.safetensors     the averaged weights: a whole network, or its LoRA
pose_estimator/       only for a skeleton signal with an estimator of its own
optimizer.safetensors to continue training (never shipped)      loss.csv   one row a step

Base weights are named, not copied: by the folder's name, its fingerprint and the way to it (`models.animators.places`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Mapping

from models.animators.places import WEIGHTS_PATH, find_place
from models.artifacts import read_json, sha256, sha256_file, write_json
from models.catalog import Catalog, Entry
from models.runtime import Runtime
from models.storage import write_bytes
from models.types import Grid, require

CARD, WEIGHTS, OPTIMIZER, LOSSES, ESTIMATOR = "animator.json", "model.safetensors", "optimizer.safetensors", "loss.csv", "pose_estimator"

CLASSES = Catalog(
    kind="checkpoint class",
    group="actorforge.checkpoint_classes",
    entries={
        "InContextAnimator": Entry(target="models.animators.checkpoint:load_in_context", summary="a backbone over the canvas"),
        "WarpAnimator": Entry(target="models.backbones.warp.animator:load", summary="the shipped 48 px warps"),
    },
)
"""What `class` in a card may be: a loader `(folder, card, runtime) -> Animator`."""


def read_card(folder: Path) -> dict[str, Any]:
    """The checked `animator.json` of a folder. Raises ValueError naming the folder and the field."""
    advice = "train writes it last; run the same train command again"
    require((folder / CARD).is_file(), str(folder), CARD, "no such file", "a finished checkpoint", advice)
    card = read_json(folder / CARD)
    for key in ("class", "backbone", "motion", "grid", "sha256"):
        require(isinstance(card, dict) and key in card, str(folder / CARD), key, "missing", "present")
    return card


def checked_weights(folder: Path, card: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The tensors of `model.safetensors` and their sha256. Raises ValueError when the file is damaged or not the one of the card."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    require(path.is_file(), str(folder), WEIGHTS, "no such file", "the weights")
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path}: damaged weights ({error}); copy or train the checkpoint again") from error
    got, expected = sha256_file(path), str(card["sha256"])
    require(got == expected, str(folder), f"sha256 of {WEIGHTS}", got[:12], expected[:12], "the folder mixes two checkpoints")
    return weights, got


def load_checkpoint(folder: str | Path, runtime: Runtime = Runtime(), sampling: Mapping[str, Any] | None = None):
    """The animator of a checkpoint folder; `sampling` in place of its card's."""
    folder = Path(folder)
    card = read_card(folder) | ({} if sampling is None else {"sampling": dict(sampling)})
    return CLASSES.load(card["class"])(folder, card, runtime)


def load_in_context(folder: Path, card: Mapping[str, Any], runtime: Runtime):
    """An `InContextAnimator`: base weights found and checked, then what was trained put into them."""
    from models.animators.in_context import InContextAnimator
    from models.animators.motion import build_motion
    from models.animators.sampling import Sampling
    from models.backbones.backbone import check_grid

    weights, digest = checked_weights(folder, card)
    backbone = load_backbone(card["backbone"], folder, runtime)
    load_trained(backbone, weights, card.get("adapter"), str(folder))
    motion, grid = build_motion(card["motion"], folder), _built(Grid, card["grid"], "grid")
    check_grid(backbone, grid)
    base = card["backbone"].get("weights", {}).get("fingerprint", "")
    parts = [part for part in (digest, base, motion.weights_hash) if part]
    return InContextAnimator(
        backbone=backbone,
        motion=motion,
        grid=grid,
        gap_frames=int(card.get("gap_frames", 1)),
        name=card.get("name", folder.name),
        weights_hash=parts[0] if len(parts) == 1 else sha256("".join(parts).encode()),
        sampling=_built(Sampling, card.get("sampling", {}), "sampling"),
        runtime=replace(runtime, dtype=str(backbone.transformer.dtype).removeprefix("torch.")),  # what it really runs in
        filter_metrics=tuple(card.get("filter_metrics", ())),
        guide=card.get("recipe", {}).get("guide", "none"),
    )


def load_backbone(description: Mapping[str, Any], folder: Path, runtime: Runtime):
    """The backbone of a card, its base weights found and their fingerprint checked; not yet what was trained."""
    from models.backbones.families import build_backbone

    fields = {key: value for key, value in description.items() if key != "weights"}
    base = find_weights(description["weights"], folder) if description.get("weights") else None
    backbone = build_backbone(fields, base, runtime)
    if base is not None:
        got, expected = backbone.describe()["weights"]["fingerprint"], description["weights"]["fingerprint"]
        advice = "these are other weights than the checkpoint was trained on"
        require(got == expected, f"weights {base.name}", "fingerprint", got[:12], expected[:12], advice)
    return backbone


def find_weights(weights: Mapping[str, Any], folder: Path) -> Path:
    """The local folder of the base weights. Raises ValueError naming where they were looked for."""
    name = str(weights["name"])
    place, tried = find_place(str(weights.get("path", "")), folder, name)
    if place is not None:
        return place
    advice = f"put the folder that holds {name}/ into {WEIGHTS_PATH}"
    raise ValueError(f"{folder}: base weights: got none at {', '.join(map(str, tried)) or 'any place'}, expected {name}/; {advice}")


def load_trained(backbone: Any, weights: Mapping[str, Any], adapter: Mapping[str, Any] | None, item: str) -> None:
    """Put a checkpoint's tensors into the backbone's transformer: all of its weights, or those of the LoRA the card describes."""
    from models.training.lora import LoraSpec, add_lora, load_lora

    if adapter:
        add_lora(backbone, _built(LoraSpec, adapter, "adapter"))
        load_lora(backbone.transformer, weights, item)
        return
    wanted = {name: tuple(tensor.shape) for name, tensor in backbone.transformer.state_dict().items()}
    stored = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    other = next((name for name in sorted({*wanted, *stored}) if wanted.get(name) != stored.get(name)), None)
    advice = "a checkpoint of another backbone, or one saved with its LoRA still in place"
    require(other is None, item, f"weight {other}", stored.get(other), str(wanted.get(other)), advice)
    backbone.transformer.load_state_dict(weights)


def _built(kind: Callable[..., Any], fields: Any, name: str) -> Any:
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(f"{CARD}: {name}: got {fields}, expected the fields of {kind.__name__} ({error})") from error


def save_checkpoint(folder: Path, *, weights: Mapping[str, Any], card: Mapping[str, Any], half: bool) -> None:
    """Write `model.safetensors` (`half`: as float16), then `animator.json` with its hash."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    write_bytes(folder / WEIGHTS, save({name: tensor.half() if half else tensor for name, tensor in tensors.items()}))
    write_json(folder / CARD, {"class": "InContextAnimator", **card, "sha256": sha256_file(folder / WEIGHTS)})
