"""Who the teacher is: name with argument, weights, the code of a plug-in. Told by a process that loads it, remembered after that.

Where there are workers, one of them tells: the head never loads a teacher, it may have no accelerator. What was told stands in
`work/teacher.json` with the marks of all files it depends on, so a later run that finds them as they were needs nobody to tell.
Every worker that loads the teacher holds it against what was told.
"""

from __future__ import annotations

import hashlib
import inspect
import itertools
import json
import os
import socket
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from bootstrap.ledger import Ledger
from bootstrap.recipe import RECORDED, Teacher
from bootstrap.sight import see
from models import storage
from models.animators.load import load_animator
from models.animators.registry import ANIMATORS
from models.artifacts import read_json, write_json
from models.estimate import Estimate, Workload
from models.option_values import record_options
from models.protocols import Animator
from models.runtime import Runtime
from models.stated import estimate_of, named, options_of, read_options
from models.types import Grid, require
from pipelines.executor.pools import LOAD_S, Lost, Policy
from pipelines.executor.run import run_items
from pipelines.executor.session import session
from pipelines.executor.source import PACKAGES, source_hash
from pipelines.stations import Staff

FILE = "teacher.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A teacher and the grid it is made for, None where it takes any."""

    teacher: Teacher
    grid: Grid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says of a teacher. `options`: what `--set` gives, as text."""

    name: str
    runtime: Runtime = field(default_factory=Runtime)
    options: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> Animator:
        return load_animator(self.name, runtime=self.runtime, options=self.options)

    def estimate(self, work: Workload) -> Estimate:
        """What one answer takes, as far as it is stated."""
        return estimate_of(self.name, work, self._read(), ANIMATORS)

    def describe(self, loaded: Animator) -> Described:
        """Its options are what they come to, those among them that decide what is made: defaults too."""
        found = describe(loaded, self.name)
        return replace(found, teacher=replace(found.teacher, options=self._resolved()))

    def _resolved(self) -> str:
        told = record_options(self._read())
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if told else ""

    def _read(self) -> Any:
        return read_options(options_of(self.name, ANIMATORS), self.options, f"animator {self.name}")


def describe(loaded: Animator, asked: str = "") -> Described:
    """`asked`: the name it was loaded by. Options are not seen on it."""
    metrics = tuple(sorted(getattr(loaded, "filter_metrics", ())))
    name = _name(loaded, asked)
    if name == RECORDED:
        return Described(teacher=Teacher(name=RECORDED, filter_metrics=metrics))
    weights_hash = getattr(loaded, "weights_hash", "")
    teacher = Teacher(name=name, weights_hash=weights_hash, code=_code_of(_modules(loaded, asked)), filter_metrics=metrics)
    return Described(teacher=teacher, grid=getattr(loaded, "grid", None))


def _name(loaded: Animator, asked: str) -> str:
    """As it was asked for, of a path its last part; recorded answers are the same whatever their folder is called."""
    head, colon, argument = asked.partition(":")
    if head == RECORDED or loaded.name.startswith(f"{RECORDED}:"):
        return RECORDED
    if not colon or head not in ANIMATORS.table():
        return loaded.name
    return f"{head}:{Path(argument).name if Path(argument).exists() else argument}"


def _modules(loaded: Animator, asked: str) -> list[str]:
    """Modules that make a plug-in what it is; none of an animator of ours."""
    entry = ANIMATORS.table().get(asked.partition(":")[0])
    names = {type(loaded).__module__, *([entry.target.partition(":")[0]] if entry else [])}
    return sorted(name for name in names if name.partition(".")[0] not in PACKAGES)


def _files_of(modules: list[str]) -> Iterator[Path]:
    for name in modules:
        try:
            yield Path(inspect.getfile(sys.modules[name]))
        except (KeyError, TypeError):  # made by hand, in no file
            continue


def _code_of(modules: list[str]) -> str:
    files = list(_files_of(modules))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest() if files else ""


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
    for part in ("name", "weights_hash", "code", "options"):
        one, other = getattr(got, part), getattr(expected, part)
        require(one == other, "teacher", part, one, other, "every worker needs the same files; choose another --out for another teacher")


def described(
    asked: Asked, staff: Staff, out: str, held: ExitStack, load_s: float | None = LOAD_S
) -> tuple[Described, Callable[[], Animator]]:
    """Who is asked for, and what makes it in every worker. `held`: keeps the session, where one was opened to ask, for the run."""
    known = remembered(out, asked)
    if staff.total:
        known = _as_begun(known or _told_by_a_worker(asked, staff, held, load_s), asked, out)
        return known, partial(load_on_worker, asked, known.teacher, _answers(asked.name))
    loaded = None if known is not None else asked.load()
    known = _as_begun(known or asked.describe(loaded), asked, out)
    return known, cache(lambda: load_teacher(asked, known.teacher) if loaded is None else loaded)


def _as_begun(known: Described, asked: Asked, out: str) -> Described:
    """In a dataset that was begun when its teacher had no options yet, defaults are nothing new: its keys stay."""
    plan = {} if asked.options or not known.teacher.options else Ledger(out=out).plan() or {}
    had_none = "teacher" in plan and "options" not in plan["teacher"]
    return replace(known, teacher=replace(known.teacher, options="")) if had_none else known


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
