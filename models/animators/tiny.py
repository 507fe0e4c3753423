"""The shipped tiny checkpoints, by name: folders of `models/weights/`."""

from __future__ import annotations

from models.animators.load import checkpoint_folder
from models.types import require


def _load(name: str, argument: str | None):
    from models.animators.checkpoint import load_checkpoint

    require(argument is None, f"animator {name}", "argument", argument, "none")
    return load_checkpoint(checkpoint_folder(name))


def create_prior(argument: str | None = None):
    return _load("tiny_prior", argument)


def create_short(argument: str | None = None):
    return _load("short_pose", argument)


def create_pose(argument: str | None = None):
    return _load("tiny_pose", argument)


def create_e2e(argument: str | None = None):
    return _load("tiny_e2e", argument)
