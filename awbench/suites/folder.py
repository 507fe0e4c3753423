"""A suite anyone can write: a folder with suite.yaml and media beside it.

    name: my-suite
    version: "1"
    grid: {width: 256, height: 256, fps: 8, num_frames: 16}
    fit: crop                           # optional, for media and answers of another shape: crop, subject or pad
    cases:
    - id: dog-as-robot                  # becomes a file name: letters, digits, - and _
      driver: driving/dog.mp4           # inside this folder, or an absolute path; `..` is refused, so that folders move
      reference: reference/robot.png
      truth: truth/dog-as-robot.npz     # optional: a truth archive, a video (then every pixel counts as subject), or `driver`: the driver
      prompt: a robot dog runs
      tags: {driver_subject: animal, reference_subject: cartoon, driver_framing: full, mode: one_to_one, track: cross}
      driver_id: dog
      identity_id: robot
      reference_pose: independent       # or first_frame: the reference stands as the driver's first frame does

A case of `track: self` with `reference_pose: first_frame` shows the driver's own first frame: the driver is its truth, named or not.

A driver is read from its start, brought to the grid's shape by `fit` and resampled; the case's media say how. `fit` holds for the driver,
the reference, a filmed truth and the answers alike. `crop` cuts in the middle; `pad` shows all of it between grey bars, which stay part of
the picture; `subject` cuts driver and reference where the subject of each is, an answer of the driver's own shape where the driver was cut,
any other in the middle: what a system made has no say in how it is shown. A filmed truth of its own cannot be cut by `subject`, since its
box and the driver's may differ; on the self track the reference is the driver's first frame as it is cut.
Optional keys `adaptation` (what was done to the sources before), `driver_cut` (which box of them a driver cut by `subject` shows) and
`problem` (why a case has no media) are written by runs.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import numpy as np
import yaml

from awbench.cases import FIT_SAID, SUITE_FITS, Case, CaseMedia, Suite, Truth, case_mark
from awbench.suites.arrays import truth_from_arrays, unpack
from models.artifacts import sha256, sha256_file
from models.framing import fit_box, fit_image
from models.images import MediaError, read_image
from models.subject import subject_box
from models.types import Clip, Grid, require
from models.video import Window, frames_of, read_window

SUITE_FILE = "suite.yaml"
DRIVER = "driver"
"""`truth: driver`: a clip whose own first frame is its reference is its own right answer."""
CUT_AWAY = 0.3
"""Share of a picture's area from which on `notes_of_suite` tells that cropping takes it away."""
_MAX_YAML_BYTES = 64 << 20
_CASE_KEYS = ("id", "tags", "prompt", "driver_id", "identity_id", "reference_pose")
_FILE_KEYS = ("driver", "reference", "truth", "adaptation", "problem", "driver_cut")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFiles:
    """Where a case's media lie, as written in suite.yaml. `problem`: why there are none."""

    driver: str = ""
    reference: str = ""
    truth: str = ""
    adaptation: str = ""
    problem: str = ""
    driver_cut: str = ""

    @property
    def cut(self) -> tuple[int, ...] | None:
        """`driver_cut`, "x,y,w,h,W,H", as numbers."""
        return tuple(map(int, self.driver_cut.split(","))) if re.fullmatch(r"(\d{1,6},){5}\d{1,6}", self.driver_cut) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSource:
    """Reads the media of a case from the files named in suite.yaml."""

    folder: Path
    grid: Grid
    files: Mapping[str, CaseFiles]
    fit: str = "crop"

    def __call__(self, case: Case) -> CaseMedia:
        files = self.files[case.id]
        if files.problem:
            raise MediaError(files.problem)
        driving, cropped = read_part(self.folder, "driver", files.driver, self.read_driver)
        picture = read_part(self.folder, "reference", files.reference, read_image)
        reference, size_note = self.fitted(picture.image)
        truth = whole_truth(driving) if files.truth == DRIVER else None
        if truth is not None and self.fit == "subject":  # its own first frame, cut as the whole clip is
            reference, size_note = driving.frames[0], ""
        if files.truth and truth is None:
            truth = read_part(self.folder, "truth", files.truth, self.read_truth)
        notes = [files.adaptation, describe_window(cropped, self.grid, self.fit), size_note]
        notes += [f"driver {note}" for note in cropped.notes] + [f"reference {note}" for note in picture.notes]
        cut = (files.cut or (*cropped.crop, *cropped.source_size)) if self.fit == "subject" else None
        told = "; ".join(note for note in notes if note)
        return CaseMedia(reference=reference, driving=driving, truth=truth, adaptation=told, driver_cut=cut)

    def fitted(self, image: np.ndarray) -> tuple[np.ndarray, str]:
        """A picture on the grid, and what was done to it."""
        size, box = (image.shape[1], image.shape[0]), None
        if size == self.grid.size:
            return image, ""
        if self.fit == "subject":
            box = subject_box(image[None], size, self.grid.size)
        done = FIT_SAID[self.fit] + (f" to {box}" if box else "")
        return fit_image(image, self.grid.size, self.fit, box=box), f"reference {done} and resized from {size[0]}x{size[1]}"

    def read_driver(self, path: Path) -> tuple[Clip, Window]:
        return read_window(path, self.grid, fit=self.fit)

    def read_truth(self, path: Path) -> Truth:
        """A truth archive (.npz), or a video."""
        if path.suffix == ".npz":
            return truth_from_arrays(unpack(path.read_bytes()))
        require(self.fit != "subject", f"truth {path.name}", "fit", "subject", "crop or pad", "a filmed truth must be cut as its driver is")
        return whole_truth(self.read_driver(path)[0])


