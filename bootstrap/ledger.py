"""What is already done: one marker file per work unit is the truth, written after the unit's shard.

Beside the shards a dataset in the making holds `work/`: `plan.json` (the settings), the generations (`bootstrap.generations`), one
`unit-%06d.json` per unit (the rows of its pairs) and `events.jsonl` (everything that depends on when and where). All but `work/` may be
published. Killed anywhere, a unit either has its marker or is made again, to the same bytes. A marker counts only while its shards are the
ones it names. The folder may lie on any storage; only local ones can be locked.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import socket
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, Mapping

from bootstrap.pairing import PairSpec
from bootstrap.sources.source import Source
from models import storage
from models.artifacts import read_json, sha256_file, write_json

WORK = "work"
_HASHED_BYTES = 64 << 20  # a larger shard is compared by its size alone: hashing them all would make a no-op rerun slow
_MARKER = re.compile(r"unit-(\d{6,})\.json")
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPair:
    """A pair with the two files as they lie now; None for one that is not there any more."""

    spec: PairSpec
    driving: Source | None
    identity: Source | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The work of one worker at a time, one shard at most. `numbers`: window and identity of every pair, as the generations count them."""

    index: int
    numbers: tuple[tuple[int, int], ...]
    pairs: tuple[PlannedPair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came of a unit, as its marker keeps it. `again`: keys a later run tries anew by itself; `filters`: digest of what judged.

    `shards`: name below the dataset -> {bytes, sha256}.
    """

    numbers: tuple[tuple[int, int], ...]
    rows: tuple[Mapping[str, Any], ...]
    again: frozenset[str] = frozenset()
    filters: str = ""
    shards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return any(row["status"] == "failed" for row in self.rows)


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

    def write_marker(self, index: int, made: Made) -> None:
        """Declare a unit done. Call it after its shards have their final names."""
        record = {
            "unit": index,
            "pairs": [list(pair) for pair in made.numbers],
            "rows": [dict(row) for row in made.rows],
            "again": sorted(made.again),
            "filters": made.filters,
            "shards": dict(made.shards),
        }
        write_json(self._marker(index), record)

    def marked(self) -> frozenset[int]:
        """Numbers of the units that have a marker, readable or not: one listing, however many there are."""
        names = [name for name, _ in storage.walk(self.folder)] if storage.is_folder(self.folder) else []
        return frozenset(int(found[1]) for found in map(_MARKER.fullmatch, names) if found)

    def marker(self, index: int) -> Made | None:
        """The record of a unit; None without a readable one, and where a shard of it is damaged."""
        try:
            record = read_json(self._marker(index))
            made = Made(
                numbers=tuple((int(window), int(identity)) for window, identity in record["pairs"]),
                rows=tuple(record["rows"]),
                again=frozenset(record["again"]),
                filters=record["filters"],
                shards=record["shards"],
            )
            whole = len(made.rows) == len(made.numbers) and all(self._is_intact(*shard) for shard in made.shards.items())
            return made if whole and all(row["key"] and row["status"] for row in made.rows) else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # absent or damaged: no marker, so the unit is made again
            return None

    def _is_intact(self, name: str, facts: Mapping[str, Any]) -> bool:
        path = storage.join(self.out, name)
        if storage.facts_of(path).size_b != facts["bytes"]:
            return False
        hashed = not storage.is_url(path) and facts["bytes"] <= _HASHED_BYTES
        return not hashed or sha256_file(path) == facts["sha256"]

    def _marker(self, index: int) -> str:
        return storage.join(self.folder, f"unit-{index:06d}.json")

    def sweep(self) -> None:
        """Remove drafts that a killed run left behind. Only under `lock`."""
        for folder in (self.out, self.folder, storage.join(self.out, "rejected")):
            for draft in [] if storage.is_url(folder) else Path(folder).glob(".*.tmp"):
                draft.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process; the system lets go of it even after a kill. Where there are no locks it says so and goes on."""
        if storage.is_url(self.out):
            _warn(f"{storage.shown(self.out)}: object storage has no locks: start one run at a time")
            yield
            return
        try:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
            handle = open(Path(self.folder) / ".lock", "w")
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise
            _warn(f"{self.out}: cannot be written to ({error.strerror}): nothing can be made there")
            yield
            return
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise ValueError(f"{self.out}: in use by another synthesize; wait for it or choose another --out") from error
                _warn(f"{self.out}: this file system has no locks ({error.strerror}): start one run at a time")
            yield


def _warn(text: str) -> None:
    print(f"synthesize: {text}", file=sys.stderr)


class Events:
    """What depends on when and where, as lines of `work/events.jsonl`: time, host, process and fields.

    On object storage, where nothing can be appended to, a run has a file of its own, `events-TIME.jsonl`, written every `_EVERY` lines.
    """

    _EVERY = 32

    def __init__(self, folder: str) -> None:
        self._lines: list[str] = []
        remote = storage.is_url(folder)
        name = f"events-{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}.jsonl" if remote else "events.jsonl"
        self._remote, self._location = remote, storage.join(folder, name)

    def add(self, kind: str, **fields: Any) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": now, "event": kind, "host": socket.gethostname(), "pid": os.getpid(), **fields}
        self._lines.append(json.dumps(line, sort_keys=True) + "\n")
        if not self._remote or len(self._lines) % self._EVERY == 0:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered."""
        if self._remote and self._lines:
            storage.write_bytes(self._location, "".join(self._lines).encode())
        elif self._lines:
            Path(self._location).parent.mkdir(parents=True, exist_ok=True)
            with open(self._location, "a", encoding="utf-8") as handle:
                handle.write("".join(self._lines))
            self._lines.clear()
