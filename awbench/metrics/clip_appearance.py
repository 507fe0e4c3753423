"""clip_appearance, 0-1: cosine of open_clip image features between output and reference; learned, optional.

The model is a local folder in open_clip's own layout (`open_clip_config.json` and the weights beside it), named by the
environment variable ACTORFORGE_CLIP_DIR or by argument; nothing is ever fetched. At most 8 frames, evenly spread, are embedded:
    c(clip) = (mean + worst cosine to the reference) / 2 (negative counts as 0),   score = min(1, c(output) / level)
The version of a score names the model: "1+" and six digits of a hash over the folder's files, so scores of two models never mix.
level is c(truth) where the truth exists, so that copying the reference does not beat the right answer, else 1.
torch is imported on first use only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored
from models.artifacts import sha256, sha256_file

FOLDER_VARIABLE, MAX_FRAMES = "ACTORFORGE_CLIP_DIR", 8
Embed = Callable[[np.ndarray], np.ndarray]


def model_mark(folder: str | None = None) -> str:
    """Six hexadecimal digits that stand for the content of the model's folder; "" where there is none."""
    name = folder or os.environ.get(FOLDER_VARIABLE, "")
    path = Path(name)
    if not name or not _has_model(path):
        return ""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    stats = ((file, file.stat()) for file in files)
    return _mark(path, tuple((file.relative_to(path).as_posix(), stat.st_size, stat.st_mtime_ns) for file, stat in stats))


@lru_cache(maxsize=4)  # weights are large: hash them once, unless a file has changed
def _mark(path: Path, files: tuple[tuple[str, int, int], ...]) -> str:
    return sha256("\n".join(f"{name} {sha256_file(path / name)}" for name, _, _ in files).encode())[:6]


def _has_model(path: Path) -> bool:
    return (path / "open_clip_config.json").is_file()


@lru_cache(maxsize=1)
def load_embedder(folder: str) -> Embed:
    """uint8 `[T,H,W,3]` -> unit features float32 `[T,D]`, by the open_clip model in `folder`."""
    import open_clip
    import torch
    from PIL import Image

    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    model.eval()

    def embed(frames: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            pictures = torch.stack([preprocess(Image.fromarray(frame)) for frame in frames])
            features = model.encode_image(pictures).float().cpu().numpy()
        return features / np.maximum(np.linalg.norm(features, axis=-1, keepdims=True), 1e-9)

    return embed


def closeness(frames: np.ndarray, reference: np.ndarray, embed: Embed) -> float:
    """c of uint8 `[T,H,W,3]` to uint8 `[H,W,3]`."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(MAX_FRAMES, len(frames))).round().astype(int))
    cosines = np.maximum(0, embed(frames[chosen]) @ embed(reference[None])[0])
    return float((cosines.mean() + cosines.min()) / 2)


def clip_appearance(evidence: Evidence, folder: str | None = None) -> float | Unscored:
    folder = folder or os.environ.get(FOLDER_VARIABLE, "")
    if not folder:
        return Unscored(reason=f"no model: set {FOLDER_VARIABLE} to a local open_clip folder")
    if not _has_model(Path(folder)):
        return Unscored(reason=f"no model: {FOLDER_VARIABLE} has no open_clip_config.json")
    embed = load_embedder(str(Path(folder).resolve()))
    level = 1.0 if evidence.truth is None else closeness(evidence.truth.clip.frames, evidence.reference, embed)
    return float(min(1.0, closeness(evidence.output.frames, evidence.reference, embed) / max(level, 1e-6)))


METRIC = Metric(
    name="clip_appearance",
    version="1",
    dimension="appearance",
    low=0,
    high=1,
    function=clip_appearance,
    optional=True,
    variant=model_mark,
)
