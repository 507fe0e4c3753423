"""`validate SUITE --against DATA`: footage and identities of a benchmark that are also in the data somebody trained on.

In: a suite, and a dataset of pairs or any media. Out: one line for each driver or reference of the suite that is there too: the same bytes,
or the same footage or picture by perceptual hashes (`bootstrap.sources.overlap`). Of a dataset the targets in its shards are looked at
(real footage), the first frames of its drivers (identities), and the hashes of all its sources (`sources.parquet`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from awbench.cases import Suite
from awbench.media.listing import list_media
from awbench.suites.folder import FolderSource
from awbench.suites.load import load_suite
from bootstrap.shards.reader import DamagedShard, places, read_example
from bootstrap.sources.facts import PRINTS_PER_S, ClipFacts, Facts, ImageFacts, Unread
from bootstrap.sources.inspection import facts_of_clip, facts_of_image, inspect
from bootstrap.sources.overlap import shared
from models.images import MediaError
from models.progress import Progress
from models.storage import exists, join, read_bytes, resolve
from models.types import Clip, require
from models.video import small_frames_of
from pipelines.folder_kind import KIND_NAMES, kind_of_folder

_PARTS = ("driver", "reference")
PHASES = 4
"""Prints of a clip are taken twice a second: this often as densely they are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """`facts` of footage and identities by name; `hashes`: sha256 -> name, of sources that are not at hand; `unread`: what was not read."""

    facts: Mapping[str, Facts]
    hashes: Mapping[str, str]
    unread: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Mine:
    """Facts of a suite's media by name, once for every phase of the moments at which they are compared; `users`: the cases of each."""

    phases: list[dict[str, Facts]] = field(default_factory=lambda: [{} for _ in range(PHASES)])
    users: dict[str, list[str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def overlaps(suite: str, data: str) -> tuple[list[str], list[str]]:
    """What is in both, one line each; and what could not be looked at. Raises ValueError for what is no suite, or no data."""
    mine, theirs = _suite_facts(load_suite(suite)), _data(data)
    found = {(one.mine, one.theirs): one.how for phase in reversed(mine.phases) for one in shared(phase, theirs.facts)}
    for name, facts in mine.phases[0].items():
        if isinstance(facts, ClipFacts | ImageFacts) and facts.sha256 in theirs.hashes:
            found[name, theirs.hashes[facts.sha256]] = "the same bytes"
    return [_line(*names, how, mine.users) for names, how in sorted(found.items())], [*mine.unread, *theirs.unread]


def _line(own: str, other: str, how: str, users: Mapping[str, list[str]]) -> str:
    return f"{own}: {how} as {other} ({len(users[own])} case(s), e.g. {users[own][0]})"


def _suite_facts(suite: Suite) -> _Mine:
    mine = _Mine()
    with Progress("validate: reading the suite", total=len(suite.cases)) as bar:
        for case in suite.cases:
            before = len(mine.unread)
            driver, reference = (f"{part} {text or case.id}" for part, text in zip(_PARTS, _media_names(suite, case.id)))
            try:
                _look(suite, case.id, driver, reference, mine)
            except (ValueError, OSError) as error:
                mine.unread.append(f"case {case.id}: {error}")
            for name in (driver, reference):
                mine.users.setdefault(name, []).append(case.id)
            bar.step(failed=len(mine.unread) > before)
    return mine


def _look(suite: Suite, case_id: str, driver: str, reference: str, mine: _Mine) -> None:
    """Add the facts of a case's media, where they are new; of a suite in a folder those of its files, else of what is rendered."""
    new = {driver, reference} - set(mine.phases[0])
    if isinstance(suite.source, FolderSource):
        files, folder = suite.source.files[case_id], suite.source.folder
        if files.problem:
            raise MediaError(files.problem)
        look = {driver: (str(folder / files.driver), "clip"), reference: (str(folder / files.reference), "image")}
        made = {name: inspect(*look[name]) for name in new}
        shown = _beginning(folder / files.driver, suite.grid.num_frames / suite.grid.fps) if driver in new else None
    elif new:
        media = suite.load(case_id)
        made, shown = {driver: facts_of_clip(media.driving), reference: facts_of_image(media.reference)}, media.driving
    for name in sorted(new):
        mine.phases[0][name] = made[name]
        mine.unread += [f"{name}: {made[name].reason}"] if isinstance(made[name], Unread) else []
    if driver in new and shown is not None:
        for later, facts in zip(mine.phases[1:], _later(shown)):
            later[driver] = facts


def _media_names(suite: Suite, case_id: str) -> tuple[str, str]:
    if isinstance(suite.source, FolderSource):
        files = suite.source.files[case_id]
        return files.driver, files.reference
    case = suite.case(case_id)
    return case.driver_id, case.identity_id


def _beginning(file: Path, seconds: float) -> Clip | None:
    """The part of a driver that its cases show, as a whole picture, small; None where it cannot be read, which its facts tell."""
    try:
        with closing(small_frames_of(str(file))) as film:
            frames = [frame.image for frame in takewhile(lambda frame: frame.time_s <= seconds, film)]
            return Clip(frames=np.stack(frames), fps=film.fps) if frames else None
    except (ValueError, OSError):
        return None


def _later(clip: Clip) -> list[Facts]:
    """Facts of the clip from 1, 2, ... parts of a step between two prints on: footage cut at another moment has its prints there."""
    shifts = [round(phase * clip.fps / (PRINTS_PER_S * PHASES)) for phase in range(1, PHASES)]
    return [facts_of_clip(replace(clip, frames=clip.frames[shift:])) for shift in shifts if shift < len(clip)]


def _data(place: str) -> Data:
    kind = kind_of_folder(place)
    require(kind in ("dataset", "media"), "validate", "--against", f"{place}, {KIND_NAMES[kind]}", "a dataset or media")
    return _dataset(resolve(place)) if kind == "dataset" else _media(place)


def _media(place: str) -> Data:
    entries, facts = list_media([place], "image").entries, {}
    with Progress("validate: reading the data", total=len(entries)) as bar:
        for entry in entries:
            facts[entry.id] = inspect(entry.location, entry.kind)
            bar.step(failed=isinstance(facts[entry.id], Unread))
    unread = tuple(f"{name}: {one.reason}" for name, one in facts.items() if isinstance(one, Unread))
    return Data(facts=facts, hashes={}, unread=unread)


def _dataset(folder: str) -> Data:
    """One target for every window, one identity for every reference: what further pairs repeat is not decoded."""
    rows = pq.read_table(
        io.BytesIO(read_bytes(join(folder, "manifest.parquet"))), columns=["key", "driving", "window", "reference", "status"]
    )
    wanted = {row["key"]: row for row in _first_of_each(rows.to_pylist())}
    facts: dict[str, Facts] = {}
    unread: list[str] = []
    with Progress("validate: reading the dataset", total=len(wanted)) as bar:
        for place in places(folder, on_damage=lambda error: unread.append(str(error))):
            if place.key not in wanted:
                continue
            row = wanted[place.key]
            try:
                example = read_example(place)
                facts[f"driving {row['driving']} at {row['window'][0]:g} s"] = facts_of_clip(example.target)
                facts[f"identity {row['reference']}"] = facts_of_image(example.driver.frames[0])
                bar.step()
            except DamagedShard as error:
                unread.append(str(error))
                bar.step(failed=True)
    return Data(facts=facts, hashes=_source_hashes(folder), unread=tuple(unread))


def _first_of_each(rows: list[dict]) -> Iterator[dict]:
    windows, identities = set(), set()
    for row in rows:
        if row["status"] != "kept":
            continue
        window, identity = (row["driving"], tuple(row["window"])), row["reference"]
        if window not in windows or identity not in identities:
            yield row
        windows.add(window)
        identities.add(identity)


def _source_hashes(folder: str) -> dict[str, str]:
    table = join(folder, "sources.parquet")
    rows = pq.read_table(io.BytesIO(read_bytes(table)), columns=["role", "id", "sha256"]).to_pylist() if exists(table) else []
    return {row["sha256"]: f"{row['role']} {Path(row['id']).as_posix()}" for row in rows if row["sha256"]}
