"""manifest.parquet, one row per attempted pair and per unusable file, and run.json: the end of a round.

Rows hold nothing that depends on time, host, number of workers or order of completion. Unusable files come first, one
failed row each with the other id empty; then the pairs in the order in which they were planned. run.json is written last and names no
folder, host or user.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from bootstrap.filters import Pair, Rejection, filter_metrics
from bootstrap.pairing import PairSpec
from bootstrap.provenance import digest, sample_key, versions
from bootstrap.reasons import shortened
from bootstrap.recipe import Recipe
from bootstrap.rounds import Round
from bootstrap.sources.source import Listing
from bootstrap.sources_table import source_rows, write_sources
from models import storage
from models.artifacts import read_json, sha256_file, to_json, write_json, write_parquet

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("driving", pa.string()),
        ("driving_sha256", pa.string()),
        ("reference", pa.string()),
        ("reference_sha256", pa.string()),
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


def judged_row(recipe: Recipe, result: Pair | Rejection) -> dict[str, Any]:
    """The row of a pair that was made and judged; its shard is said when there is one."""
    kept, window, grid = isinstance(result, Pair), result.media.window, recipe.grid
    return _row(
        recipe,
        result.spec,
        window=[window.start_s, window.start_s + (grid.num_frames - 1) / grid.fps],
        crop=list(window.crop),
        status="kept" if kept else "rejected",
        reason="" if kept else result.reason,
        verdicts=to_json([verdict.to_json() for verdict in result.verdicts]).strip(),
        shard="",
    )


def failed_row(recipe: Recipe, spec: PairSpec, reason: str) -> dict[str, Any]:
    """The row of a pair that could not be made."""
    return _row(recipe, spec, window=None, crop=None, status="failed", reason=reason, verdicts="[]", shard="")


def _row(recipe: Recipe, spec: PairSpec, **fields: Any) -> dict[str, Any]:
    teacher = {"teacher": recipe.teacher.name, "teacher_hash": recipe.teacher.weights_hash, "seed": spec.seed}
    hashes = {"driving_sha256": spec.driving_sha256, "reference_sha256": spec.identity_sha256}
    return {"key": spec.key, "driving": spec.driving, "reference": spec.identity, **hashes, **teacher, **fields}


def _unusable_rows(recipe: Recipe, listing: Listing, column: str) -> list[dict[str, Any]]:
    rows = []
    for item in listing.unusable:
        ids = {"driving": item.id if column == "driving" else "", "identity": item.id if column == "reference" else ""}
        spec = PairSpec(key=sample_key(column, item.id), start_s=0.0, seed=0, **ids)
        rows.append({**failed_row(recipe, spec, item.reason), "seed": None})
    return rows


def finish_round(round_: Round) -> Outcome:
    """Put the manifest together from the markers and write run.json last. All units must be done."""
    markers = [round_.ledger.marker(index) for index in range(len(round_.ranges))]
    missing = [index for index, marker in enumerate(markers) if marker is None]
    assert not missing, f"units {missing} have no marker"
    inputs = _unusable_rows(round_.recipe, round_.driving, "driving") + _unusable_rows(round_.recipe, round_.references, "reference")
    pairs = [dict(row) for marker in markers for row in marker.rows]
    write_parquet(_manifest(round_.out), inputs + pairs, SCHEMA)
    write_sources(round_)
    shards = {name: facts["sha256"] for marker in markers for name, facts in marker.shards.items()}
    outcome = _outcome(pairs, len(inputs))
    write_json(storage.join(round_.out, "run.json"), _run_record(round_, outcome, pairs, shards))
    return outcome


def read_outcome(round_: Round) -> Outcome | None:
    """The outcome of a finished dataset folder; None where run.json is missing, not the one of this manifest, or the inputs are others."""
    try:
        record = read_json(storage.join(round_.out, "run.json"))
        finished = record["manifest_sha256"] == sha256_file(_manifest(round_.out)) and record["inputs"] == _inputs(round_)
    except (OSError, ValueError, KeyError, TypeError):  # absent or damaged: the end is written anew from the markers
        finished = False
    if not finished:
        return None
    table = pq.ParquetFile(io.BytesIO(storage.read_bytes(_manifest(round_.out))))
    rows = table.read(columns=["driving", "reference", "status", "reason"]).to_pylist()
    pairs = [row for row in rows if row["driving"] and row["reference"]]
    return _outcome(pairs, len(rows) - len(pairs))


def _manifest(out: str) -> str:
    return storage.join(out, "manifest.parquet")


def _inputs(round_: Round) -> str:
    """Digest of what lies behind the flags."""
    return digest(source_rows(round_))


def _outcome(pairs: list[dict[str, Any]], unreadable: int) -> Outcome:
    counts = Counter(row["status"] for row in pairs)
    statuses = {status: counts[status] for status in ("kept", "rejected", "failed")}
    return Outcome(attempted=len(pairs), unreadable=unreadable, reasons=_reasons(pairs), **statuses)


def _reasons(pairs: Iterable[Mapping[str, Any]]) -> dict[str, int]:
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
    config, recipe = round_.config, round_.recipe
    resolved = {
        "given": list(config.given),
        "limit": config.limit,
        "pairs_per_unit": config.pairs_per_unit,
        "selection": config.selection,
        "pairing": dataclasses.asdict(config.rules),
        **{name: value for name, value in recipe.settings.items() if name != "teacher"},
    }
    return {
        "kind": "dataset",
        "config": resolved,
        "teacher": recipe.settings["teacher"],
        "filter_metrics": sorted({*filter_metrics(recipe.thresholds), *recipe.teacher.filter_metrics}),
        "versions": versions(),
        "counts": {name: getattr(outcome, name) for name in ("attempted", "kept", "rejected", "failed", "unreadable")},
        "generations": [len(generation.pairs) for generation in round_.history.generations],
        "yields": _yields(pairs),
        "inputs": _inputs(round_),
        "shards": {name: value for name, value in shards.items() if "/" not in name},
        "rejected_shards": {name: value for name, value in shards.items() if "/" in name},
        "manifest_sha256": sha256_file(_manifest(round_.out)),
    }


def _yields(pairs: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Check -> how many pairs it judged and how many passed, in the order in which pairs met them."""
    verdicts = [verdict for row in pairs for verdict in json.loads(row["verdicts"])]
    judged, passed = Counter(v["check"] for v in verdicts), Counter(v["check"] for v in verdicts if v["passed"])
    return {check: {"judged": judged[check], "passed": passed[check]} for check in judged}
