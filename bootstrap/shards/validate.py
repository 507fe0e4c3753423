"""Does a dataset folder hold what its manifest says, and does every pair keep the contract?

Checked: run.json and its hashes, the manifest's columns, every kept row in its shard and nothing else there, the hash of
each member, and for each pair: reference == target[0], driver != target, equal T, fps and size.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator, Mapping

import numpy as np
import pyarrow.parquet as pq

from bootstrap.manifest import SCHEMA
from bootstrap.reasons import reason_of
from bootstrap.shards.reader import decode, read_samples, run_record
from models.artifacts import sha256, sha256_file


def validate_dataset(folder: str | Path) -> list[str]:
    """Every problem of a dataset folder, one line each; an empty list: it is whole."""
    folder = Path(folder)
    for name in ("run.json", "manifest.parquet"):
        if not (folder / name).is_file():
            return [f"dataset {folder}: {name}: got no such file, expected it in a finished dataset; run the same synthesize command again"]
    try:
        return list(_problems(folder))
    except Exception as error:  # whatever a damaged file provokes in the library that reads it is a finding
        return [f"dataset {folder}: {reason_of(error)}"]


def _problems(folder: Path) -> Iterator[str]:
    record, table = run_record(folder), pq.read_table(folder / "manifest.parquet")
    if sha256_file(folder / "manifest.parquet") != record["manifest_sha256"]:
        yield f"{folder}/manifest.parquet: sha256: differs from run.json"
    if table.schema.names != SCHEMA.names:
        yield f"{folder}/manifest.parquet: columns: got {table.schema.names}, expected {SCHEMA.names}"
        return
    yield from _shard_problems(folder, record["shards"])
    wanted = {row["key"]: row["shard"] for row in table.to_pylist() if row["status"] == "kept"}
    shards = [folder / name for name in sorted(record["shards"]) if (folder / name).is_file()]
    damage: list[Exception] = []
    for key, members, shard in read_samples(shards, on_damage=damage.append):
        if wanted.pop(key, None) != shard.name:
            yield f"{shard}: sample {key}: got a sample here, expected none by the manifest"
        yield from (f"{shard}: sample {key}: {problem}" for problem in sample_problems(key, members))
    yield from map(str, damage)
    yield from (f"{folder / name}: sample {key}: got none, expected one by the manifest" for key, name in wanted.items())


def _shard_problems(folder: Path, shards: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({path.name for path in folder.glob("shard-*.tar")} | set(shards)):
        if name not in shards:
            yield f"{folder / name}: got a shard, expected none by run.json"
        elif not (folder / name).is_file():
            yield f"{folder / name}: got no such file, expected a shard"
        elif sha256_file(folder / name) != shards[name]:
            yield f"{folder / name}: sha256: got {sha256_file(folder / name)[:12]}, expected {shards[name][:12]} by run.json"


def sample_problems(key: str, members: Mapping[str, bytes]) -> list[str]:
    """What one sample breaks of the contract of pairs."""
    try:
        example = decode(key, members)
        card: dict[str, Any] = json.loads(members["json"])
        hashes = {name: card["members_sha256"][name] for name in members if name != "json"}
    except (ValueError, KeyError, TypeError) as error:
        return [reason_of(error)]
    problems = [f"{name}: sha256 differs from its card" for name, want in hashes.items() if sha256(members[name]) != want]
    if not np.array_equal(example.reference, example.target.frames[0]):
        problems.append("reference: differs from the first frame of the target")
    if np.array_equal(example.driver.frames, example.target.frames):
        problems.append("driver: equal to the target")
    return problems
