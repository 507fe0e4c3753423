"""What is already done: the sidecar of a unit is the truth, written after the unit's shards.

Beside shards and sidecars a dataset in the making holds `work/`: `plan.json` (the settings), the generations (`bootstrap.generations`), the
records of pairs whose unit is not sealed (`bootstrap.records`), `unjudged/` (candidates whose judgement failed) and `events.jsonl`. All but
`work/` may be published. Killed anywhere, what has a record is not made again. A unit is whole while its shards are the ones its sidecar
names: a shard that was written since is hashed, of the others the size is compared; `validate` hashes all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from bootstrap.placing import is_of_unit
from bootstrap.sidecar import Marker, Row, read_marker, read_sidecar, sidecar_name
from models import storage
from models.artifacts import read_json, sha256, sha256_file, to_json, write_json
from models.pair_records import MADE
from models.storage import FileFacts

WORK = "work"
Files = Mapping[str, FileFacts]
"""Everything that lies in a dataset folder, by its name below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The records of the dataset folder at the location `out`."""

    out: str

    @property
    def folder(self) -> str:
        """Where plan, generations and records lie."""
        return storage.join(self.out, WORK)

    @property
    def plan_file(self) -> str:
        return storage.join(self.folder, "plan.json")

    def plan(self) -> dict[str, Any] | None:
        """The settings the folder was begun with, or None for a fresh one."""
        return read_json(self.plan_file) if storage.exists(self.plan_file) else None

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        write_json(self.plan_file, plan)

    def files(self) -> Files:
        """What lies in the folder: one listing, however many units there are."""
        return dict(storage.walk(self.out)) if storage.is_folder(self.out) else {}

    def sidecar(self, index: int) -> str:
        return storage.join(self.out, sidecar_name(index))

    def marker(self, index: int) -> Marker | None:
        """What a unit's sidecar says; None where there is none, or it is damaged or another unit's.

        Raises OSError where the storage does not answer.
        """
        return _own(index, read_marker(self.sidecar(index)))

    def markers(self, indices: Sequence[int]) -> Iterator[Marker | None]:
        """What many sidecars say, in order, each as `marker` has it."""
        return map(_own, indices, storage.ask_each(read_marker, [self.sidecar(index) for index in indices]))

    def sidecars(self, indices: Sequence[int]) -> Iterator[tuple[Marker, list[Row]] | None]:
        """All of many sidecars, in order, each as `marker` has it."""
        found = storage.ask_each(read_sidecar, [self.sidecar(index) for index in indices])
        return (both and _own(index, both[0]) and both for index, both in zip(indices, found))

    def rows(self, index: int) -> list[Row] | None:
        """The rows of a unit, as `marker` has it."""
        (found,) = self.sidecars([index])
        return None if found is None else found[1]

    def is_whole(self, index: int, marker: Marker, files: Files) -> bool:
        """Whether the shards of a unit are the ones its sidecar names, by what lies in the folder."""
        return all(self.is_intact(name, shard, files.get(name), files[sidecar_name(index)]) for name, shard in marker.shards.items())

    def is_intact(self, name: str, shard: Mapping[str, Any], facts: FileFacts | None, sidecar: FileFacts) -> bool:
        """Whether a shard is the one its sidecar names."""
        if facts is None or facts.fault or facts.size_b != shard["bytes"]:
            return False
        untouched = storage.is_url(self.out) or _moment(facts) < _moment(sidecar)
        return untouched or sha256_file(storage.join(self.out, name)) == shard["sha256"]

    def sweep(self) -> None:
        """Remove drafts that a killed run left behind. Only under a lock."""
        folders = [self.out, self.folder, storage.join(self.out, "rejected"), storage.join(self.folder, "unjudged")]
        if not storage.is_url(self.out):
            folders += [str(path) for path in Path(self.out, MADE).glob("*") if path.is_dir()]
        for folder in [] if storage.is_url(self.out) else folders:
            for draft in Path(folder).glob(".*.tmp"):
                draft.unlink(missing_ok=True)


def _own(index: int, marker: Marker | None) -> Marker | None:
    """The marker where it is this unit's and names nothing but its shards: what it names may be removed."""
    own = marker is not None and marker.unit == index and all(is_of_unit(name, index) for name in marker.shards)
    return marker if own else None


def plan_digest(plan: Mapping[str, Any]) -> str:
    """sha256 of plan.json."""
    return sha256(to_json(plan).encode())


def _moment(facts: FileFacts) -> int:
    """When a local file was written, ns: its mark begins with that."""
    return int(facts.mark.partition(".")[0])
