"""The shipped tiny checkpoints, by name: folders of `models/weights/`, run as those folders are."""

from __future__ import annotations

from models.animators.load import SHIPPED
from models.runtime import Runtime
from models.types import require

_AUTO = Runtime()


def _load(name: str, argument: str | None, runtime: Runtime):
    from models.animators.checkpoint import load_checkpoint

    require(argument is None, f"animator {name}", "argument", argument, "none")
    return load_checkpoint(SHIPPED / name, runtime)


def create_prior(argument: str | None = None, runtime: Runtime = _AUTO):
    return _load("tiny_prior", argument, runtime)


def create_short(argument: str | None = None, runtime: Runtime = _AUTO):
    return _load("short_pose", argument, runtime)


def create_pose(argument: str | None = None, runtime: Runtime = _AUTO):
    return _load("tiny_pose", argument, runtime)


def create_e2e(argument: str | None = None, runtime: Runtime = _AUTO):
    return _load("tiny_e2e", argument, runtime)
