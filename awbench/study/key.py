"""key.json, the private half of a study: who stood left and right in each trial, what was expected, whose trials they were."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Sequence

from models.types import require

KEY_FILE, SITE, KEY_FORMAT = "key.json", "site", "actorforge-study-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A pair as it was shown. `kind`: pair | repeat | attention_same | attention_bad; `expected`: the answer where it is known."""

    id: str
    kind: str
    case: str
    left: str
    right: str
    expected: str | None
    repeats: str | None
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a study was: who stood left and right in each trial, and which trials belong to which slot. `clip_s`: of the clips, if known.

    `suites`: system -> fingerprint of the suite that its run answered.
    """

    study: str
    systems: tuple[str, ...]
    questions: tuple[str, ...]
    trials: Mapping[str, Trial]
    slots: tuple[tuple[str, ...], ...]
    clip_s: float | None = None
    detectable: Mapping[str, Any] = field(default_factory=dict)
    suites: Mapping[str, str] = field(default_factory=dict)

    def pair(self, trial: Trial) -> tuple[str, str]:
        """The two systems of a trial in the key's order."""
        one, other = sorted((trial.left, trial.right), key=self.systems.index)
        return one, other


def read_key(path: Path) -> Key:
    """key.json, or the folder it lies in. Raises ValueError naming the field."""
    path = path / KEY_FILE if path.is_dir() else path
    require(path.is_file(), "study", "key", f"no file {path.name} in {path.parent.name}", "the key.json of `actorforge study make`")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        require(record["format"] == KEY_FORMAT, f"key {path.name}", "format", record["format"], KEY_FORMAT)
        trials = {name: _trial(name, about) for name, about in record["trials"].items()}
        systems, slots = tuple(record["systems"]), tuple(tuple(slot) for slot in record["slots"])
        strange = sorted({side for one in trials.values() for side in (one.left, one.right)} - set(systems))
        require(not strange, f"key {path.name}", "trials", f"systems {strange}", f"those of the study: {', '.join(systems)}")
        known = {"study": record["study"], "systems": systems, "questions": tuple(_ids(record["questions"]))}
        clip_s = record.get("clip_s")
        suites = {str(run["system"]): str(run["suite"]) for run in record.get("runs") or ()}
        return Key(**known, trials=trials, slots=slots, clip_s=clip_s, detectable=record.get("detectable_lead") or {}, suites=suites)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"key {path.name}: got {type(error).__name__}: {error}, expected a key of `actorforge study make`") from error


def _ids(questions: Sequence[Any]) -> list[str]:
    return [one["id"] if isinstance(one, Mapping) else str(one) for one in questions]


def _trial(name: str, about: Mapping[str, Any]) -> Trial:
    tags = {str(tag): str(value) for tag, value in (about.get("tags") or {}).items()}
    known = {field: about.get(field) for field in ("expected", "repeats")}
    return Trial(id=name, kind=about["kind"], case=about["case"], left=about["left"], right=about["right"], tags=tags, **known)
