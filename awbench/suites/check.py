"""What is wrong with a suite folder, and what is no fault but should be known; one line each."""

from __future__ import annotations

from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Iterator

from awbench.cases import Case, Suite
from awbench.statistics import MIN_CLUSTERS
from awbench.suites.case_media import FolderSource, read_part
from awbench.suites.folder import load_folder
from awbench.suites.parse import DRIVER, CaseFiles, parse_case, parse_grid, read_yaml, text_of
from models.framing import fit_box
from models.images import MediaError, read_image
from models.types import Grid
from models.video import frames_of

CUT_AWAY = 0.3
"""Share of a picture's area from which on `notes_of_suite` tells that cropping takes it away."""


def validate_suite(folder: str | Path) -> list[str]:
    """Every problem of a suite folder, one line each: item, field, got, expected. An empty list: it can be used."""
    folder = Path(folder)
    try:
        raw = read_yaml(folder)
        grid = parse_grid(raw)
    except ValueError as error:
        return [str(error)]
    problems, good = [], []
    for index, entry in enumerate(raw["cases"], 1):
        try:
            good.append(parse_case(entry, index))
        except ValueError as error:
            problems.append(str(error))
    return problems + list(_media_problems(raw, folder, grid, good))


def _media_problems(raw: dict[str, Any], folder: Path, grid: Grid, parsed: list[tuple[Case, CaseFiles]]) -> Iterator[str]:
    fit = raw.get("fit", "crop")
    source, suite = FolderSource(folder=folder, grid=grid, files={case.id: files for case, files in parsed}, fit=fit), None
    try:
        cases, version = tuple(case for case, _ in parsed), text_of(raw["version"])
        suite = Suite(name=raw["name"], version=version, grid=grid, cases=cases, source=source, fit=fit)
    except ValueError as error:
        yield str(error)
    for case, files in parsed:
        whole = _load_problem(suite, case.id) if suite is not None else ""
        if suite is None or whole:
            parts = [files.problem] if files.problem else list(_part_problems(source, files))
            yield from (f"case {case.id}: {line}" for line in parts or [whole] if line)


def _load_problem(suite: Suite, case_id: str) -> str:
    try:
        suite.load(case_id)
    except (ValueError, OSError) as error:
        return str(error) or type(error).__name__
    return ""


def _part_problems(source: FolderSource, files: CaseFiles) -> Iterator[str]:
    """What is wrong with each medium on its own: a load stops at the first."""
    read_truth = partial(source.read_truth, start_s=files.driver_start_s)
    for part, read in (("driver", source.window_of(files)), ("reference", read_image), ("truth", read_truth)):
        name = getattr(files, part)
        try:
            if name and (part, name) != ("truth", DRIVER):
                read_part(source.folder, part, name, read)
        except ValueError as error:
            yield str(error)


def notes_of_suite(folder: str | Path) -> list[str]:
    """What is no fault but should be known, one line each: media of which cropping to the grid takes away `CUT_AWAY` or more."""
    suite = load_folder(folder, fingerprint=False)
    source, users = suite.source, {}
    for case in suite.cases if suite.fit == "crop" else ():
        files = source.files[case.id]
        for part in ("driver", "reference"):
            users.setdefault((part, getattr(files, part)), []).append(case.id)
    lost = {key: _cut_share(source.folder / key[1], _SIZE_OF[key[0]], suite.grid) for key in users if key[1]}
    notes = [
        f"{part} {name}: cropping to {suite.grid.width}x{suite.grid.height} cuts {share:.0%} of its picture away "
        f"({len(users[part, name])} case(s), e.g. {users[part, name][0]})"
        for (part, name), share in lost.items()
        if share >= CUT_AWAY
    ]
    return notes + ["`fit: pad` (`suite make --fit pad`) would show all of these"] * bool(notes)


def few_to_compare(suite: Suite) -> list[str]:
    """One line where no comparison can be told on the suite, however many cases it has."""
    drivers = len({case.driver_id or f"driver of {case.id}" for case in suite.cases})
    references = len({case.identity_id or f"reference of {case.id}" for case in suite.cases})
    if min(drivers, references) >= MIN_CLUSTERS:
        return []
    needed = f"at least {MIN_CLUSTERS} drivers and {MIN_CLUSTERS} references are needed"
    return [f"{drivers} driver(s) and {references} reference(s): no comparison can be told on it, {needed}"]


def _cut_share(path: Path, size_of: Callable[[Path], tuple[int, int]], grid: Grid) -> float:
    """The share of a picture's area that the centred crop drops; 0 for what cannot be read, which is a problem of its own."""
    try:
        width, height = size_of(path)
    except (ValueError, OSError):
        return 0.0
    _, _, kept_w, kept_h = fit_box((width, height), grid.size)
    return 1 - kept_w * kept_h / (width * height)


def _driver_size(path: Path) -> tuple[int, int]:
    for frame in islice(frames_of(path), 1):
        return frame.image.shape[1], frame.image.shape[0]
    raise MediaError("no frame could be decoded")


def _reference_size(path: Path) -> tuple[int, int]:
    height, width = read_image(path).image.shape[:2]
    return width, height


_SIZE_OF = {"driver": _driver_size, "reference": _reference_size}
