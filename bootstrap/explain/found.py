"""All that a dataset, finished or in the making, knows of one pair.

In: the location of a dataset and a key, or its beginning where that is enough. Out: an `Explained`: row, card, sources, place in a shard
and lines of the diary, each as it is recorded. What is missing (a failed pair has no card) is empty.
"""

from __future__ import annotations

import heapq
import io
import json
import os
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from models import storage
from models.artifacts import read_json
from models.dataset_events import read_events
from models.dataset_rows import keys_of, row_of, sidecar_of
from models.pair_records import members_of_record
from models.shards import MEMBERS, places_in
from models.types import require

_NEAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """`row`: of the manifest; `card`: KEY.json, {} where there is no sample; `settings`: what decides pixels and what judges.

    `sources`: role -> row of sources.parquet, or of the plan; `spans`: member -> (offset, size), bytes, in its shard; `versions`: of the
    code that wrote run.json; `diary`: lines about the pair, oldest first.
    """

    key: str
    row: Mapping[str, Any]
    card: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    diary: Sequence[Mapping[str, Any]] = ()

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        return json.loads(self.row.get("verdicts") or "[]")

    def tags(self, role: str) -> dict[str, str]:
        """What is said of a source: `role` is driving or reference."""
        told = (self.card.get("tags") or {}).get(role) or json.loads((self.sources.get(role) or {}).get("tags") or "{}")
        return {name: text for name, text in told.items() if isinstance(text, str) and text and text != "{}"}


def explained(folder: str, key: str) -> Explained:
    """What is known of the pair. Raises ValueError for a key that the dataset does not have, naming the nearest."""
    row = find_row(folder, key)
    beside = _sidecar_row(folder, row)
    spans = dict(zip(MEMBERS, _pairs(beside.get("spans") or ())))
    record = read_json(storage.join(folder, "run.json")) if storage.exists(storage.join(folder, "run.json")) else {}
    card = _card(folder, row, spans)
    return Explained(
        key=row["key"],
        row={**row, **{name: beside[name] for name in ("again", "content") if name in beside}},
        card=card,
        settings=card.get("settings") or _settings(folder, record),
        sources=_sources(folder, row),
        spans=spans or _walked(folder, row),
        versions=record.get("versions") or {},
        diary=[event for event in read_events(folder) if event.get("key") == row["key"]],
    )


def find_row(folder: str, key: str) -> Mapping[str, Any]:
    """The row of the pair whose key is `key`, or of the only one whose key begins so. No more keys are held than are shown."""
    count, begins, near = 0, dict[str, None](), list[tuple[int, str]]()
    for one in keys_of(folder):
        count += 1
        if one == key:
            begins = {one: None}
            break
        if key and one.startswith(key) and len(begins) < _NEAR:
            begins[one] = None
        near = heapq.nlargest(_NEAR, {*near, (len(os.path.commonprefix((one, key))), one)})
    alike = list(begins) or [one for shared, one in near if shared]
    expected = f"one of {count} keys" + (f", such as {', '.join(alike)}" if alike else "")
    told = f"{len(begins)} or more begin so" if begins else ""
    require(len(begins) == 1, storage.redacted(folder), "key", repr(key), expected, told)
    row = row_of(folder, *begins)
    require(row is not None, storage.redacted(folder), "key", repr(key), "its row", "it was moved this moment: ask again")
    return row


def members_of(folder: str, found: Explained) -> dict[str, bytes]:
    """The members of a pair's sample; {} where it has none."""
    if found.row.get("record"):
        return members_of_record(storage.join(folder, found.row["record"]))
    shard = storage.join(folder, found.row.get("shard") or "")
    return {name: storage.read_range(shard, at, at + size) for name, (at, size) in found.spans.items()}


def _card(folder: str, row: Mapping[str, Any], spans: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    if row.get("record"):
        data = members_of_record(storage.join(folder, row["record"]))["json"]
    elif row.get("shard"):
        at, size = (spans or _walked(folder, row)).get("json", (0, 0))
        data = storage.read_range(storage.join(folder, row["shard"]), at, at + size)
    else:
        return {}
    try:
        card = json.loads(data)
    except ValueError as error:
        raise ValueError(f"{row['shard']}: sample {row['key']}: json: not readable ({error}); `actorforge validate` tells more") from error
    return card if isinstance(card, dict) else {}


def _walked(folder: str, row: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Where the members lie by the shard's own headers, for one without a sidecar."""
    if not row.get("shard"):
        return {}
    found = (place for place in places_in([storage.join(folder, row["shard"])]) if place.key == row["key"])
    return next((dict(zip(MEMBERS, place.spans)) for place in found), {})


def _pairs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(numbers[::2], numbers[1::2]))


def _sidecar_row(folder: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the sidecar adds to the row of a pair with a sample; {} where there is none."""
    if "spans" in row or not row.get("shard"):
        return row if "spans" in row else {}
    return next(iter(_matching(storage.join(folder, sidecar_of(row["shard"])), "key", [row["key"]])), {})


def _settings(folder: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Of a pair without a card: the dataset's."""
    if record:
        return {**record.get("config", {}), "teacher": record.get("teacher", {})}
    plan = storage.join(folder, "work/plan.json")
    return read_json(plan) if storage.exists(plan) else {}


def _sources(folder: str, row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    wanted = {role: row.get(f"{role}_sha256") or "" for role in ("driving", "reference")}
    work, contents = storage.join(folder, "work"), [content for content in wanted.values() if content]
    names = sorted(name for name, _ in storage.walk(work, lambda _: False)) if storage.is_folder(work) else []
    plans = [storage.join(work, name) for name in names if name.endswith(".sources.parquet")]
    found: dict[str, dict[str, Any]] = {}
    for row in (row for table in [storage.join(folder, "sources.parquet"), *plans] for row in _matching(table, "sha256", contents)):
        if wanted.get(row["role"]) == row["sha256"]:
            earlier = found.setdefault(row["role"], row)
            earlier["starts_s"] = sorted({*(earlier["starts_s"] or ()), *(row["starts_s"] or ())})
    return found


def _matching(location: str, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a table with one of the values; [] where there is no such table."""
    import pyarrow.parquet as pq

    try:
        data = storage.read_bytes(location)
    except OSError:
        return []
    return pq.read_table(io.BytesIO(data), filters=[(column, "in", list(values))]).to_pylist() if values else []
