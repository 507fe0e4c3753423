"""Who the teacher is: name with argument, weights, the code of a plug-in. Told by a process that loads it, remembered after that.

Where there are workers, one of them tells: the head never loads a teacher, it may have no accelerator. What was told stands in
`work/teacher.json` with the marks of all files it depends on, so a later run that finds them as they were needs nobody to tell.
Every worker that loads the teacher holds it against what was told.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import socket
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Callable, Mapping

from bootstrap.ledger import Ledger
from bootstrap.recipe import RECORDED, Teacher
from bootstrap.sight import see
from models import storage
from models.animators.code import code_of
from models.animators.load import absolute_animator, load_animator, placed_options, refuse_unknown, resolved_options
from models.animators.registry import ANIMATORS
from models.artifacts import read_json, write_json
from models.estimate import Estimate, Workload
from models.option_values import record_options
from models.placeless import placeless
from models.protocols import Animator
from models.runtime import Runtime
from models.stated import capabilities_of, estimate_of, missing_of, named
from models.types import Grid, require
from pipelines.asked import refuse_missing
from pipelines.executor.pools import LOAD_S, Lost, Policy
from pipelines.executor.run import run_items
from pipelines.executor.session import session
from pipelines.executor.source import PACKAGES, source_hash
from pipelines.purse import priced
from pipelines.stations import Staff

FILE = "teacher.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A teacher and the grid it is made for, None where it takes any."""

    teacher: Teacher
    grid: Grid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says of a teacher. `options`: what `--set` gives, as text. `of` makes one of a user's words."""

    name: str
    runtime: Runtime = field(default_factory=Runtime)
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, options: Mapping[str, str], runtime: Runtime = Runtime()) -> Asked:
        """With the places in name and options made absolute: a worker has another working folder. Raises ValueError for an unknown name."""
        refuse_unknown(name)
        return cls(name=absolute_animator(name), runtime=runtime, options=placed_options(name, options))

    def load(self) -> Animator:
        """Raises ValueError with all that is missing, before anything is loaded."""
        self.refuse_missing()
        return load_animator(self.name, runtime=self.runtime, options=self.options)

    def missing(self) -> list[str]:
        """What no answer can do without and this machine does not have, and how to give it, a line each."""
        return missing_of(self.name, self._read(), ANIMATORS)

    def refuse_missing(self) -> None:
        refuse_missing(self.name, self.missing())

    def refuse_unprompted(self) -> None:
        """Raises ValueError for a teacher that is told in words: what is asked without a guide has none."""
        stated = capabilities_of(self.name, ANIMATORS)
        line = "prompt: this system is told in words, and --guide none writes none; --guide template writes them from the driver"
        refuse_missing(self.name, [line] if stated is not None and "prompt" in stated.needs else [])

    def estimate(self, work: Workload) -> Estimate:
        """What one answer takes, as far as it is stated."""
        return estimate_of(self.name, work, self._read(), ANIMATORS)

    def usd(self, work: Workload) -> float | None:
        """What one answer costs, 0 where no service is asked; None where its price is not known."""
        return priced(self.estimate(work).usd, capabilities_of(self.name, ANIMATORS))

    def describe(self, loaded: Animator) -> Described:
        """Its options are what they come to, those among them that decide what is made: defaults too."""
        found = describe(loaded, self.name)
        return replace(found, teacher=replace(found.teacher, options=self._resolved()))

    def _resolved(self) -> str:
        told = record_options(self._read())
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if told else ""

    def _read(self) -> Any:
        return resolved_options(self.name, given=self.options)


def describe(loaded: Animator, asked: str = "") -> Described:
    """`asked`: the name it was loaded by. Options are not seen on it."""
    metrics = tuple(sorted(getattr(loaded, "filter_metrics", ())))
    name = _name(loaded, asked)
    if name == RECORDED:
        return Described(teacher=Teacher(name=RECORDED, filter_metrics=metrics))
    weights_hash = getattr(loaded, "weights_hash", "")
    code, told = code_of(loaded, asked, ANIMATORS), placeless(asked)
    teacher = Teacher(name=name, weights_hash=weights_hash, code=code, asked=told if code and told != name else "", filter_metrics=metrics)
    return Described(teacher=teacher, grid=getattr(loaded, "grid", None))


def _name(loaded: Animator, asked: str) -> str:
    """As it was asked for, of a path its last part; recorded answers are the same whatever their folder is called."""
    head, colon, argument = asked.partition(":")
    if head == RECORDED or loaded.name.startswith(f"{RECORDED}:"):
        return RECORDED
    if not colon or head not in ANIMATORS.table():
        return loaded.name
    return f"{head}:{Path(argument).name if Path(argument).exists() else argument}"


def load_teacher(asked: Asked, expected: Teacher) -> Animator:
    """The teacher. Raises ValueError where it is another one than `expected`; one without options is told nothing of them."""
    loaded = asked.load()
    got = asked.describe(loaded).teacher
    _check(got if expected.options else replace(got, options=""), expected)
    return loaded


def load_on_worker(asked: Asked, expected: Teacher, seen: tuple[str, ...]) -> Animator:
    """The teacher in a worker's process. `seen`: files of it that the head sees. Raises ValueError naming the host."""
    see(seen, "an answer")
    try:
        return load_teacher(asked, expected)
    except (ValueError, OSError) as error:
        raise ValueError(f"worker on {socket.gethostname()}: {error}") from error


