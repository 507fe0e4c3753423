"""`calls.jsonl`: what was called and what it cost, one line a call."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any, Mapping

LOG_FILE = "calls.jsonl"


class CallLog:
    """Append-only JSON lines of what was called and what it cost. Several threads and processes may write: a line is one write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock, self._read_bytes, self._spent_usd = threading.Lock(), 0, 0.0

    def append(self, row: Mapping[str, Any]) -> None:
        line = json.dumps(row, sort_keys=True, allow_nan=False) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def spent_usd(self) -> float:
        """The cost of all lines; only those not seen before are read. Raises ValueError naming a damaged line."""
        with self._lock:
            if self.path.is_file():
                with open(self.path, "rb") as handle:
                    handle.seek(self._read_bytes)
                    whole, newline, _ = handle.read().rpartition(b"\n")
                self._spent_usd += sum(_cost_of_line(line, self.path) for line in whole.split(b"\n") if line)
                self._read_bytes += len(whole) + len(newline)
            return self._spent_usd


def _cost_of_line(line: bytes, path: Path) -> float:
    try:
        return float(json.loads(line)["cost_usd"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: line: got {line[:80]!r}, expected a call with its cost_usd; repair or remove the line") from error
