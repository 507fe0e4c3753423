"""shard-000012.parquet: what came of unit 12, one row per attempted pair in plan order, written after its shards: the unit is sealed.

Columns: the manifest's, then
    again    a later run judges the pair anew by itself
    content  `card.content_of` of its sample, "" without one
    spans    offset and size in bytes of each of MEMBERS in its shard; empty without a sample
The file's metadata `actorforge` is a `Marker` as JSON: whether a unit is done is read from the footer alone.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from bootstrap.planned import Known, Numbers
from bootstrap.rows import SCHEMA
from models import storage
from models.artifacts import to_json

SIDECAR = pa.schema([*SCHEMA, ("again", pa.bool_()), ("content", pa.string()), ("spans", pa.list_(pa.int64()))])
_KEY = b"actorforge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What a sealed unit is. `filters`: digest of what judged it; `shards`: name below the dataset -> {bytes, sha256}.

    `again`: how many pairs a later run judges anew by itself; `failed`: the different reasons of its failed pairs.
    """

    unit: int
    numbers: tuple[Numbers, ...]
    filters: str
    shards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    again: int = 0
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a sidecar."""

    known: Known
    spans: tuple[int, ...] = ()


def sidecar_name(unit: int) -> str:
    """Where the sidecar of a unit lies below the dataset."""
    return f"shard-{unit:06d}.parquet"


def write_sidecar(location: str, marker: Marker, rows: Sequence[Row]) -> None:
    """Declare a unit done. Call it after its shards have their final names."""
    told = {
        "unit": marker.unit,
        "pairs": [list(pair) for pair in marker.numbers],
        "filters": marker.filters,
        "shards": {name: dict(facts) for name, facts in marker.shards.items()},
        "again": marker.again,
        "failed": list(marker.failed),
    }
    flat = [{**row.known.row, "again": row.known.again, "content": row.known.content, "spans": list(row.spans)} for row in rows]
    sink = pa.BufferOutputStream()
    schema = SIDECAR.with_metadata({_KEY: to_json(told).encode()})
    pq.write_table(pa.Table.from_pylist(flat, schema=schema), sink, compression="zstd")
    storage.write_bytes(location, sink.getvalue().to_pybytes())


def read_marker(location: str) -> Marker | None:
    """What the footer says; None where there is none, or it is damaged. Raises OSError where the storage does not answer."""
    return _parsed(location, lambda data: _marker(pq.read_metadata(data).metadata[_KEY]))


def read_sidecar(location: str) -> tuple[Marker, list[Row]] | None:
    """The footer and all rows; None as for `read_marker`."""
    return _parsed(location, _whole)


def _parsed(location: str, parse: Any) -> Any:
    try:
        data = storage.read_bytes(location)
    except FileNotFoundError:
        return None
    try:
        return parse(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError):  # whatever damage provokes in the library
        return None


def _marker(text: bytes) -> Marker:
    told = json.loads(text)
    return Marker(
        unit=int(told["unit"]),
        numbers=tuple((int(window), int(identity)) for window, identity in told["pairs"]),
        filters=told["filters"],
        shards={name: {"bytes": int(facts["bytes"]), "sha256": facts["sha256"]} for name, facts in told["shards"].items()},
        again=int(told["again"]),
        failed=tuple(told["failed"]),
    )


def _whole(data: io.BytesIO) -> tuple[Marker, list[Row]] | None:
    table = pq.ParquetFile(data).read(columns=SIDECAR.names)
    marker = _marker(table.schema.metadata[_KEY])
    rows = [_row(row, marker.filters) for row in table.to_pylist()]
    return (marker, rows) if len(rows) == len(marker.numbers) else None


def _row(row: dict[str, Any], filters: str) -> Row:
    again, content, spans = row.pop("again"), row.pop("content"), row.pop("spans")
    return Row(known=Known(row=row, content=content, again=again, filters=filters), spans=tuple(spans))
