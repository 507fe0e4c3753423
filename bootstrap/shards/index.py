"""Where the samples of a dataset lie, by number: from the tables beside the shards, or by a walk over the headers of tars without them.

A finished folder is opened by one table: its manifest names key and shard of every kept pair, in order. Where a sample lies in its shard
its unit's sidecar says, read when the first sample of that shard is asked for; no tar is opened for either. So opening costs the same
for one shard and for thousands, here and in an object store.
"""

from __future__ import annotations

import io
from array import array
from typing import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bootstrap.reasons import reason_of
from models.artifacts import sha256
from models.dataset_rows import sidecar_of
from models.progress import Progress
from models.shards import MEMBERS, DamagedShard, Place, places_in, sample_of, shown, shown_place, spans_fault
from models.storage import join, name_of, read_bytes, walk
from models.types import require

_MOST_SIDECAR_B = 1 << 26
_ADVICE = "run the same synthesize command again"
OnDamage = Callable[[DamagedShard], object]


class Walked:
    """An index of tars by their headers: some 145 bytes a sample, whatever the samples weigh."""

    def __init__(self, shards: Sequence[str], on_damage: OnDamage) -> None:
        self._shards, keys, owners, spans = tuple(shards), [], array("I"), array("q")
        numbers = {shard: number for number, shard in enumerate(self._shards)}
        with Progress("index shards", total=len(self._shards)) as bar:
            for place in places_in(_counted(self._shards, bar), on_damage=on_damage):
                keys.append(place.key)
                owners.append(numbers[place.shard])
                spans.extend(value for span in place.spans for value in span)
        self.ids: tuple[str, ...] = tuple(keys)
        self._owners = np.asarray(owners)
        self._spans = np.asarray(spans).reshape(-1, len(MEMBERS), 2)

    def place(self, i: int) -> Place:
        return Place(shard=self._shards[self._owners[i]], key=self.ids[i], spans=self._spans[i].tolist())


def _counted(shards: Sequence[str], bar: Progress):
    for shard in shards:
        yield shard
        bar.step()


class Listed:
    """An index of a finished folder by its manifest and sidecars. Threads may ask at once."""

    def __init__(self, folder: str, manifest: bytes, sizes: Mapping[str, int], on_damage: OnDamage) -> None:
        self._folder, self._sizes = folder, sizes
        keys, owners, self._names = _kept(f"{shown_place(folder)}/manifest.parquet", manifest)
        lost = [number for number, name in enumerate(self._names) if name not in sizes]
        for number in lost:
            on_damage(DamagedShard(f"{shown_place(folder)}/{self._names[number]}: got no such file, expected a shard; {_ADVICE}"))
        there = np.flatnonzero(~np.isin(owners, lost))
        self._owners, self._rows = owners[there], _within(owners)[there]
        self.ids: tuple[str, ...] = tuple(keys if not lost else (keys[i] for i in there))
        self._tables: dict[int, tuple[list[str], np.ndarray]] = {}

    def place(self, i: int) -> Place:
        """Raises DamagedShard where the sidecar cannot be read, or says what cannot be."""
        key, number, row = self.ids[i], int(self._owners[i]), int(self._rows[i])
        name = self._names[number]
        shard = join(self._folder, name)
        if number not in self._tables:
            self._tables[number] = self._read(name)
        keys, spans = self._tables[number]
        if row >= len(keys) or keys[row] != key:
            raise DamagedShard(f"{sample_of(shard, key)}: got another row in {sidecar_of(name)}, expected this sample's; {_ADVICE}")
        found = [(at, size) for at, size in spans[row].tolist()]
        fault = spans_fault(found)
        if not fault and max(at + size for at, size in found) > self._sizes[name]:
            fault = f"got a shard of {self._sizes[name]} bytes, expected one that reaches it: cut"
        if fault:
            raise DamagedShard(f"{sample_of(shard, key)}: {fault}; {_ADVICE}")
        return Place(shard=shard, key=key, spans=found)

    def _read(self, name: str) -> tuple[list[str], np.ndarray]:
        """Keys and spans of the kept samples of a shard, in order."""
        file = join(self._folder, sidecar_of(name))
        try:
            table = _table(read_bytes(file), ["key", "status", "shard", "spans"])
            table = table.filter(pc.and_(pc.equal(table["shard"], name), pc.equal(table["status"], "kept")))
            spans = table["spans"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            return table["key"].to_pylist(), spans.reshape(len(table), len(MEMBERS), 2)
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise DamagedShard(f"{shown_place(file)}: not a readable sidecar ({shown(reason_of(error))}); {_ADVICE}") from error


def listed(folder: str, shards: Sequence[str], manifest_sha256: str, on_damage: OnDamage) -> Listed | None:
    """The index of a folder whose shards all have their sidecars; None for another one. Raises ValueError for a foreign manifest."""
    there = {name: facts for name, facts in walk(folder, lambda name: False) if not facts.fault}
    names = {name_of(shard) for shard in shards}
    if "manifest.parquet" not in there or not names or not {sidecar_of(name) for name in names} <= set(there):
        return None
    data, item = read_bytes(join(folder, "manifest.parquet")), f"{shown_place(folder)}/manifest.parquet"
    digest = sha256(data)
    require(digest == manifest_sha256, item, "sha256", digest[:12], f"{shown(manifest_sha256[:12])} by run.json", _ADVICE)
    index = Listed(folder, data, {name: there[name].size_b for name in names if name in there}, on_damage)
    others = sorted(set(index._names) - names)
    require(not others, item, "shards", [shown(name) for name in others[:4]], "those that run.json names", _ADVICE)
    return index


def _kept(item: str, manifest: bytes) -> tuple[list[str], np.ndarray, list[str]]:
    """Key and number of the shard of every kept pair, and the names of the shards. Raises ValueError."""
    try:
        table = _table(manifest, ["key", "status", "shard"])
        shards = table.filter(pc.equal(table["status"], "kept"))["shard"].combine_chunks().dictionary_encode()
        keys = table.filter(pc.equal(table["status"], "kept"))["key"].to_pylist()
        owners, names = shards.indices.to_numpy(zero_copy_only=False), shards.dictionary.to_pylist()
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise ValueError(f"{item}: not a readable manifest ({shown(reason_of(error))}); {_ADVICE}") from error
    require(None not in keys and len(set(keys)) == len(keys), item, "keys", "one twice, or none", "each pair once", _ADVICE)
    return keys, owners.astype(np.int64), names


def _table(data: bytes, columns: list[str]) -> pa.Table:
    require(len(data) <= _MOST_SIDECAR_B * 16, "table", "bytes", len(data), f"at most {_MOST_SIDECAR_B * 16}")
    return pq.ParquetFile(io.BytesIO(data)).read(columns=columns)


def _within(owners: np.ndarray) -> np.ndarray:
    """How many items of the same owner stand before each."""
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    runs = np.repeat(starts, np.diff(np.append(starts, len(owners))))
    within = np.empty(len(owners), np.int64)
    within[order] = np.arange(len(owners)) - runs
    return within
