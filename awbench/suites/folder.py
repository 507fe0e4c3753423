"""A suite anyone can write: a folder with suite.yaml and media beside it.

    name: my-suite
    version: "1"
    grid: {width: 256, height: 256, fps: 8, num_frames: 16}
    cases:
    - id: dog-as-robot                  # becomes a file name: letters, digits, - and _
      driver: driving/dog.mp4           # inside this folder, or an absolute path; `..` is refused, so that folders move
      reference: reference/robot.png
      truth: truth/dog-as-robot.npz     # optional: a truth archive, or a video (then every pixel counts as subject)
      prompt: a robot dog runs
      tags: {subject: robot, framing: full, count: "1", camera: static, track: cross}
      driver_id: dog
      identity_id: robot
      reference_pose: independent       # or first_frame: the reference stands as the driver's first frame does

A driver is read from its start, centre-cropped and resampled to the grid; the case's media say how.
Optional keys `adaptation` (what was done to the sources before) and `problem` (why a case has no media) are written by runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Iterator, Mapping

import numpy as np
import yaml

from awbench.cases import Case, CaseMedia, Suite, Truth
from awbench.suites.arrays import truth_from_arrays, unpack
from models.artifacts import sha256, sha256_file
from models.images import MediaError, fit_image, read_image
from models.optical_flow import flow_sequence
from models.types import Clip, Grid, require
from models.video import Window, read_window

SUITE_FILE = "suite.yaml"
_MAX_YAML_BYTES = 64 << 20
_CASE_KEYS = ("id", "tags", "prompt", "driver_id", "identity_id", "reference_pose")
_FILE_KEYS = ("driver", "reference", "truth", "adaptation", "problem")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFiles:
    """Where a case's media lie, as written in suite.yaml. `problem`: why there are none."""

    driver: str = ""
    reference: str = ""
    truth: str = ""
    adaptation: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSource:
    """Reads the media of a case from the files named in suite.yaml."""

    folder: Path
    grid: Grid
    files: Mapping[str, CaseFiles]

    def __call__(self, case: Case) -> CaseMedia:
        files = self.files[case.id]
        if files.problem:
            raise MediaError(files.problem)
        driving, cropped = read_part(self.folder, "driver", files.driver, lambda path: read_window(path, self.grid))
        picture = read_part(self.folder, "reference", files.reference, read_image)
        truth = read_part(self.folder, "truth", files.truth, lambda path: read_truth(path, self.grid)) if files.truth else None
        height, width = picture.image.shape[:2]
        size_note = f"reference cropped and resized from {width}x{height}" if (width, height) != self.grid.size else ""
        notes = [files.adaptation, describe_window(cropped, self.grid), size_note, *(f"reference {note}" for note in picture.notes)]
        reference = fit_image(picture.image, self.grid.size)
        return CaseMedia(reference=reference, driving=driving, truth=truth, adaptation="; ".join(note for note in notes if note))


def describe_window(window: Window, grid: Grid) -> str:
    """How a driver was brought to the grid, "" when it was there already."""
    notes = []
    if window.source_size != grid.size:
        notes.append(f"driver cropped to {window.crop} and resized from {window.source_size[0]}x{window.source_size[1]}")
    if abs(window.source_fps - grid.fps) > 0.01 * grid.fps:
        notes.append(f"driver resampled from {window.source_fps:g} to {grid.fps:g} fps")
    return "; ".join(notes)


def read_part(folder: Path, part: str, name: str, read: Any) -> Any:
    """Read one medium of a case; an error names the part and the file."""
    path = folder / name
    if not path.is_file():
        raise MediaError(f"{part} {name}: no such file")
    try:
        return read(path)
    except (ValueError, OSError) as error:
        raise MediaError(f"{part} {name}: {error}") from error


def read_truth(path: Path, grid: Grid) -> Truth:
    """A truth archive (.npz), or a video: then all pixels are subject and seen, and the flow is estimated, not exact."""
    if path.suffix == ".npz":
        return truth_from_arrays(unpack(path.read_bytes()))
    clip: Clip = read_window(path, grid)[0]
    everywhere = np.ones(clip.frames.shape[:3], bool)
    return Truth(clip=clip, subject=everywhere, reference_subject=everywhere[0], seen=everywhere, flow=flow_sequence(clip.frames))


def load_folder(folder: str | Path, *, fingerprint: bool = True) -> Suite:
    """The suite of a folder. Raises ValueError at the first problem; `fingerprint=False` skips hashing the media."""
    folder = Path(folder)
    raw = _read_yaml(folder)
    grid = _parse_grid(raw)
    parsed = [_parse_case(entry, index) for index, entry in enumerate(raw["cases"], 1)]
    files = {case.id: case_files for case, case_files in parsed}
    mark = _fingerprint(folder, files) if fingerprint else ""
    source = FolderSource(folder=folder, grid=grid, files=files)
    return Suite(
        name=raw["name"],
        version=_text(raw["version"]),
        grid=grid,
        cases=tuple(case for case, _ in parsed),
        source=source,
        fingerprint=mark,
        has_truth=any(case_files.truth for case_files in files.values()),
    )


def validate_suite(folder: str | Path) -> list[str]:
    """Every problem of a suite folder, one line each: item, field, got, expected. An empty list: it can be used."""
    folder = Path(folder)
    try:
        raw = _read_yaml(folder)
        grid = _parse_grid(raw)
    except ValueError as error:
        return [str(error)]
    problems, good = [], []
    for index, entry in enumerate(raw["cases"], 1):
        try:
            good.append(_parse_case(entry, index))
        except ValueError as error:
            problems.append(str(error))
    return problems + list(_media_problems(raw, folder, grid, good))


