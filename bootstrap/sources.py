"""A folder of media -> what can be used, what cannot and why. One bad file never stops a run.

Driving folders hold clips; reference folders hold identity images (of a clip, the first frame is the identity).
Every clip is decoded once to its end, so a stream that breaks late is known before the first pair is made. Links are
followed, each path that does not run in a circle is one entry. An optional
`clips.csv` (column `file`, then any of `TAG_COLUMNS`) adds tags; its other columns are not read.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator, Mapping

import numpy as np

from bootstrap.reasons import printable, reason_of
from models.artifacts import sha256_file
from models.images import IMAGE_SUFFIXES, MediaError, read_image
from models.types import Grid, require
from models.video import VIDEO_SUFFIXES, frames_of

TAGS_FILE = "clips.csv"
TAG_COLUMNS = ("subject", "framing", "count", "camera", "motion", "licence", "consent", "split", "prompt")
_SIDECARS = frozenset({".csv", ".json", ".npz", ".npy", ".txt", ".md", ".yaml", ".yml", ".html", ".bvh"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A usable file. `id`: its path below the folder; `latest_start_s`: the last start at which a window still fits."""

    id: str
    sha256: str
    latest_start_s: float = 0.0
    notes: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file that cannot be used, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Everything found in one folder, each part sorted by id. `ignored`: files that are no media of the wanted kind."""

    usable: tuple[Source, ...]
    unreadable: tuple[Unreadable, ...]
    ignored: tuple[str, ...]


def scan_driving(folder: str | Path, grid: Grid, seen: Callable[[str], None] = lambda _: None) -> Listing:
    """List the clips of `folder` that hold at least one window of `grid`. `seen(id)` is called after each file."""
    return _scan(Path(folder), "driving", VIDEO_SUFFIXES, IMAGE_SUFFIXES, lambda path: (_latest_start(path, grid), ()), seen)


def scan_references(folder: str | Path, seen: Callable[[str], None] = lambda _: None) -> Listing:
    """List the identity images of `folder`; of a clip the first frame is the identity."""
    return _scan(Path(folder), "references", IMAGE_SUFFIXES | VIDEO_SUFFIXES, frozenset(), lambda path: (0.0, read_identity(path)[1]), seen)


def read_identity(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """The identity picture in a file, uint8 `[H,W,3]`, and how it was adapted. Raises MediaError."""
    if path.suffix.lower() in IMAGE_SUFFIXES:
        picture = read_image(path)
        return picture.image, picture.notes
    for frame in frames_of(path):
        return frame.image, ("first frame of the clip",)
    raise MediaError("no frame could be decoded")


def _latest_start(path: Path, grid: Grid) -> float:
    count, last_s = 0, 0.0
    for frame in frames_of(path):
        count, last_s = count + 1, frame.time_s
    needed_s = (grid.num_frames - 1) / grid.fps
    if last_s + 1e-6 < needed_s:
        wanted = f"{grid.num_frames} frames at {grid.fps:g} fps"
        raise MediaError(f"too short: {count} frame(s), the last at {last_s:.3f} s; a window of {wanted} needs one at {needed_s:.3f} s")
    return round(max(0.0, last_s - needed_s), 6)


def _scan(folder: Path, what: str, wanted: frozenset, other: frozenset, inspect: Callable, seen: Callable[[str], None]) -> Listing:
    require(folder.is_dir(), what, "folder", folder, "an existing folder of media")
    tags, usable, unreadable, ignored = read_tags(folder), [], [], []
    for path in files_below(folder):
        name, suffix = path.relative_to(folder).as_posix(), path.suffix.lower()
        if suffix in _SIDECARS or (suffix in other and suffix not in wanted):
            ignored.append(printable(name))
            continue
        try:
            usable.append(_usable(path, name, suffix in wanted, inspect, tags.get(name, {})))
        except Exception as error:  # whatever a damaged file provokes is this file's row, never the end of the run
            unreadable.append(Unreadable(id=printable(name), reason=reason_of(error)))
        seen(name)
    found = {path.relative_to(folder).as_posix() for path in files_below(folder)}
    unreadable += [Unreadable(id=name, reason=f"listed in {TAGS_FILE} but missing") for name in tags if name not in found]
    return Listing(usable=tuple(usable), unreadable=tuple(sorted(unreadable, key=lambda item: item.id)), ignored=tuple(ignored))


def _usable(path: Path, name: str, known: bool, inspect: Callable, tags: Mapping[str, str]) -> Source:
    if not known and os.path.isfile(path):
        raise MediaError(f"unknown media suffix {path.suffix!r}")
    check_openable(path, name)
    latest_start_s, notes = inspect(path)
    return Source(id=name, sha256=sha256_file(path), latest_start_s=latest_start_s, notes=tuple(notes), tags=tags)


def check_openable(path: Path, name: str) -> None:
    """Raise MediaError for what must not be opened: opening a pipe or a device can wait for ever."""
    if printable(name) != name:
        raise MediaError("file name is not valid UTF-8; rename it")
    if os.path.isdir(path):
        raise MediaError("a folder that cannot be listed")
    if not os.path.isfile(path):
        raise MediaError("not a regular file")


def files_below(folder: Path) -> list[Path]:
    """Everything that is not hidden and no folder, sorted by its path below `folder`; a folder that cannot be listed is one entry."""
    return sorted(_walk(folder, frozenset()), key=lambda path: path.relative_to(folder).as_posix())


def _walk(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    here = os.path.realpath(folder)
    if here in above:
        return  # a link back to a folder on the way here
    try:
        names = os.listdir(folder)
    except OSError:
        yield folder
        return
    for path in (folder / name for name in names if not name.startswith(".")):
        if os.path.isdir(path):
            yield from _walk(path, above | {here})
        else:
            yield path


def read_tags(folder: Path) -> dict[str, dict[str, str]]:
    """`clips.csv` as file -> its non-empty `TAG_COLUMNS`; empty when there is none."""
    path = folder / TAGS_FILE
    if not path.is_file():
        return {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            require("file" in (reader.fieldnames or ()), str(path), "columns", reader.fieldnames, "a column 'file'")
            rows = {row["file"]: row for row in reader if row["file"]}
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: content: got {error}, expected a table in UTF-8; save it as CSV in UTF-8") from error
    return {name: {column: row[column] for column in TAG_COLUMNS if row.get(column)} for name, row in rows.items()}
