"""The diary of a dataset: everything that depends on when and where, kept apart from what is published."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator

from models import storage


class Events:
    """What depends on when and where, as lines of `work/events.jsonl`: time, host, process and fields.

    On object storage, where nothing can be appended to, a run writes parts, `events-TIME-0000.jsonl`, of `_EVERY` lines each.
    """

    _EVERY = 1000

    def __init__(self, folder: str) -> None:
        self._lines: list[str] = []
        self._folder, self._remote, self._parts = folder, storage.is_url(folder), 0
        self._begun = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}"

    def add(self, kind: str, **fields: Any) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": now, "event": kind, "host": socket.gethostname(), "pid": os.getpid(), **fields}
        self._lines.append(json.dumps(line, sort_keys=True) + "\n")
        if not self._remote or len(self._lines) == self._EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered."""
        if not self._lines:
            return
        text = "".join(self._lines)
        if self._remote:
            storage.write_bytes(storage.join(self._folder, f"events-{self._begun}-{self._parts:04d}.jsonl"), text.encode())
            self._parts += 1
        else:
            Path(self._folder).mkdir(parents=True, exist_ok=True)
            with open(Path(self._folder) / "events.jsonl", "a", encoding="utf-8") as handle:
                handle.write(text)
        self._lines.clear()


def spent_usd(folder: str) -> float:
    """What the pairs of all runs so far have cost together, as the diary in `folder` has it. Raises OSError where it cannot be read."""
    return sum(float(line.get("cost_usd") or 0.0) for line in _lines(folder) if line.get("event") == "pair")


def _lines(folder: str) -> Iterator[dict[str, Any]]:
    names = [name for name, _ in storage.walk(folder, lambda _: False) if name.startswith("events") and name.endswith(".jsonl")]
    for name in names:
        for line in storage.read_bytes(storage.join(folder, name)).splitlines():
            with contextlib.suppress(ValueError):  # the last one of a run that was killed
                yield json.loads(line)
