"""The shipped tiny checkpoints, by name: folders of `models/weights/`, run and stated as those folders are."""

from __future__ import annotations

from dataclasses import replace

from models.animators import checkpoint_stated
from models.animators.load import SHIPPED
from models.animators.sampling import Sampling
from models.capabilities import Capabilities
from models.estimate import Estimate, Workload
from models.protocols import Animator
from models.runtime import Runtime
from models.types import require


def _folder(name: str) -> str:
    return str(SHIPPED / name)


def capabilities(name: str) -> Capabilities:
    return replace(checkpoint_stated.capabilities(name, _folder(name)), licence="Apache-2.0")


def options(name: str) -> type | None:
    return checkpoint_stated.options(name, _folder(name))


def estimate(name: str, workload: Workload, options: Sampling | None) -> Estimate:
    return checkpoint_stated.estimate(name, workload, options, _folder(name))


def create(argument: str | None = None, *, name: str, runtime: Runtime = Runtime(), options: Sampling | None = None) -> Animator:
    require(argument is None, f"animator {name}", "argument", argument, "none")
    return checkpoint_stated.create(_folder(name), runtime=runtime, options=options)
