"""Modules behind names, as animators state themselves: looked up by tests under this file's own name."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Optional

from models.capabilities import Capabilities, SizeRule
from models.estimate import Estimate
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    steps: int = 20
    guidance: float = 5.0
    flip: bool = False
    mode: Literal["fast", "good"] = "good"
    prompt: str = ""
    threshold: Optional[float] = None
    layers: tuple[int, ...] = ()
    size: tuple[int, int] = (64, 48)
    style: Path | None = None
    logs: str = field(default="", metadata={"identity": False})

    def __post_init__(self):
        require(self.steps >= 1, "system", "steps", self.steps, ">= 1")
        require(self.mode == "good" or self.guidance <= 5, "system", "guidance", self.guidance, "<= 5 where mode is fast")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaky:
    api_key: str = ""


def capabilities(name, argument=None):
    return Capabilities(kind="local", size=SizeRule(multiple=16), note=f"{name} {argument}")


def options(name):
    return Leaky if name == "leaky" else Options


def estimate(name, workload, options):
    return Estimate(tokens=workload.num_frames, passes=options.steps, basis=name)


@dataclass(frozen=True, kw_only=True)
class Made:
    argument: str | None
    told: dict
    name: str = "made"

    def animate(self, request):
        raise ValueError("not made to animate")


def create(argument=None, *, name="", runtime=None, options=None):
    return Made(argument=argument, told={"name": name, "runtime": runtime, "options": options})


def create_plain(argument=None):
    return Made(argument=argument, told={})
