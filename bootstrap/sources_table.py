"""sources.parquet: one row for every file that was or is behind the flags, so that each is accounted for.

    role driving|reference, id, sha256, status usable|unusable|gone, reason, generation, starts_s, size, notes, tags (JSON text)
`generation`: the one that brought it, -1 for what no pair can use yet.
"""

from __future__ import annotations

import json
from typing import Any, Mapping

import pyarrow as pa

from bootstrap.generations import DRIVING, REFERENCE
from bootstrap.rounds import Round
from bootstrap.sources.source import Source
from models import storage
from models.artifacts import write_parquet

SCHEMA = pa.schema(
    [
        ("role", pa.string()),
        ("id", pa.string()),
        ("sha256", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("generation", pa.int32()),
        ("starts_s", pa.list_(pa.float64())),
        ("size", pa.list_(pa.int32())),
        ("notes", pa.string()),
        ("tags", pa.string()),
    ]
)


def write_sources(round_: Round) -> None:
    write_parquet(sources_table(round_.out), source_rows(round_), SCHEMA)


def sources_table(out: str) -> str:
    """Where the table lies."""
    return storage.join(out, "sources.parquet")


def source_rows(round_: Round) -> list[dict[str, Any]]:
    """The rows, clips first, sorted by name within a status."""
    rows = []
    for role, listing in ((DRIVING, round_.driving), (REFERENCE, round_.references)):
        here = {source.sha256 for source in listing.usable}
        gone = sorted((one for one in round_.history.known[role].values() if one.sha256 not in here), key=lambda one: (one.id, one.sha256))
        rows += [_row(role, source, "usable", round_.history.born) for source in listing.usable]
        rows += [_row(role, source, "gone", round_.history.born) for source in gone]
        for item in listing.unusable:
            source = Source(id=item.id, location="", sha256="")
            rows.append({**_row(role, source, "unusable", {}), "reason": item.reason})
    return rows


def _row(role: str, source: Source, status: str, born: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "role": role,
        "id": source.id,
        "sha256": source.sha256,
        "status": status,
        "reason": "",
        "generation": born.get((role, source.sha256), -1),
        "starts_s": list(source.starts_s),
        "size": list(source.size),
        "notes": "; ".join(source.notes),
        "tags": json.dumps(dict(source.tags), sort_keys=True, ensure_ascii=False),
    }
