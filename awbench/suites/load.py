"""From what a user writes after --suite to a Suite: a name of the catalog or a folder with suite.yaml; and its check.

`name:argument` passes the argument to the suite's factory; a world suite takes its grid there, as world-v1:512x512x24@12.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Iterator

from awbench.cases import Suite
from awbench.catalog import SUITES
from awbench.suites.check import validate_suite
from awbench.suites.folder import load_folder
from awbench.suites.parse import SUITE_FILE


def load_suite(name_or_folder: str | Path) -> Suite:
    """The suite of that name or folder (or its suite.yaml). Raises ValueError with the nearest known names."""
    path = Path(name_or_folder)
    if not _in_catalog(name_or_folder):
        if path.name == SUITE_FILE and path.is_file():
            return load_folder(path.parent)
        if path.is_dir():
            return load_folder(path)
        if len(path.parts) > 1 or path.exists() or _near_folder(path):
            near = _near_folder(path)
            advice = f"did you mean {near}?" if near else "`actorforge ls suites` lists the names"
            raise ValueError(f"suite {path}: got no such folder, expected one with a {SUITE_FILE}, or a suite's name; {advice}")
    name, _, argument = str(name_or_folder).partition(":")
    return SUITES.load(name)(argument) if argument else SUITES.load(name)()


def _near_folder(path: Path) -> str:
    """A suite folder beside `path` with nearly its name, or ""."""
    places = path.parent.glob(f"*/{SUITE_FILE}") if path.parent.is_dir() else ()
    found = get_close_matches(path.name, [place.parent.name for place in places], n=1)
    return str(path.parent / found[0]) if found else ""


def _in_catalog(name_or_folder: str | Path) -> bool:
    return str(name_or_folder).partition(":")[0] in SUITES.table()


def validate(name_or_folder: str | Path) -> list[str]:
    """Every problem of a suite, one line each: of a folder its yaml and media, of a world suite whether it still renders the same."""
    if not _in_catalog(name_or_folder):
        path = Path(name_or_folder)
        return validate_suite(path.parent if path.name == SUITE_FILE else path)
    from awbench.suites.world import WorldSource, validate_world

    suite = load_suite(name_or_folder)
    return validate_world(suite) if isinstance(suite.source, WorldSource) else list(_load_problems(suite))


def _load_problems(suite: Suite) -> Iterator[str]:
    for case in suite.cases:
        try:
            suite.load(case.id)
        except (ValueError, OSError) as error:
            yield f"suite {suite.name} case {case.id}: {error}"
