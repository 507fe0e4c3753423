"""What is already done: one marker file per work unit is the truth, written after the unit's shards.

Beside the shards a dataset in the making holds `work/`: `plan.json` (the settings), the generations (`bootstrap.generations`), one
`unit-%06d.json` per unit (the rows of its pairs), `unjudged/` (candidates whose judgement failed) and `events.jsonl`. All but `work/` may
be published. Killed anywhere, a unit either has its marker or is made again, to the same bytes. A unit is whole while its shards are the
ones its marker names: a shard that was written since is hashed, of the others the size is compared; `validate` hashes all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from bootstrap.planned import Made
from models import storage
from models.artifacts import read_json, sha256_file, write_json
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
        """Where plan, generations and markers lie."""
        return storage.join(self.out, WORK)

    def plan(self) -> dict[str, Any] | None:
        """The settings the folder was begun with, or None for a fresh one."""
        path = storage.join(self.folder, "plan.json")
        return read_json(path) if storage.exists(path) else None

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        write_json(storage.join(self.folder, "plan.json"), plan)

    def files(self) -> Files:
        """What lies in the folder: one listing, however many units there are."""
        return dict(storage.walk(self.out)) if storage.is_folder(self.out) else {}

    def write_marker(self, index: int, made: Made) -> None:
        """Declare a unit done. Call it after its shards have their final names."""
        record = {
            "unit": index,
            "pairs": [list(pair) for pair in made.numbers],
            "rows": [dict(row) for row in made.rows],
            "again": sorted(made.again),
            "filters": made.filters,
            "shards": dict(made.shards),
            "contents": dict(made.contents),
        }
        write_json(storage.join(self.out, marker_name(index)), record)

    def marker(self, index: int) -> Made | None:
        """The record of a unit; None where there is none, or it is damaged. Raises OSError where the storage does not answer."""
        return _read(storage.join(self.out, marker_name(index)))

    def markers(self, indices: Sequence[int]) -> Iterator[Made | None]:
        """The records of many units, in order, each as `marker` has it."""
        return storage.ask_each(_read, [storage.join(self.out, marker_name(index)) for index in indices])

    def is_whole(self, index: int, made: Made, files: Files) -> bool:
        """Whether the shards of a unit are the ones its marker names, by what lies in the folder."""
        return all(self._is_intact(name, shard, files, files[marker_name(index)]) for name, shard in made.shards.items())

    def _is_intact(self, name: str, shard: Mapping[str, Any], files: Files, marker: FileFacts) -> bool:
        facts = files.get(name)
        if facts is None or facts.fault or facts.size_b != shard["bytes"]:
            return False
        untouched = storage.is_url(self.out) or _moment(facts) < _moment(marker)
        return untouched or sha256_file(storage.join(self.out, name)) == shard["sha256"]

    def sweep(self) -> None:
        """Remove drafts that a killed run left behind. Only under a lock."""
        for folder in (self.out, self.folder, storage.join(self.out, "rejected"), storage.join(self.folder, "unjudged")):
            for draft in [] if storage.is_url(folder) else Path(folder).glob(".*.tmp"):
                draft.unlink(missing_ok=True)


def _moment(facts: FileFacts) -> int:
    """When a local file was written, ns: its mark begins with that."""
    return int(facts.mark.partition(".")[0])


def marker_name(index: int) -> str:
    """Where the marker of a unit lies below the dataset."""
    return f"{WORK}/unit-{index:06d}.json"


def _read(location: str) -> Made | None:
    try:
        record = read_json(location)
        made = Made(
            numbers=tuple((int(window), int(identity)) for window, identity in record["pairs"]),
            rows=tuple(record["rows"]),
            again=frozenset(record["again"]),
            filters=record["filters"],
            shards={name: {"bytes": int(shard["bytes"]), "sha256": shard["sha256"]} for name, shard in record["shards"].items()},
            contents=record.get("contents", {}),
        )
        return made if len(made.rows) == len(made.numbers) and all(row["key"] and row["status"] for row in made.rows) else None
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):  # absent or damaged: the unit is made again
        return None
