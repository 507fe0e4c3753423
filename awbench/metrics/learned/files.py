"""Which files of a model decide its values: found, checked without loading them, and told by a short mark of their content.

Weights are safetensors. An open_clip folder may hold a .bin instead, which open_clip reads by torch's restricted reader
(`weights_only=True`: tensors and plain containers, no code). Everything else that is pickled is refused.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Iterable

from models.artifacts import read_json, sha256, sha256_file
from models.types import require

MARK_DIGITS = 6
CLIP_CONFIG, DINO_CONFIG = "open_clip_config.json", "config.json"
_PICKLES = (".bin", ".pth", ".pt", ".ckpt", ".pkl")
_CONVERT = "pickles can hold code: convert it once, `safetensors.torch.save_file(state_dict, 'model.safetensors')`"


def clip_files(text: str) -> tuple[Path, ...]:
    """An open_clip folder: `open_clip_config.json`, weights, and what a tokenizer may need. Raises ValueError saying what is missing."""
    folder, item = Path(text).expanduser(), f"--clip {text}"
    require(folder.is_dir(), item, "folder", "no such folder", f"a folder with {CLIP_CONFIG} and weights")
    require((folder / CLIP_CONFIG).is_file(), item, "config", f"no {CLIP_CONFIG}", "open_clip's own layout")
    config = read_json(folder / CLIP_CONFIG).get("model_cfg", {})
    hub = dict(config.get("text_cfg", {})).get("hf_model_name")
    require(not hub, item, "text tower", f"{hub} of a hub", "a model whose text tower open_clip builds itself", "nothing is fetched")
    weights = _weights(folder, (".safetensors", ".bin"))
    require(bool(weights), item, "weights", _listing(folder), "one .safetensors (or open_clip_pytorch_model.bin)", _advice(folder))
    return (*weights, *sorted(path for path in folder.iterdir() if path.suffix in (".json", ".txt", ".model")))


def dino_files(text: str) -> tuple[Path, ...]:
    """A timm folder (config.json with `architecture`, one .safetensors) or a file NAME.safetensors, NAME as timm calls the model."""
    path, item = Path(text).expanduser(), f"--dino {text}"
    if path.is_file():
        require(path.suffix == ".safetensors", item, "file", path.name, "NAME.safetensors, NAME as timm calls the model", _CONVERT)
        return (path,)
    require(path.is_dir(), item, "folder", "no such file or folder", "a timm folder, or NAME.safetensors")
    known = (path / DINO_CONFIG).is_file() and bool(read_json(path / DINO_CONFIG).get("architecture"))
    require(known, item, "config", f"no {DINO_CONFIG} with an architecture", "timm's own layout")
    return (_only(path, item), path / DINO_CONFIG)


def lpips_files(text: str) -> tuple[Path, ...]:
    """A .safetensors with backbone and linear layers, or a folder with one or several that hold them together."""
    path, item = Path(text).expanduser(), f"--lpips {text}"
    if path.is_file():
        require(path.suffix == ".safetensors", item, "file", path.name, "a .safetensors", _CONVERT)
        return (path,)
    require(path.is_dir(), item, "folder", "no such file or folder", "a .safetensors, or a folder of them")
    found = _weights(path, (".safetensors",))
    require(bool(found), item, "weights", _listing(path), "at least one .safetensors", _advice(path))
    return found


def iqa_files(text: str) -> tuple[Path, ...]:
    """An ONNX file, and the JSON of the same name beside it where there is one."""
    path, item = Path(text).expanduser(), f"--iqa {text}"
    require(path.is_file() and path.suffix == ".onnx", item, "file", "no such .onnx file", "a model exported to ONNX")
    card = path.with_suffix(".json")
    return (path, card) if card.is_file() else (path,)


def mark(files: Iterable[Path]) -> str:
    """Hexadecimal digits that stand for names and contents; where the files lie does not matter."""
    stats = ((path.resolve(), path.stat()) for path in files)
    return _mark(tuple(sorted((path.name, str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)))


@lru_cache(maxsize=16)  # weights are large: hash them once, unless a file has changed
def _mark(files: tuple[tuple[str, str, int, int], ...]) -> str:
    return sha256("\n".join(f"{name} {sha256_file(Path(path))}" for name, path, _, _ in files).encode())[:MARK_DIGITS]


def _weights(folder: Path, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    """The weights of the first suffix that is there."""
    found = (tuple(sorted(path for path in folder.iterdir() if path.suffix == suffix)) for suffix in suffixes)
    return next((paths for paths in found if paths), ())


def _only(folder: Path, item: str) -> Path:
    found = _weights(folder, (".safetensors",))
    require(len(found) == 1, item, "weights", _listing(folder), "exactly one .safetensors", _advice(folder))
    return found[0]


def _advice(folder: Path) -> str:
    return _CONVERT if any(path.suffix in _PICKLES for path in folder.iterdir()) else ""


def _listing(folder: Path) -> str:
    return ", ".join(sorted(path.name for path in folder.iterdir())[:12]) or "an empty folder"
