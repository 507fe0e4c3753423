"""Where score rows lie: scores.parquet of a run, overlaid by the parts of cases scored since, each tied to its video.

Rows count only while the video they were made from is in place: its sha256 stands in the parquet's metadata and in every part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from awbench.catalog import METRICS
from awbench.runs import Run
from models.artifacts import read_json, sha256_file

SCHEMA = pa.schema(
    [("case", pa.string()), ("system", pa.string()), ("metric", pa.string()), ("metric_version", pa.string())]
    + [("value", pa.float64()), ("status", pa.string()), ("reason", pa.string())]
)
VIDEOS = b"videos"  # schema metadata: the sha256 of the video every case's rows belong to


def part_path(run: Run, case_id: str) -> Path:
    return run.path / "scores.partial" / f"{case_id}.json"


def video_hash(run: Run, case_id: str) -> str:
    path = Path(run.video_path(case_id))
    return sha256_file(path) if path.is_file() else ""


def known_rows(run: Run, case_ids: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Rows by case and metric that still belong to the videos in place: scores.parquet, overlaid by the parts."""
    stored, videos = _table(run)
    known: dict[str, dict[str, dict[str, Any]]] = {}
    for case_id in case_ids:
        digest, path = video_hash(run, case_id), part_path(run, case_id)
        rows = dict(stored.get(case_id, {})) if videos.get(case_id) == digest else {}
        part = read_json(path) if path.is_file() else {"video": digest, "rows": []}
        if part["video"] == digest:
            rows = overlaid(rows, {row["metric"]: row for row in part["rows"]})
        known[case_id] = rows
    return known


def overlaid(before: Mapping[str, dict[str, Any]], now: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows by metric, the later ones first; combined ones whose parts are among the later are left out unless they are too."""
    kept = {name: row for name, row in before.items() if not now.keys() & _parts_of(name)}
    return kept | dict(now)


@lru_cache(maxsize=64)
def _parts_of(name: str) -> frozenset[str]:
    """What a stored metric combines; nothing for a plug-in that is not installed here."""
    return frozenset(METRICS.load(name).combines if name in METRICS.table() else ())


def _table(run: Run) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[str, str]]:
    """scores.parquet as rows by case and metric, and the hash of the video they belong to by case."""
    path = run.path / "scores.parquet"
    if not path.is_file():
        return {}, {}
    table, rows = pq.read_table(path), {}
    for row in table.to_pylist():
        rows.setdefault(row["case"], {})[row["metric"]] = row
    return rows, json.loads((table.schema.metadata or {}).get(VIDEOS, b"{}"))
