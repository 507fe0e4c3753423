"""A checkpoint folder is an animator: `animator.json` says how to build it, `model.safetensors` holds the weights.

animator.json         class, backbone, motion, grid, prediction, recipe, parents' hashes, filter metrics; written last
model.safetensors     the averaged weights (fp16)
pose_estimator/       only for the skeleton motion signal
optimizer.safetensors to continue training (never shipped)      loss.csv   one row a logged step
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from models.artifacts import read_json, sha256, sha256_file, write_bytes, write_json
from models.types import Grid, require

CARD, WEIGHTS, OPTIMIZER, LOSSES, ESTIMATOR = "animator.json", "model.safetensors", "optimizer.safetensors", "loss.csv", "pose_estimator"
MOTIONS = ("blank", "raw", "skeleton")


def build_backbone_config(description: Mapping[str, Any]):
    """The `TinyConfig` an `animator.json` describes. Raises ValueError naming the field that does not fit."""
    from models.backbones.tiny import TinyConfig

    fields = dict(description)
    family = fields.pop("family", None)
    require(family == "tiny", CARD, "backbone.family", family, "tiny")
    return _built(TinyConfig, fields, "backbone")


def build_backbone(description: Mapping[str, Any]):
    """The network an `animator.json` describes, freshly initialised."""
    from models.backbones.tiny import TinyBackbone

    return TinyBackbone(build_backbone_config(description))


def _built(kind: type, fields: Any, name: str) -> Any:
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(f"{CARD}: {name}: got {fields}, expected the fields of {kind.__name__} ({error})") from error


def build_motion(kind: str, folder: Path):
    """The motion signal of a checkpoint; skeletons use the estimator stored inside the folder."""
    from models.animators.motion import Blank, Raw, Skeleton

    require(kind in MOTIONS, str(folder), "motion", kind, f"one of {MOTIONS}")
    if kind == "skeleton":
        from models.pose.heatmap import load_estimator

        return Skeleton(load_estimator(folder / ESTIMATOR))
    return {"blank": Blank, "raw": Raw}[kind]()


def read_card(folder: Path) -> dict[str, Any]:
    """The checked `animator.json` of a folder. Raises ValueError naming the folder and the field."""
    require(
        (folder / CARD).is_file(),
        str(folder),
        CARD,
        "no such file",
        "a finished checkpoint",
        "train writes it last; run the same train command again",
    )
    card = read_json(folder / CARD)
    for key in ("class", "backbone", "motion", "grid", "prediction", "sha256"):
        require(isinstance(card, dict) and key in card, str(folder / CARD), key, "missing", "present")
    require(card["class"] == "InContextAnimator", str(folder), "class", card["class"], "InContextAnimator")
    return card


def load_weights(folder: Path) -> dict[str, Any]:
    """The float32 state of `model.safetensors`. Raises ValueError when the file is damaged or not the one of the card."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    require(path.is_file(), str(folder), WEIGHTS, "no such file", "the weights")
    try:
        return {name: tensor.float() for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise ValueError(f"{path}: damaged weights ({error}); copy or train the checkpoint again") from error


def load_checkpoint(folder: str | Path):
    """The `InContextAnimator` of a checkpoint folder."""
    from models.animators.in_context import InContextAnimator, Sampling

    folder = Path(folder)
    card = read_card(folder)
    weights = load_weights(folder)
    got = sha256_file(folder / WEIGHTS)
    require(
        got == card["sha256"], str(folder), "sha256 of model.safetensors", got[:12], card["sha256"][:12], "the folder mixes two checkpoints"
    )
    backbone = build_backbone(card["backbone"])
    try:
        backbone.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{folder}: {WEIGHTS} does not fit the backbone of {CARD}: {' '.join(str(error).split())[:300]}") from error
    motion = build_motion(card["motion"], folder)
    estimator = getattr(motion, "estimator", None)
    return InContextAnimator(
        backbone=backbone,
        motion=motion,
        grid=_built(Grid, card["grid"], "grid"),
        name=card.get("name", folder.name),
        weights_hash=got if estimator is None else sha256((got + estimator.weights_hash).encode()),
        sampling=_built(Sampling, card.get("sampling", {}), "sampling"),
        filter_metrics=tuple(card.get("filter_metrics", ())),
    )


def save_checkpoint(folder: Path, *, weights: Mapping[str, Any], card: Mapping[str, Any]) -> None:
    """Write `model.safetensors` (fp16), then `animator.json` with its hash."""
    from safetensors.torch import save

    data = save({name: tensor.detach().half().cpu().contiguous() for name, tensor in weights.items()})
    write_bytes(folder / WEIGHTS, data)
    write_json(folder / CARD, {"class": "InContextAnimator", **card, "sha256": sha256_file(folder / WEIGHTS)})