def _media_problems(raw: dict[str, Any], folder: Path, grid: Grid, parsed: list[tuple[Case, CaseFiles]]) -> Iterator[str]:
    source, suite = FolderSource(folder=folder, grid=grid, files={case.id: files for case, files in parsed}), None
    try:
        suite = Suite(name=raw["name"], version=_text(raw["version"]), grid=grid, cases=tuple(case for case, _ in parsed), source=source)
    except ValueError as error:
        yield str(error)
    for case, files in parsed:
        whole = _load_problem(suite, case.id) if suite is not None else ""
        if suite is None or whole:
            parts = [files.problem] if files.problem else list(_part_problems(folder, grid, files))
            yield from (f"case {case.id}: {line}" for line in parts or [whole] if line)


def _load_problem(suite: Suite, case_id: str) -> str:
    try:
        suite.load(case_id)
    except (ValueError, OSError) as error:
        return str(error) or type(error).__name__
    return ""


def _part_problems(folder: Path, grid: Grid, files: CaseFiles) -> Iterator[str]:
    """What is wrong with each medium on its own: a load stops at the first."""
    for part, read in (
        ("driver", lambda path: read_window(path, grid)),
        ("reference", read_image),
        ("truth", lambda path: read_truth(path, grid)),
    ):
        try:
            if name := getattr(files, part):
                read_part(folder, part, name, read)
        except ValueError as error:
            yield str(error)


def _read_yaml(folder: Path) -> dict[str, Any]:
    path = folder / SUITE_FILE
    require(
        path.is_file(),
        f"suite {folder}",
        SUITE_FILE,
        "no such file",
        "a suite.yaml in the folder",
        "see awbench/suites/folder.py for its form",
    )
    require(path.stat().st_size <= _MAX_YAML_BYTES, str(path), "size", path.stat().st_size, f"at most {_MAX_YAML_BYTES} bytes")
    try:
        raw = yaml.load(path.read_bytes(), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: not valid yaml ({' '.join(str(error).split())[:200]})") from error
    require(isinstance(raw, dict), str(path), "content", type(raw).__name__, "a mapping with name, version, grid, cases")
    missing = [key for key in ("name", "version", "grid", "cases") if key not in raw]
    require(not missing, str(path), "keys", sorted(map(str, raw)), f"also {', '.join(missing)}")
    require(isinstance(raw["cases"], list), str(path), "cases", type(raw["cases"]).__name__, "a list of cases")
    return raw


def _parse_grid(raw: dict[str, Any]) -> Grid:
    grid, names = raw["grid"], [field.name for field in fields(Grid)]
    ok = isinstance(grid, dict) and sorted(map(str, grid)) == sorted(names)
    require(ok, "suite.yaml", "grid", grid, f"a mapping with exactly {', '.join(names)}")
    for name, value in grid.items():
        require(isinstance(value, int | float) and not isinstance(value, bool), "suite.yaml", f"grid.{name}", repr(value), "a number")
    return Grid(**{**grid, "fps": float(grid["fps"])})


def _text(value: Any) -> Any:
    plain_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if plain_number else value  # yaml reads `version: 1` and `count: 2` as numbers


def _parse_case(entry: Any, index: int) -> tuple[Case, CaseFiles]:
    item = f"case number {index}"
    require(isinstance(entry, dict), item, "entry", type(entry).__name__, "a mapping with id, driver, reference")
    unknown = [str(key) for key in entry if key not in _CASE_KEYS + _FILE_KEYS]
    require(not unknown, item, "keys", ", ".join(unknown)[:200], f"only {', '.join(_CASE_KEYS + _FILE_KEYS)}")
    require("id" in entry, item, "id", "none", "an id")
    own = {key: entry[key] for key in _CASE_KEYS if entry.get(key) is not None}
    if isinstance(own.get("tags"), dict):
        own["tags"] = {name: _text(value) for name, value in own["tags"].items()}
    case = Case(**{key: _text(value) if key.endswith("_id") else value for key, value in own.items()})
    return case, _parse_files(entry, f"case {case.id}")


def _parse_files(entry: dict[str, Any], item: str) -> CaseFiles:
    given = {key: entry[key] for key in _FILE_KEYS if entry.get(key) is not None}
    for key, value in given.items():
        require(isinstance(value, str) and value != "", item, key, repr(value)[:80], "text")
    for key in ("driver", "reference"):
        require(key in given or "problem" in given, item, key, "none", "the path of a file")
    for key in ("driver", "reference", "truth"):
        inside = Path(os.path.normpath(given.get(key, "."))).parts[:1] != ("..",)
        require(inside, item, key, given.get(key), "a path inside the suite's folder, or an absolute path", "copy the file into the folder")
    return CaseFiles(**given)


def _fingerprint(folder: Path, files: Mapping[str, CaseFiles]) -> str:
    names = sorted({name for case in files.values() for name in (case.driver, case.reference, case.truth) if name})
    hashes = [f"{name} {sha256_file(folder / name) if (folder / name).is_file() else 'missing'}" for name in names]
    return sha256("\n".join([sha256_file(folder / SUITE_FILE), *hashes]).encode())
