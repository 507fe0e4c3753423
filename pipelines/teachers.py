"""Who the teacher is: name with argument, weights, the code of a plug-in. Told by a process that loads it, remembered after that.

Where there are workers, one of them tells: the head never loads a teacher, it may have no accelerator. What was told stands in
`work/teacher.json` with the marks of all files it depends on, so a later run that finds them as they were needs nobody to tell.
Every worker that loads the teacher holds it against what was told.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Callable, Iterator

from bootstrap.ledger import Ledger
from bootstrap.recipe import RECORDED, Teacher
from models import storage
from models.animators.load import load_animator
from models.animators.registry import ANIMATORS
from models.artifacts import read_json, write_json
from models.protocols import Animator
from models.runtime import Runtime
from models.types import Grid, require
from pipelines.executor.pools import Cluster, Lost
from pipelines.executor.run import run_items
from pipelines.executor.source import PACKAGES, source_hash
from pipelines.stations import Staff

FILE = "teacher.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A teacher and the grid it is made for, None where it takes any."""

    teacher: Teacher
    grid: Grid | None = None


def describe(loaded: Animator, asked: str = "") -> Described:
    """`asked`: the name it was loaded by."""
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


def load_teacher(name: str, runtime: Runtime, expected: Teacher) -> Animator:
    """The teacher. Raises ValueError where it is another one than `expected`."""
    loaded = load_animator(name, runtime=runtime)
    _check(describe(loaded, name).teacher, expected)
    return loaded


def _check(got: Teacher, expected: Teacher) -> None:
    for field in ("name", "weights_hash", "code"):
        one, other = getattr(got, field), getattr(expected, field)
        require(one == other, "teacher", field, one, other, "every worker needs the same files; choose another --out for another teacher")


def described(name: str, runtime: Runtime, staff: Staff, out: str) -> tuple[Described, Callable[[], Animator]]:
    """Who is behind `name`, and what makes it in every worker."""
    known = remembered(out, name)
    if staff.total:
        known = known or _told_by_a_worker(name, runtime, staff)
        return known, partial(load_teacher, name, runtime, known.teacher)
    loaded = None if known is not None else load_animator(name, runtime=runtime)
    known = known or describe(loaded, name)
    return known, cache(lambda: load_teacher(name, runtime, known.teacher) if loaded is None else loaded)


def _told_by_a_worker(name: str, runtime: Runtime, staff: Staff) -> Described:
    tell = run_items(
        partial(_make_teller, runtime), [name], 1, label="teacher", gpus=staff.gpus_each, cluster=Cluster(address=staff.address)
    )
    ((_, told),) = tell
    require(not isinstance(told, Lost), "teacher", name, getattr(told, "reason", ""), "that a worker can load it")
    return told


def _make_teller(runtime: Runtime) -> Callable[[str], Described]:
    return lambda name: describe(load_animator(name, runtime=runtime), name)


def remember(out: str, name: str, known: Described) -> None:
    """Keep what was told, for later runs."""
    place, modules = storage.join(Ledger(out=out).folder, FILE), _plugged(name)
    grid = None if known.grid is None else asdict(known.grid)
    record = {"asked": name, "teacher": asdict(known.teacher), "grid": grid, "modules": modules, "marks": _marks(name, modules)}
    record = {**record, "teacher": {**record["teacher"], "filter_metrics": list(known.teacher.filter_metrics)}}
    if not storage.exists(place) or read_json(place) != record:
        write_json(place, record)


def remembered(out: str, name: str) -> Described | None:
    """What an earlier run was told, as long as everything behind the name is as it was."""
    place = storage.join(Ledger(out=out).folder, FILE)
    if not storage.exists(place):  # else the storage is waited for
        return None
    try:
        record = read_json(place)
        if record["asked"] != name or record["marks"] != _marks(name, record["modules"]):
            return None
        teacher = Teacher(**{**record["teacher"], "filter_metrics": tuple(record["teacher"]["filter_metrics"])})
        return Described(teacher=teacher, grid=Grid(**record["grid"]) if record["grid"] else None)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _plugged(name: str) -> list[str]:
    """The plug-in's module, where the name is one's."""
    entry = ANIMATORS.table().get(name.partition(":")[0])
    modules = [entry.target.partition(":")[0]] if entry else []
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
