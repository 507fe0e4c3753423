"""manifest.parquet, one row per attempted pair and per unusable file, and run.json: the end of a round.

Rows hold nothing that depends on time, host, number of workers or order of completion. Unusable files come first, one
failed row each with the other id empty; then the pairs in the order in which they were planned. run.json is written last and names no
folder, host or user.
"""

from __future__ import annotations

import dataclasses
from itertools import chain, islice
from typing import Any, Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from bootstrap.filters import Pair, Rejection, filter_metrics
from bootstrap.pairing import PairSpec
from bootstrap.provenance import digest, sample_key, versions
from bootstrap.recipe import Recipe
from bootstrap.rounds import Round
from bootstrap.sources.source import Listing
from bootstrap.sources_table import source_rows, sources_table, write_sources
from bootstrap.tally import Outcome, Tally
from models import storage
from models.artifacts import read_json, sha256_file, to_json, write_json
from models.types import require

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
_ROWS_TOGETHER = 1 << 15


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
        rows.append(failed_row(recipe, spec, item.reason))
    return rows


def finish_round(round_: Round) -> Outcome:
    """Put the manifest together from the markers and write run.json last. All units must be done; one is held at a time."""
    storage.delete(_run(round_.out))  # until the new end stands the folder is unfinished
    inputs = _unusable_rows(round_.recipe, round_.driving, "driving") + _unusable_rows(round_.recipe, round_.references, "reference")
    tally, shards = Tally(), dict[str, str]()
    for row in inputs:
        tally.add(row)
    with storage.publish(_manifest(round_.out)) as draft, pq.ParquetWriter(draft, SCHEMA, compression="zstd") as writer:
        rows = chain(inputs, _pair_rows(round_, tally, shards))
        while part := list(islice(rows, _ROWS_TOGETHER)):
            writer.write_table(pa.Table.from_pylist(part, schema=SCHEMA))
    write_sources(round_)
    write_json(_run(round_.out), _run_record(round_, tally, shards))
    return tally.outcome()


def _pair_rows(round_: Round, tally: Tally, shards: dict[str, str]) -> Iterator[Mapping[str, Any]]:
    """The rows of all pairs in order, counted as they pass; `shards` is filled: name -> sha256."""
    for index, made in enumerate(round_.ledger.markers(range(len(round_.ranges)))):
        require(made is not None, round_.out, "marker", f"none of unit {index}", "one of every unit", "run the same command again")
        shards |= {name: facts["sha256"] for name, facts in made.shards.items()}
        for row in made.rows:
            tally.add(row)
            yield row


def read_outcome(round_: Round) -> Outcome | None:
    """The outcome of a finished dataset folder; None where run.json is missing, not the one of these tables, or the inputs are others."""
    try:
        record = read_json(_run(round_.out))
        written = {"manifest_sha256": _manifest(round_.out), "sources_sha256": sources_table(round_.out)}
        finished = record["inputs"] == _inputs(round_) and all(record[name] == sha256_file(place) for name, place in written.items())
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # absent or damaged: the end is written anew from the markers
        finished = False
    if not finished:
        return None
    tally = Tally()
    with storage.open_read(_manifest(round_.out)) as file:
        for part in pq.ParquetFile(file).iter_batches(columns=["driving", "reference", "status", "reason"]):
            for row in part.to_pylist():
                tally.add(row)
    return tally.outcome()


def _run(out: str) -> str:
    return storage.join(out, "run.json")


def _manifest(out: str) -> str:
    return storage.join(out, "manifest.parquet")


def _inputs(round_: Round) -> str:
    """Digest of what lies behind the flags."""
    return digest(source_rows(round_))


def _run_record(round_: Round, tally: Tally, shards: Mapping[str, str]) -> dict[str, Any]:
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
        "counts": {name: getattr(tally.outcome(), name) for name in ("attempted", "kept", "rejected", "failed", "unreadable")},
        "generations": [len(generation.pairs) for generation in round_.history.generations],
        "yields": tally.yields(),
        "inputs": _inputs(round_),
        "shards": {name: value for name, value in shards.items() if "/" not in name},
        "rejected_shards": {name: value for name, value in shards.items() if name.startswith("rejected/")},
        "manifest_sha256": sha256_file(_manifest(round_.out)),
        "sources_sha256": sha256_file(sources_table(round_.out)),
    }
