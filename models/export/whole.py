"""A checkpoint trained whole as a diffusers folder: `transformer/config.json` and its safetensors."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Mapping

import torch
from torch import nn

from models.animators.checkpoint import load_backbone, load_trained
from models.artifacts import read_json, write_json
from models.runtime import Runtime
from models.storage import publish

TRANSFORMER = "transformer"


def trained_transformer(checkpoint: Path, card: Mapping[str, Any], weights: Mapping[str, torch.Tensor]) -> nn.Module:
    """The checkpoint's transformer, float32. The base weights must be there: its configuration is theirs."""
    backbone = load_backbone(card["backbone"], checkpoint, Runtime(device="cpu", dtype="float32"))
    load_trained(backbone, weights, None, str(checkpoint))
    return backbone.transformer


def write_transformer(out: Path, transformer: Any) -> None:
    """Write `out`/transformer/, its configuration last, without the place it was once loaded from."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".transformer-", dir=out) as draft:
        transformer.save_pretrained(draft)
        config = {name: value for name, value in read_json(Path(draft) / "config.json").items() if name != "_name_or_path"}
        for path in sorted(Path(draft).iterdir()):
            if path.name != "config.json":
                _publish_file(path, out / TRANSFORMER / path.name)
    write_json(out / TRANSFORMER / "config.json", config)


def _publish_file(path: Path, final: Path) -> None:
    with publish(final) as draft:
        os.replace(path, draft)
