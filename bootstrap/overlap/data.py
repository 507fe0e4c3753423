"""The data somebody trained on as facts that can be compared with those of a benchmark: media, or a dataset of pairs.

Of a dataset the targets in its shards are looked at (real footage), the first frames of its drivers (identities), and the hashes of all
its sources (`sources.parquet`).
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from awbench.media.listing import list_media
from bootstrap.shards.reader import DamagedShard, places, read_example
from bootstrap.sources.facts import Facts, Unread
from bootstrap.sources.inspection import facts_of_clip, facts_of_image, inspect
from models.progress import Progress
from models.storage import exists, join, read_bytes

_COLUMNS = ("key", "driving", "driving_sha256", "window", "reference", "reference_sha256", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """`facts` of footage and identities by name; `hashes`: sha256 -> name, of sources that are not at hand; `unread`: what was not read."""

    facts: Mapping[str, Facts]
    hashes: Mapping[str, str]
    unread: tuple[str, ...] = ()


def media_facts(place: str) -> DataFacts:
    """Facts of all clips and images behind a location."""
    entries, facts = list_media([place], "image").entries, {}
    with Progress("validate: reading the data", total=len(entries)) as bar:
        for entry in entries:
            facts[entry.id] = inspect(entry.location, entry.kind)
            bar.step(failed=isinstance(facts[entry.id], Unread))
    unread = tuple(f"{name}: {one.reason}" for name, one in facts.items() if isinstance(one, Unread))
    return DataFacts(facts=facts, hashes={}, unread=unread)


def dataset_facts(folder: str) -> DataFacts:
    """One target for every window, one identity for every reference: what further pairs repeat is not decoded."""
    rows = pq.read_table(io.BytesIO(read_bytes(join(folder, "manifest.parquet"))), columns=list(_COLUMNS)).to_pylist()
    wanted, named = {row["key"]: row for row in first_of_each(rows)}, Names(rows)
    facts: dict[str, Facts] = {}
    unread: list[str] = []
    with Progress("validate: reading the dataset", total=len(wanted)) as bar:
        for place in places(folder, on_damage=lambda error: unread.append(str(error))):
            if place.key not in wanted:
                continue
            row = wanted[place.key]
            try:
                example = read_example(place)
                facts[f"driving {named.of(row, 'driving')} at {row['window'][0]:g} s"] = facts_of_clip(example.target)
                facts[f"identity {named.of(row, 'reference')}"] = facts_of_image(example.driver.frames[0])
                bar.step()
            except DamagedShard as error:
                unread.append(str(error))
                bar.step(failed=True)
    return DataFacts(facts=facts, hashes=_source_hashes(folder), unread=tuple(unread))


def first_of_each(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The kept pairs that show a window or an identity first. Sources are told apart by content: a name may have had several."""
    windows, identities = set(), set()
    for row in rows:
        if row["status"] != "kept":
            continue
        window, identity = (row["driving_sha256"], tuple(row["window"])), row["reference_sha256"]
        if window not in windows or identity not in identities:
            yield row
        windows.add(window)
        identities.add(identity)


class Names:
    """What sources are called: by their names, with a part of the hash where a name has stood for several contents."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._contents: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in rows:
            for role in ("driving", "reference"):
                self._contents[role, row[role]].add(row[f"{role}_sha256"])

    def of(self, row: Mapping[str, Any], role: str) -> str:
        alone = len(self._contents[role, row[role]]) == 1
        return row[role] if alone else f"{row[role]} (sha256 {row[f'{role}_sha256'][:8]})"


def _source_hashes(folder: str) -> dict[str, str]:
    table = join(folder, "sources.parquet")
    rows = pq.read_table(io.BytesIO(read_bytes(table)), columns=["role", "id", "sha256"]).to_pylist() if exists(table) else []
    return {row["sha256"]: f"{row['role']} {Path(row['id']).as_posix()}" for row in rows if row["sha256"]}
