"""What is already done: one marker file per work unit is the truth, written after the unit's shard.

A dataset folder in the making holds, beside the shards, `units/plan.json` (the resolved settings and what the source
folders held) and `units/unit-%06d.json` (the rows of a unit's pairs). Killed anywhere, a unit either has its marker or
is made again, to the same bytes. A marker counts only while its shard is the one it names; one that says `lost` (the
worker died again and again, the guide's endpoint did not serve) fills the manifest, yet a later run tries the unit
anew. `events.jsonl` takes everything that depends on when and where.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator

from models.artifacts import read_json, sha256, sha256_file, write_json

_HASHED_BYTES = 64 << 20  # a larger shard is compared by its size alone: hashing them all would make a no-op rerun slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A fixed range of pairs, `start <= position < stop`: the work of one worker at a time, one shard at most."""

    index: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The records of one dataset folder."""

    out: Path

    @property
    def _folder(self) -> Path:
        return self.out / "units"

    def plan(self) -> dict[str, Any] | None:
        """The stored plan, or None for a fresh folder."""
        path = self._folder / "plan.json"
        return read_json(path) if path.is_file() else None

    def write_plan(self, plan: dict[str, Any]) -> None:
        write_json(self._folder / "plan.json", plan)

    def write_marker(self, unit: Unit, rows: list[dict[str, Any]], shard: str = "", data: bytes = b"", lost: bool = False) -> None:
        """Declare a unit done. Call it after the shard has its final name. `data`: the shard's bytes."""
        record = {"unit": unit.index, "start": unit.start, "stop": unit.stop, "lost": lost, "rows": rows}
        shard_fields = {"shard": shard, "shard_bytes": len(data), "shard_sha256": sha256(data) if shard else ""}
        write_json(self._marker(unit), record | shard_fields)

    def marker(self, unit: Unit) -> dict[str, Any] | None:
        """The record of a unit that was made or lost; None without a readable one of this range, and where its shard is damaged."""
        path = self._marker(unit)
        try:
            record = read_json(path)
            same = (record["start"], record["stop"]) == (unit.start, unit.stop)
            return record if same and isinstance(record["rows"], list) and self._is_intact(record) else None
        except (OSError, ValueError, KeyError, TypeError):  # absent or damaged: no marker, so the unit is made again
            return None

    def is_done(self, unit: Unit) -> bool:
        """Whether there is nothing left to try for `unit`."""
        record = self.marker(unit)
        return record is not None and not record["lost"]

    def _is_intact(self, record: dict[str, Any]) -> bool:
        if not record["shard"]:
            return True
        path = self.out / record["shard"]
        if path.stat().st_size != record["shard_bytes"]:
            return False
        return record["shard_bytes"] > _HASHED_BYTES or sha256_file(path) == record["shard_sha256"]

    def _marker(self, unit: Unit) -> Path:
        return self._folder / f"unit-{unit.index:06d}.json"

    def event(self, kind: str, **fields: Any) -> None:
        """Append one line to events.jsonl: time, host, process and `fields`."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": now, "event": kind, "host": socket.gethostname(), "pid": os.getpid(), **fields}
        self.out.mkdir(parents=True, exist_ok=True)
        with open(self.out / "events.jsonl", "a", encoding="utf-8") as handle:
            handle.write(json.dumps(line, sort_keys=True) + "\n")

    def sweep(self) -> None:
        """Remove drafts that a killed run left behind. Only under `lock`."""
        for draft in [*self.out.glob(".*.tmp"), *self._folder.glob(".*.tmp")]:
            draft.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process; the system lets go of it even after a kill."""
        self.out.mkdir(parents=True, exist_ok=True)
        with open(self.out / ".lock", "w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ValueError(f"{self.out}: in use by another synthesize; wait for it or choose another --out") from error
            yield
