"""From what a user writes after --suite to a Suite: a name of the catalog or a folder with suite.yaml; and its check."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

from awbench.cases import Suite
from awbench.catalog import SUITES
from awbench.suites.folder import SUITE_FILE, load_folder, validate_suite


def load_suite(name_or_folder: str | Path) -> Suite:
    """The suite of that name or folder (or its suite.yaml). Raises ValueError with the nearest known names."""
    name = str(name_or_folder)
    if name in SUITES.table():
        return SUITES.load(name)()
    path = Path(name_or_folder)
    if path.name == SUITE_FILE and path.is_file():
        return load_folder(path.parent)
    return load_folder(path) if path.is_dir() else SUITES.load(name)()


def validate(name_or_folder: str | Path) -> list[str]:
    """Every problem of a suite, one line each: of a folder its yaml and media, of a world suite whether it still renders the same."""
    if str(name_or_folder) not in SUITES.table():
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
