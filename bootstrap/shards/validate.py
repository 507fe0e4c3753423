"""Does a dataset folder hold what its manifest says, and does every pair keep the contract?

Checked: run.json and its hashes, the manifest's columns, every kept row in its shard and nothing else there, the hash of
each member, and for each pair: reference == target[0], driver != target, equal T, fps and size.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bootstrap.manifest import SCHEMA
from bootstrap.reasons import reason_of
from bootstrap.shards.reader import decode, read_samples, run_record, shard_names
from models.artifacts import sha256, sha256_file
from models.storage import exists, join, name_of, open_read, redacted, resolve


def validate_dataset(folder: str | Path) -> list[str]:
    """Every problem of a dataset folder, one line each; an empty list: it is whole."""
    folder = resolve(folder)
    for name in ("run.json", "manifest.parquet"):
        if not exists(join(folder, name)):
            advice = "run the same synthesize command again"
            return [f"dataset {redacted(folder)}: {name}: got no such file, expected it in a finished dataset; {advice}"]
    try:
        return list(_problems(folder, redacted(folder)))
    except Exception as error:  # whatever a damaged file provokes in the library that reads it is a finding
        return [f"dataset {redacted(folder)}: {reason_of(error)}"]


def _problems(folder: str, told: str) -> Iterator[str]:
    record, manifest = run_record(folder), join(folder, "manifest.parquet")
    try:
        with open_read(manifest) as file:
            table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        yield f"{told}/manifest.parquet: {reason_of(error)}"
        return
    if sha256_file(manifest) != record["manifest_sha256"]:
        yield f"{told}/manifest.parquet: sha256: differs from run.json"
    if table.schema.names != SCHEMA.names:
        yield f"{told}/manifest.parquet: columns: got {table.schema.names}, expected {SCHEMA.names}"
        return
    yield from _shard_problems(folder, told, record["shards"])
    wanted = {row["key"]: row["shard"] for row in table.to_pylist() if row["status"] == "kept"}
    yield from _sample_problems([join(folder, name) for name in shard_names(folder) if name in record["shards"]], wanted)
    yield from (f"{told}/{name}: sample {key}: got none, expected one by the manifest" for key, name in wanted.items())


def _sample_problems(shards: list[str], wanted: dict[str, str]) -> Iterator[str]:
    """What is wrong in the shards; keys that are found are taken out of `wanted` (key -> name of its shard)."""
    damage: list[Exception] = []
    first: tuple[str, Any] | None = None
    for key, members, shard in read_samples(shards, on_damage=damage.append):
        where = f"{redacted(shard)}: sample {key}"
        if wanted.pop(key, None) != name_of(shard):
            yield f"{where}: got a sample here, expected none by the manifest"
        yield from (f"{where}: {problem}" for problem in sample_problems(key, members))
        shape = shape_of(_card(members))
        first = first or (key, shape)
        if shape != first[1]:
            yield f"{where}: json: got fields of other types than sample {first[0]}, expected the same in every sample"
    yield from map(str, damage)


def _shard_problems(folder: str, told: str, shards: Mapping[str, str]) -> Iterator[str]:
    there = set(shard_names(folder))
    for name in sorted(there | set(shards)):
        if name not in shards:
            yield f"{told}/{name}: got a shard, expected none by run.json"
        elif name not in there:
            yield f"{told}/{name}: got no such file, expected a shard"
        elif (digest := sha256_file(join(folder, name))) != shards[name]:
            yield f"{told}/{name}: sha256: got {digest[:12]}, expected {shards[name][:12]} by run.json"


def _card(members: Mapping[str, bytes]) -> Any:
    try:
        return json.loads(members["json"])
    except ValueError:
        return None


def shape_of(value: Any) -> Any:
    """The fields of a JSON value with their types, as tables see it: all numbers are alike, and so are the items of a list."""
    if isinstance(value, dict):
        return {name: shape_of(each) for name, each in sorted(value.items())}
    if isinstance(value, list):
        return ["list", *(shape_of(each) for each in value[:1])]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


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
