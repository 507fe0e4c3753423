"""The shipped tiny checkpoints, by name: folders of `models/weights/`."""

from __future__ import annotations

from pathlib import Path

from models.types import require

WEIGHTS_ROOT = Path(__file__).resolve().parents[1] / "weights"


def weights_folder(name: str) -> Path:
    """The folder of a shipped checkpoint. Raises ValueError naming the ones that are there."""
    folder = WEIGHTS_ROOT / name
    known = sorted(p.parent.name for p in WEIGHTS_ROOT.glob("*/animator.json"))
    require(
        (folder / "animator.json").is_file(),
        f"animator {name}",
        "weights",
        "not in this checkout",
        f"one of {known}",
        "make them by `make weights`",
    )
    return folder


def _load(name: str, argument: str | None):
    from models.animators.checkpoint import load_checkpoint

    require(argument is None, f"animator {name}", "argument", argument, "none")
    return load_checkpoint(weights_folder(name))


def create_prior(argument: str | None = None):
    return _load("tiny_prior", argument)


def create_pose(argument: str | None = None):
    return _load("tiny_pose", argument)


def create_e2e(argument: str | None = None):
    return _load("tiny_e2e", argument)