def whole_truth(clip: Clip) -> Truth:
    """A filmed truth: all pixels are subject and seen, and nobody knows the exact flow."""
    everywhere = np.ones(clip.frames.shape[:3], bool)
    return Truth(clip=clip, subject=everywhere, reference_subject=everywhere[0], seen=everywhere, flow=None)


def describe_window(window: Window, grid: Grid, fit: str = "crop") -> str:
    """How a driver was brought to the grid, "" when it was there already."""
    notes = []
    if window.source_size != grid.size:
        notes.append(f"driver {FIT_SAID[fit]} to {window.crop} and resized from {window.source_size[0]}x{window.source_size[1]}")
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


def load_folder(folder: str | Path, *, fingerprint: bool = True) -> Suite:
    """The suite of a folder. Raises ValueError at the first problem; `fingerprint=False` skips hashing the media."""
    folder = Path(folder)
    raw = read_yaml(folder)
    grid, fit = _parse_grid(raw), raw.get("fit", "crop")
    parsed = [_parse_case(entry, index) for index, entry in enumerate(raw["cases"], 1)]
    files = {case.id: case_files for case, case_files in parsed}
    cases = tuple(case for case, _ in parsed)
    hashes = _hashes(folder, files) if fingerprint else {}
    return Suite(
        name=raw["name"],
        version=_text(raw["version"]),
        grid=grid,
        cases=cases,
        source=FolderSource(folder=folder, grid=grid, files=files, fit=fit),
        fingerprint=_fingerprint(folder, hashes) if fingerprint else "",
        has_truth=any(case_files.truth for case_files in files.values()),
        fit=fit,
        case_marks={case.id: case_mark(case, grid, fit, _of_case(files[case.id], hashes)) for case in cases} if fingerprint else {},
    )


def validate_suite(folder: str | Path) -> list[str]:
    """Every problem of a suite folder, one line each: item, field, got, expected. An empty list: it can be used."""
    folder = Path(folder)
    try:
        raw = read_yaml(folder)
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
    fit = raw.get("fit", "crop")
    source, suite = FolderSource(folder=folder, grid=grid, files={case.id: files for case, files in parsed}, fit=fit), None
    try:
        cases, version = tuple(case for case, _ in parsed), _text(raw["version"])
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
    for part, read in (("driver", source.read_driver), ("reference", read_image), ("truth", source.read_truth)):
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


def read_yaml(folder: Path) -> dict[str, Any]:
    """The content of FOLDER/suite.yaml with its keys checked, its cases not yet. Raises ValueError."""
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
    fit = raw.get("fit", SUITE_FITS[0])
    require(fit in SUITE_FITS, str(path), "fit", repr(fit)[:80], f"one of {', '.join(SUITE_FITS)}")
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
    files = _parse_files(entry, f"case {case.id}")
    own_answer = case.track == "self" and case.reference_pose == "first_frame"
    return case, replace(files, truth=DRIVER) if own_answer and not files.truth and not files.problem else files


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


def _hashes(folder: Path, files: Mapping[str, CaseFiles]) -> dict[str, str]:
    """sha256 by file of all media named in suite.yaml."""
    names = sorted({name for case in files.values() for name in _media_of(case).values()})
    return {name: sha256_file(folder / name) if (folder / name).is_file() else "missing" for name in names}


def _media_of(files: CaseFiles) -> dict[str, str]:
    named = {part: getattr(files, part) for part in ("driver", "reference", "truth")}
    return {part: files.driver if (part, name) == ("truth", DRIVER) else name for part, name in named.items() if name}


def _of_case(files: CaseFiles, hashes: Mapping[str, str]) -> dict[str, str]:
    """What decides a case's pixels: its media's hashes by part, and why it has none."""
    return {part: hashes[name] for part, name in _media_of(files).items()} | ({"problem": files.problem} if files.problem else {})


def _fingerprint(folder: Path, hashes: Mapping[str, str]) -> str:
    return sha256("\n".join([sha256_file(folder / SUITE_FILE), *(f"{name} {mark}" for name, mark in hashes.items())]).encode())
