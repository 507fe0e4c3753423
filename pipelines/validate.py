"""`actorforge validate PATH`: what PATH is, and everything that is wrong with it, one line each.

PATH is a suite (name, folder or suite.yaml), a dataset, a run, a folder of runs, a checkpoint, or clips and images.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from models.storage import exists, is_folder, resolve
from models.types import require
from pipelines.folder_kind import folders_in, kind_of_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The kind of what was found; `problems` must be mended, `notes` should be known."""

    kind: str
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def validate(place: str) -> Finding:
    """What is at a place, and what is wrong with it. Raises ValueError where there is nothing to check."""
    from awbench.catalog import SUITES

    if place.partition(":")[0] in SUITES.table() or Path(place).name == "suite.yaml":
        return _suite(place)
    known = f"a suite ({', '.join(SUITES.table())} or a folder), a dataset, a run or a folder of them, a checkpoint, or media"
    require(exists(resolve(place)) or is_folder(resolve(place)), "validate", "path", place, known)
    kind = kind_of_folder(place)
    checks = {"suite": _suite, "checkpoint": _checkpoint, "estimator": _estimator, "dataset": _dataset, "run": _run, "runs": _runs}
    return checks.get(kind, _media)(place)


def _suite(place: str) -> Finding:
    from awbench.suites.check import few_to_compare, notes_of_suite
    from awbench.suites.folder import load_folder
    from awbench.suites.load import validate as validate_suite
    from awbench.suites.parse import SUITE_FILE
    from bootstrap.suite_remarks import suite_remarks

    folder = Path(place).parent if Path(place).name == SUITE_FILE else Path(place)
    problems = validate_suite(place)
    whole = not problems and (folder / SUITE_FILE).is_file()
    suite = load_folder(folder, fingerprint=False) if whole else None
    notes = [*notes_of_suite(folder), *suite_remarks(suite), *few_to_compare(suite)] if suite is not None else []
    return Finding(kind="suite", problems=tuple(problems), notes=tuple(notes))


def _dataset(place: str) -> Finding:
    from bootstrap.shards.validate import validate_dataset

    return Finding(kind="dataset", problems=tuple(validate_dataset(place)))


def _run(place: str) -> Finding:
    from awbench.run_validation import validate_run

    return Finding(kind="run", problems=tuple(validate_run(place)))


def _runs(place: str) -> Finding:
    runs = [folder for folder in folders_in(resolve(place)) if kind_of_folder(folder) == "run"]
    problems = [f"{Path(run).name}: {line}" for run in runs for line in _run(run).problems]
    return Finding(kind=f"{len(runs)} run(s)", problems=tuple(problems))


def _checkpoint(place: str) -> Finding:
    from models.animators.load import load_animator

    return _loaded("checkpoint", place, load_animator)


def _estimator(place: str) -> Finding:
    from models.pose.catalog import load_pose_estimator

    return _loaded("pose estimator", place, load_pose_estimator)


def _loaded(kind: str, place: str, load: Callable[[str], Any]) -> Finding:
    try:
        load(place)
    except Exception as error:  # a damaged description or weights that do not fit it fail in many ways
        return Finding(kind=kind, problems=(f"{kind} {place}: {' '.join(str(error).split())[:500]}",))
    return Finding(kind=kind, problems=())


def _media(place: str) -> Finding:
    from awbench.media.listing import list_media
    from bootstrap.sources.facts import Unread
    from bootstrap.sources.inspection import inspect
    from models.progress import Progress

    listing = list_media([place], "image")  # which lists clips, too
    bad, kinds = {row.id: row.reason for row in listing.unusable}, {entry.kind for entry in listing.entries}
    advice = "a folder that holds media, a suite, a dataset, a run or a checkpoint"
    require(bool(listing.entries or bad), "validate", "path", place, advice)
    with Progress("validate: reading", total=len(listing.entries)) as bar:
        for entry in listing.entries:
            facts = inspect(entry.location, entry.kind)
            if isinstance(facts, Unread):
                bad[entry.id] = facts.reason
            bar.step(failed=entry.id in bad)
    kind = f"{kinds.pop()} folder" if len(kinds) == 1 else "media folder"
    return Finding(kind=kind, problems=tuple(f"{name}: {why}" for name, why in sorted(bad.items())), notes=listing.notes)
