"""manifest.parquet, one row per attempted pair and per unusable file, and run.json: the end of a round.

Rows hold nothing that depends on time, host, number of workers or order of completion. Unusable files come first, one failed row each with
the other id empty; then the pairs in the order in which they were planned. A README.md for people goes with them; run.json is written last
and names no folder, host or user.
"""

from __future__ import annotations

import dataclasses
from itertools import chain, islice
from typing import Any, Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from bootstrap.dataset_card import dataset_readme
from bootstrap.filters import filter_metrics
from bootstrap.pairing import PairSpec
from bootstrap.provenance import digest, sample_key, versions
from bootstrap.recipe import Recipe
from bootstrap.rounds import Round
from bootstrap.rows import SCHEMA, failed_row
from bootstrap.sources.source import Listing
from bootstrap.sources_table import source_rows, sources_table, write_sources
from bootstrap.tally import Outcome, Tally
from models import storage
from models.artifacts import read_json, sha256_file, write_json
from models.types import require

README = "README.md"
_ROWS_TOGETHER = 1 << 13


def _unusable_rows(recipe: Recipe, listing: Listing, column: str) -> list[dict[str, Any]]:
    rows = []
    for item in listing.unusable:
        ids = {"driving": item.id if column == "driving" else "", "identity": item.id if column == "reference" else ""}
        spec = PairSpec(key=sample_key(column, item.id), start_s=0.0, seed=0, **ids)
        rows.append(failed_row(recipe, spec, item.reason))
    return rows


def finish_round(round_: Round) -> Outcome:
    """Put the manifest together from the sidecars and write run.json last. All units must be done; one is held at a time."""
    storage.delete(_run(round_.out))  # until the new end stands the folder is unfinished
    inputs = _unusable_rows(round_.recipe, round_.driving, "driving") + _unusable_rows(round_.recipe, round_.references, "reference")
    tally, shards, used = Tally(), dict[str, str](), set[str]()
    for row in inputs:
        tally.add(row)
    with storage.publish(_manifest(round_.out)) as draft, pq.ParquetWriter(draft, SCHEMA, compression="zstd") as writer:
        rows = chain(inputs, _pair_rows(round_, tally, shards, used))
        while part := list(islice(rows, _ROWS_TOGETHER)):
            writer.write_table(pa.Table.from_pylist(part, schema=SCHEMA))
    write_sources(round_)
    record = _run_record(round_, tally, shards)
    storage.write_bytes(storage.join(round_.out, README), dataset_readme(record, source_rows(round_), used).encode())
    write_json(_run(round_.out), record)
    return tally.outcome()


def _pair_rows(round_: Round, tally: Tally, shards: dict[str, str], used: set[str]) -> Iterator[Mapping[str, Any]]:
    """The rows of all pairs in order, counted as they pass.

    Filled meanwhile: `shards` with name -> sha256, `used` with the contents that kept pairs are made of.
    """
    for index, found in enumerate(round_.ledger.sidecars(range(len(round_.ranges)))):
        if found is None:  # its footer was sound: without it the unit is made again
            storage.delete(round_.ledger.sidecar(index))
        require(
            found is not None,
            round_.out,
            "sidecar",
            f"none or a damaged one of unit {index}",
            "one of every unit",
            "run the same command again",
        )
        marker, rows = found
        shards |= {name: facts["sha256"] for name, facts in marker.shards.items()}
        for row in rows:
            tally.add(row.known.row)
            if row.known.status == "kept":
                used |= {row.known.row["driving_sha256"], row.known.row["reference_sha256"]}
            yield row.known.row


def read_outcome(round_: Round) -> Outcome | None:
    """The outcome of a finished dataset folder; None where run.json is missing or not the one of these tables, where README.md is, or where
    the inputs are others.
    """
    try:
        record = read_json(_run(round_.out))
        written = {"manifest_sha256": _manifest(round_.out), "sources_sha256": sources_table(round_.out)}
        finished = record["inputs"] == _inputs(round_) and all(record[name] == sha256_file(place) for name, place in written.items())
        finished = finished and storage.exists(storage.join(round_.out, README))
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # absent or damaged: the end is written anew from the sidecars
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
        "shard_mb": config.shard_mb,
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
