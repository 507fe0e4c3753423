"""Does a dataset folder hold what its manifest says, and does every pair keep the contract?

Checked: run.json and its hashes, the manifest's columns, every kept row in its shard and nothing else there, the place that the sidecars
give it, the hash of each member, and for each pair: reference == target[0], driver != target, equal T, fps and size.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Collection, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bootstrap.reasons import reason_of
from bootstrap.rows import SCHEMA
from bootstrap.shards.decoding import card_of, check_hashes, decode
from bootstrap.shards.index import listed
from bootstrap.shards.record import grid_of, in_order, run_record, shard_names
from models.artifacts import sha256_file
from models.shards import DamagedShard, Place, places_in, read_members, sample_of, shown, shown_place
from models.storage import exists, facts_of, join, name_of, open_read, resolve
from models.types import Grid


def validate_dataset(folder: str | Path) -> list[str]:
    """Every problem of a dataset folder, one line each; an empty list: it is whole."""
    folder = resolve(folder)
    told = shown_place(folder)
    for name in ("run.json", "manifest.parquet"):
        if not exists(join(folder, name)):
            advice = "run the same synthesize command again"
            return [f"dataset {told}: {name}: got no such file, expected it in a finished dataset; {advice}"]
    try:
        return list(_problems(folder, told))
    except Exception as error:  # whatever a damaged file provokes in the library that reads it is a finding
        return [f"dataset {told}: {_in_a_line(reason_of(error))}"]


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
        yield f"{told}/manifest.parquet: columns: got {[shown(name) for name in table.schema.names]}, expected {SCHEMA.names}"
        return
    yield from _shard_problems(folder, told, record["shards"])
    wanted = {row["key"]: row["shard"] for row in table.to_pylist() if row["status"] == "kept"}
    shards = [join(folder, name) for name in in_order(record["shards"]) if _is_file(join(folder, name))]
    sidecars = _Sidecars(folder, record["shards"])
    yield from sidecars.faults
    yield from _sample_problems(shards, wanted, sidecars, grid_of(record))
    yield from (f"{told}/{shown(name)}: sample {shown(key)}: got none, expected one by the manifest" for key, name in wanted.items())


class _Sidecars:
    """What the tables beside the shards say of their samples; nothing where there are none."""

    def __init__(self, folder: str, names: Collection[str]) -> None:
        manifest, self._index, self.faults = join(folder, "manifest.parquet"), None, list[str]()
        try:
            if names:
                self._index = listed(folder, [join(folder, name) for name in names], sha256_file(manifest), on_damage=lambda error: None)
        except ValueError as error:
            self.faults.append(str(error))
        self._numbers = {key: number for number, key in enumerate(self._index.ids)} if self._index else {}

    def problems(self, place: Place) -> Iterator[str]:
        if self._index is None or place.key not in self._numbers:
            return
        try:
            told = self._index.place(self._numbers[place.key])
        except DamagedShard as error:
            yield str(error)
            return
        if [tuple(span) for span in told.spans] != list(place.spans):
            yield f"{sample_of(place.shard, place.key)}: place: got another one in its sidecar, expected the one in the shard"


def _sample_problems(shards: list[str], wanted: dict[str, str], sidecars: _Sidecars, grid: Grid | None) -> Iterator[str]:
    """What is wrong in the shards; keys that are found are taken out of `wanted` (key -> name of its shard)."""
    damage: list[Exception] = []
    first: tuple[str, Any] | None = None
    for place in places_in(shards, on_damage=damage.append):
        where, members = sample_of(place.shard, place.key), _members(place, damage)
        if wanted.pop(place.key, None) != name_of(place.shard):
            yield f"{where}: got a sample here, expected none by the manifest"
        yield from sidecars.problems(place)
        if not members:
            continue
        yield from (f"{where}: {problem}" for problem in sample_problems(place.key, members, grid))
        shape = shape_of(_card(members))
        first = first or (place.key, shape)
        if shape != first[1]:
            yield f"{where}: json: got fields of other types than sample {shown(first[0])}, expected the same in every sample"
    yield from map(str, damage)


def _members(place: Place, damage: list[Exception]) -> dict[str, bytes]:
    try:
        return read_members(place)
    except DamagedShard as error:
        damage.append(error)
        return {}


def _is_file(location: str) -> bool:
    try:
        return not facts_of(location).fault
    except OSError:
        return False


def _shard_problems(folder: str, told: str, shards: Mapping[str, str]) -> Iterator[str]:
    there = set(shard_names(folder))
    for name in in_order(there | set(shards)):
        where = f"{told}/{shown(name)}"
        if name not in shards:
            yield f"{where}: got a shard, expected none by run.json"
        elif name not in there:
            yield f"{where}: got no such file, expected a shard"
        elif not _is_file(join(folder, name)):
            yield f"{where}: got no regular file, expected a shard"
        elif (digest := sha256_file(join(folder, name))) != shards[name]:
            yield f"{where}: sha256: got {digest[:12]}, expected {shown(shards[name][:12])} by run.json"


def _card(members: Mapping[str, bytes]) -> Any:
    try:
        return card_of(members)
    except ValueError:
        return None


def shape_of(value: Any) -> Any:
    """The fields of a JSON value with their types, as tables see it: all numbers are alike, and so are the items of a list."""
    if isinstance(value, dict):
        return {name: shape_of(each) for name, each in sorted(value.items())}
    if isinstance(value, list):
        return ["list", *(shape_of(each) for each in value[:1])]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def sample_problems(key: str, members: Mapping[str, bytes], grid: Grid | None = None) -> list[str]:
    """What one sample breaks of the contract of pairs. `grid`: the dataset's."""
    try:
        example, card = decode(key, members, grid), card_of(members)
        lacking = [name for name in members if name != "json" and not isinstance(card["members_sha256"][name], str)]
    except ValueError as error:
        return [str(error)]
    except (KeyError, TypeError) as error:
        return [f"json: members_sha256: {reason_of(error)}"]
    problems = [f"json: members_sha256: got no text for {', '.join(lacking)}"] if lacking else []
    try:
        check_hashes(members)
    except ValueError as error:
        problems.append(str(error))
    if not np.array_equal(example.reference, example.target.frames[0]):
        problems.append("reference: differs from the first frame of the target")
    if np.array_equal(example.driver.frames, example.target.frames):
        problems.append("driver: equal to the target")
    return problems


def _in_a_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
