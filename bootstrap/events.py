"""The diary of a dataset: everything that depends on when and where, kept apart from what is published."""

from __future__ import annotations

import json
import os
import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from models import storage


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
