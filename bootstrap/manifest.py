"""manifest.parquet, one row per attempted pair and per unusable file, and run.json: the end of a round.

Rows hold nothing that depends on time, host, number of workers or order of completion. Unusable files come first, one
failed row each with the other id empty; then the pairs in their seeded order.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bootstrap.filters import CHECKS, FILTER_METRICS, Pair, Rejection
from bootstrap.pairing import PairSpec
from bootstrap.provenance import sample_key, versions
from bootstrap.reasons import shortened
from bootstrap.rounds import Round
from bootstrap.sources import Listing
from models.artifacts import read_json, sha256_file, to_json, write_json, write_parquet

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("driving", pa.string()),
        ("reference", pa.string()),
        ("window", pa.list_(pa.float64())),  # start and end in the source, s
        ("crop", pa.list_(pa.int32())),  # x, y, w, h in the source, px
        ("teacher", pa.string()),
        ("teacher_hash", pa.string()),
        ("seed", pa.int64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("verdicts", pa.string()),  # JSON list of {check, value, threshold, passed, reason}
        ("shard", pa.string()),
    ]
)

_REASON_CHARS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a finished round holds. `unreadable`: unusable input files; `reasons`: reason -> pairs, commonest first.

    Rejections by one check are one reason, the first of them stands for all.
    """

    attempted: int
    kept: int
    rejected: int
    failed: int
    unreadable: int
    reasons: dict[str, int]


def judged_row(round_: Round, result: Pair | Rejection, shard: str) -> dict[str, Any]:
    """The row of a pair that was made and judged."""
    kept, window, grid = isinstance(result, Pair), result.media.window, round_.config.grid
    return _row(
        round_,
        result.spec,
        window=[window.start_s, window.start_s + (grid.num_frames - 1) / grid.fps],
        crop=list(window.crop),
        status="kept" if kept else "rejected",
        reason="" if kept else result.reason,
        verdicts=to_json([verdict.to_json() for verdict in result.verdicts]).strip(),
        shard=shard if kept else "",
    )


def failed_row(round_: Round, spec: PairSpec, reason: str) -> dict[str, Any]:
    """The row of a pair that could not be made."""
    return _row(round_, spec, window=None, crop=None, status="failed", reason=reason, verdicts="[]", shard="")


def _row(round_: Round, spec: PairSpec, **fields: Any) -> dict[str, Any]:
    teacher = round_.teacher
    ids = {"key": spec.key, "driving": spec.driving, "reference": spec.identity, "seed": spec.seed}
    return {**ids, "teacher": teacher.name, "teacher_hash": teacher.weights_hash, **fields}


def _unreadable_rows(round_: Round, listing: Listing, column: str) -> list[dict[str, Any]]:
    rows = []
    for item in listing.unreadable:
        ids = {"driving": item.id if column == "driving" else "", "identity": item.id if column == "reference" else ""}
        spec = PairSpec(key=sample_key(column, item.id), start_s=0.0, seed=0, **ids)
        rows.append({**failed_row(round_, spec, item.reason), "seed": None})
    return rows


def finish_round(round_: Round) -> Outcome:
    """Put the manifest together from the markers and write run.json last. All units must be done."""
    markers = [round_.ledger.marker(unit) for unit in round_.units]
    missing = [unit.index for unit, marker in zip(round_.units, markers) if marker is None]
    assert not missing, f"units {missing} have no marker"
    inputs = _unreadable_rows(round_, round_.driving, "driving") + _unreadable_rows(round_, round_.references, "reference")
    pairs = [row for marker in markers for row in marker["rows"]]
    write_parquet(round_.out / "manifest.parquet", inputs + pairs, SCHEMA)
    outcome = _outcome(pairs, len(inputs))
    shards = {marker["shard"]: marker["shard_sha256"] for marker in markers if marker["shard"]}
    write_json(round_.out / "run.json", _run_record(round_, outcome, pairs, shards))
    return outcome


def read_outcome(out: Path) -> Outcome | None:
    """The outcome of a finished dataset folder; None where run.json is missing or not the one of this manifest."""
    try:
        finished = read_json(out / "run.json")["manifest_sha256"] == sha256_file(out / "manifest.parquet")
    except (OSError, ValueError, KeyError, TypeError):  # absent or damaged: the end is written anew from the markers
        finished = False
    if not finished:
        return None
    rows = pq.read_table(out / "manifest.parquet").to_pylist()
    pairs = [row for row in rows if row["driving"] and row["reference"]]
    return _outcome(pairs, len(rows) - len(pairs))


def _outcome(pairs: list[dict[str, Any]], unreadable: int) -> Outcome:
    counts = Counter(row["status"] for row in pairs)
    statuses = {status: counts[status] for status in ("kept", "rejected", "failed")}
    return Outcome(attempted=len(pairs), unreadable=unreadable, reasons=_reasons(pairs), **statuses)


def _reasons(pairs: list[dict[str, Any]]) -> dict[str, int]:
    groups: dict[str, list[str]] = {}
    for row in pairs:
        if row["status"] != "kept":
            group = row["reason"].split(":")[0] if row["status"] == "rejected" else row["reason"]
            groups.setdefault(group, []).append(row["reason"])
    counts: Counter[str] = Counter()
    for texts in groups.values():
        counts[shortened(texts[0], _REASON_CHARS)] += len(texts)
    return dict(counts.most_common())


def _run_record(round_: Round, outcome: Outcome, pairs: list[dict[str, Any]], shards: dict[str, str]) -> dict[str, Any]:
    config, teacher = round_.config, round_.teacher
    resolved = {
        "driving": str(config.driving),
        "references": str(config.references),
        "teacher": config.teacher,
        "limit": config.limit,
        "pairs_per_unit": config.pairs_per_unit,
        **{name: value for name, value in round_.settings.items() if name != "teacher"},
    }
    return {
        "kind": "dataset",
        "config": resolved,
        "teacher": round_.settings["teacher"],
        "filter_metrics": sorted({*FILTER_METRICS.values(), *teacher.filter_metrics}),
        "versions": versions(),
        "counts": {name: getattr(outcome, name) for name in ("attempted", "kept", "rejected", "failed", "unreadable")},
        "yields": _yields(pairs),
        "sources": {"driving": _listing_record(round_.driving), "references": _listing_record(round_.references)},
        "shards": shards,
        "manifest_sha256": sha256_file(round_.out / "manifest.parquet"),
    }


def _yields(pairs: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Check -> how many pairs it judged and how many passed."""
    verdicts = [verdict for row in pairs for verdict in json.loads(row["verdicts"])]
    judged, passed = Counter(v["check"] for v in verdicts), Counter(v["check"] for v in verdicts if v["passed"])
    return {check: {"judged": judged[check], "passed": passed[check]} for check in CHECKS}


def _listing_record(listing: Listing) -> dict[str, Any]:
    usable = {item.id: {"sha256": item.sha256, "notes": list(item.notes)} for item in listing.usable}
    return {"usable": usable, "unreadable": {item.id: item.reason for item in listing.unreadable}, "ignored": list(listing.ignored)}