def _answers(name: str) -> tuple[str, ...]:
    """One of the recorded answers: a worker may have the folder and nothing mounted there."""
    head, _, folder = name.partition(":")
    there = os.scandir(folder) if head == RECORDED and os.path.isdir(folder) else ()
    found = (entry.path for entry in there if entry.is_file() and not entry.name.startswith("."))
    return tuple(itertools.islice(found, 1))


def _check(got: Teacher, expected: Teacher) -> None:
    advice = "every worker, and whoever makes a pair once more, needs the same files; another teacher makes another dataset"
    for part in ("name", "weights_hash", "code", "options"):
        one, other = getattr(got, part), getattr(expected, part)
        require(one == other, "teacher", part, one, other, advice)


def described(
    asked: Asked, staff: Staff, out: str, held: ExitStack, load_s: float | None = LOAD_S
) -> tuple[Described, Callable[[], Animator]]:
    """Who is asked for, and what makes it in every worker. `held`: keeps the session, where one was opened to ask, for the run.

    Raises ValueError with what is missing of a teacher that has to be loaded to tell.
    """
    known = remembered(out, asked)
    if staff.total:
        if known is None and not staff.elsewhere:
            asked.refuse_missing()  # before workers are started to find it out
        known = _as_begun(known or _told_by_a_worker(asked, staff, held, load_s), asked, out)
        return known, partial(load_on_worker, asked, known.teacher, _answers(asked.name))
    loaded = None if known is not None else asked.load()
    known = _as_begun(known or asked.describe(loaded), asked, out)
    return known, cache(lambda: load_teacher(asked, known.teacher) if loaded is None else loaded)


def _as_begun(known: Described, asked: Asked, out: str) -> Described:
    """In a dataset that was begun under another word for the same plug-in, or when its teacher had no options yet, keys stay."""
    teacher = known.teacher
    plan = Ledger(out=out).plan() or {} if teacher.options or teacher.asked else {}
    if "teacher" not in plan:
        return known
    had_none = not asked.options and "options" not in plan["teacher"]
    begun = {"asked": plan["teacher"].get("asked", "")} | ({"options": ""} if had_none else {})
    return replace(known, teacher=replace(teacher, **begun))


def _told_by_a_worker(asked: Asked, staff: Staff, held: ExitStack, load_s: float | None) -> Described:
    name = asked.name
    print(f"synthesize: starting workers; the first loads {name} and tells what it is", file=sys.stderr, flush=True)
    held.enter_context(session(*staff.needs, staff.cluster(None)))
    make = partial(_make_teller, asked)
    ((_, told),) = run_items(make, [name], 1, label="teacher", gpus=staff.gpus_each, policy=Policy(load_s=load_s))
    require(not isinstance(told, Lost), "teacher", name, getattr(told, "reason", ""), "that a worker can load it")
    return told


def _make_teller(asked: Asked) -> Callable[[str], Described]:
    told = asked.describe(asked.load())
    return lambda _: told


def remember(out: str, asked: Asked, known: Described) -> None:
    """Keep what was told, for later runs."""
    name = asked.name
    place, modules = storage.join(Ledger(out=out).folder, FILE), _plugged(name)
    grid = None if known.grid is None else asdict(known.grid)
    teacher = {**asdict(known.teacher), "filter_metrics": list(known.teacher.filter_metrics)}
    record = {"asked": name, "options": dict(asked.options), "teacher": teacher, "grid": grid}
    record |= {"modules": modules, "marks": _marks(name, modules)}
    if not storage.exists(place) or read_json(place) != record:
        write_json(place, record)


def remembered(out: str, asked: Asked) -> Described | None:
    """What an earlier run was told, as long as everything behind the name is as it was."""
    place = storage.join(Ledger(out=out).folder, FILE)
    if not storage.exists(place):  # else the storage is waited for
        return None
    try:
        record = read_json(place)
        same = record["asked"] == asked.name and record["options"] == dict(asked.options)
        if not same or record["marks"] != _marks(asked.name, record["modules"]):
            return None
        teacher = Teacher(**{**record["teacher"], "filter_metrics": tuple(record["teacher"]["filter_metrics"])})
        return Described(teacher=teacher, grid=Grid(**record["grid"]) if record["grid"] else None)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _plugged(name: str) -> list[str]:
    """The plug-in's module, where the name is one's."""
    found = named(name, ANIMATORS)
    modules = [found.module] if found else []
    return [module for module in modules if module.partition(".")[0] not in PACKAGES]


def _marks(name: str, modules: list[str]) -> dict[str, Any]:
    """What changes when something behind the name does: our own code, a plug-in's module, files of a checkpoint or argument."""
    head, colon, argument = name.partition(":")
    place = argument if colon and head in ANIMATORS.table() else name
    files = {"code": source_hash(), **{module: _found(module) for module in modules}}
    if Path(place).is_dir():
        files |= {below: [facts.size_b, facts.mark] for below, facts in storage.walk(place)}
    elif Path(place).is_file():
        facts = storage.facts_of(place)
        files[place] = [facts.size_b, facts.mark]
    return files


def _found(module: str) -> str:
    """Digest of a module's file, found without running it."""
    from importlib.util import find_spec

    spec = find_spec(module)
    path = Path(spec.origin) if spec is not None and spec.origin else None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path is not None and path.is_file() else ""
