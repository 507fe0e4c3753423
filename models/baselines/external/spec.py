"""What a YAML says of somebody's repository: how it is run, what it takes, on which terms.

    name, summary, mode, repository {url, read, files}, steps | serve, output, needs, licence      wanted of each
    contract, weights, links, options, takes, size, frames, subjects, pitfall, unverified, cost    may be left out

`docs/external_contract.md` describes every field. Every error names the file and the field, and the field that may have been meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from models.baselines.external.placeholders import GIVEN, check_placeholders
from models.capabilities import FrameRule, SizeRule
from models.types import require

CONTRACT = 1
"""Version of what is exchanged with a repository and of this schema."""
INPUTS = ("driver", "pose", "face", "mask", "prompt", "first_frame")
TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}
RESERVED = ("logs", "pass_env", "timeout_s", "startup_timeout_s")
"""Options that every repository has, beside those that are placeholders (repo, python, weights, pose)."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _inside(way: str) -> bool:
    return bool(way) and not way.startswith("/") and ".." not in Path(way).parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """`url`: where it is got; `read`: the commit or date its command line was read at; `files`: what must lie in it."""

    url: str
    read: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """`get`: how to get them, in words; `files`: what must lie in the weights folder, names or patterns."""

    get: str = ""
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.files:
            require(_inside(name), "weights", "files", repr(name), "a way within the weights folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command. A list within `run` stands only where its placeholders are filled; `makes`: what must be in the work folder after."""

    run: tuple[Any, ...]
    cwd: str = "{repo}"
    env: Mapping[str, str] = field(default_factory=dict)
    makes: tuple[str, ...] = ()

    def texts(self) -> list[str]:
        """All that may hold placeholders."""
        parts = [part for entry in self.run for part in (entry if isinstance(entry, tuple) else (entry,))]
        return [*map(str, parts), self.cwd, *map(str, self.env.values())]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where the answer lies in the work folder: one `video`, or pictures as `frames`, both patterns.

    `panel`: (k, n): the k-th of n pictures side by side; `count`: whether it has as many frames as were asked for, or more, or any.
    """

    video: str = ""
    frames: str = ""
    panel: tuple[int, int] = (1, 1)
    count: str = "exact"

    def __post_init__(self) -> None:
        require(bool(self.video) != bool(self.frames), "output", "video, frames", (self.video, self.frames), "one of the two")
        ok = len(self.panel) == 2 and 1 <= self.panel[0] <= self.panel[1]
        require(ok, "output", "panel", self.panel, "[k, n] with 1 <= k <= n")
        require(self.count in ("exact", "longer", "any"), "output", "count", repr(self.count), "exact, longer or any")
        for pattern in (self.video, self.frames):
            require(not pattern or _inside(pattern), "output", "pattern", repr(pattern), "a way within the work folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What --set may change. `type`: int, float, str or bool."""

    type: str
    default: Any
    help: str = ""
    choices: tuple[Any, ...] = ()
    least: float | None = None

    def __post_init__(self) -> None:
        require(self.type in TYPES, "option", "type", repr(self.type), f"one of {', '.join(TYPES)}")
        kind = TYPES[self.type]
        if kind is float and type(self.default) is int:
            object.__setattr__(self, "default", float(self.default))
        require(type(self.default) is kind, "option", "default", repr(self.default), f"a value of type {self.type}")
        require(not self.choices or self.default in self.choices, "option", "default", repr(self.default), f"one of {self.choices}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """For an estimate: a token is `patch_px` squared of `frame_stride` frames, `factor` of them for each of the answer's.

    `passes`: of the network for each of option `steps`.
    """

    patch_px: int
    frame_stride: int = 1
    factor: float = 1.0
    passes: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One repository. `links`: names in the work folder -> what they link to; `cost`: None where nothing is known."""

    name: str
    summary: str
    mode: str
    repository: Repository
    output: Output
    needs: tuple[str, ...]
    licence: str
    contract: int = CONTRACT
    steps: tuple[Step, ...] = ()
    serve: Step | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    weights: Weights = Weights()
    options: Mapping[str, Option] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    size: SizeRule = field(default_factory=SizeRule)
    frames: FrameRule = field(default_factory=FrameRule)
    subjects: int | None = None
    pitfall: str = ""
    unverified: str = ""
    cost: Cost | None = None

    def __post_init__(self) -> None:
        item = f"system {self.name}"
        require(self.contract == CONTRACT, item, "contract", self.contract, str(CONTRACT), "this version speaks no other")
        require(
            isinstance(self.name, str) and bool(_NAME.fullmatch(self.name)), item, "name", repr(self.name), "lower-case letters, digits, _"
        )
        require(self.mode in ("once", "serve"), item, "mode", repr(self.mode), "once or serve")
        served = self.mode == "serve"
        require(bool(self.steps) != served, item, "steps", len(self.steps), "none with mode serve, else one or more")
        require((self.serve is not None) == served, item, "serve", self.serve, "a command with mode serve, else none")
        for kind in (*self.needs, *self.takes):
            sent = ", ".join(name for name in INPUTS if name != "mask")
            require(kind in INPUTS, item, "needs, takes", repr(kind), f"one of {sent}")
        require("mask" not in self.needs, item, "needs", "mask", "nothing a request cannot bring", "contract 1 sends no mask")
        self._check_words(item)

    def _check_words(self, item: str) -> None:
        for name in self.options:
            free = bool(_NAME.fullmatch(name)) and name not in GIVEN + RESERVED
            require(free, item, "option", repr(name), "a name that is no placeholder already")
        for step in self.commands:
            require(bool(step.run), item, "run", step.run, "a command and its arguments")
            for text in step.texts():
                check_placeholders(text, (*GIVEN, *self.options), item)
        for text in self.links.values():
            check_placeholders(text, (*GIVEN, *self.options), item)

    @property
    def commands(self) -> tuple[Step, ...]:
        return self.steps or ((self.serve,) if self.serve else ())

    def wants(self, placeholder: str) -> bool:
        """Whether a command, a link or an environment uses it."""
        texts = [text for step in self.commands for text in step.texts()] + list(self.links.values())
        return any(f"{{{placeholder}}}" in text for text in texts)
