"""The rubrics: five dimensions, each with a question, what to look at and leave out, and five anchored levels; data in rubrics.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Mapping

from models.types import require

RUBRICS_FILE = Path(__file__).with_name("rubrics.yaml")
LEVELS = (1, 2, 3, 4, 5)
PREFIX = "judge_"
"""Before a dimension's name: its metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """One dimension. `kind`: static or dynamic; `shows`: "reference" and "driver" where the judge sees them beside the answer;
    `fps`, `most`: how many frames the protocol actorforge shows, a second and in all."""

    name: str
    title: str
    kind: str
    shows: tuple[str, ...]
    fps: float
    most: int
    question: str
    look_at: tuple[str, ...]
    leave_out: str
    levels: Mapping[int, str]

    def __post_init__(self) -> None:
        item = f"rubric {self.name}"
        require(self.kind in ("static", "dynamic"), item, "kind", self.kind, "static or dynamic")
        require(set(self.shows) <= {"reference", "driver"}, item, "shows", self.shows, "reference, driver or nothing")
        require(tuple(sorted(self.levels)) == LEVELS, item, "levels", sorted(self.levels), f"{LEVELS}")

    @property
    def metric(self) -> str:
        return PREFIX + self.name

    @property
    def text(self) -> str:
        """The rubric as a judge reads it, best level first."""
        looks = "\n".join(f"- {line}" for line in self.look_at)
        levels = "\n".join(f"{level}: {self.levels[level]}" for level in reversed(LEVELS))
        return f"{self.title}. {self.question}\nLook at:\n{looks}\nLeave out of account: {self.leave_out}.\nLevels:\n{levels}"


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    import yaml

    return yaml.safe_load(RUBRICS_FILE.read_text(encoding="utf-8"))


def rubric_version() -> str:
    return str(_data()["version"])


@lru_cache(maxsize=1)
def rubrics() -> dict[str, Rubric]:
    """Name -> rubric, in the file's order."""
    return {name: _rubric(name, entry) for name, entry in _data()["dimensions"].items()}


def _rubric(name: str, entry: Mapping[str, Any]) -> Rubric:
    texts = {key: " ".join(str(entry[key]).split()) for key in ("title", "kind", "question", "leave_out")}
    lists = {key: tuple(entry[key]) for key in ("shows", "look_at")}
    return Rubric(name=name, levels=dict(entry["levels"]), fps=entry["frames"]["fps"], most=entry["frames"]["most"], **texts, **lists)


def dimension_of(metric: str) -> Rubric:
    """The rubric of `judge_NAME` or NAME. Raises ValueError with the nearest names."""
    import difflib

    name = metric.removeprefix(PREFIX)
    near = difflib.get_close_matches(name, rubrics(), n=1)
    require(
        name in rubrics(), "judge", "dimension", repr(metric), f"one of {', '.join(rubrics())}", f"did you mean {near[0]}?" if near else ""
    )
    return rubrics()[name]
