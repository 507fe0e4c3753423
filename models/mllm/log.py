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

    def rows(self) -> list[dict[str, Any]]:
        """All lines in their order; one without its end, which a killed machine may leave, is not read. Raises ValueError as below."""
        whole = self.path.read_bytes().rpartition(b"\n")[0] if self.path.is_file() else b""
        return [_line(line, self.path) for line in whole.split(b"\n") if line]

    def spent_usd(self) -> float:
        """The cost of all lines; only those not seen before are read. Raises ValueError naming a damaged line."""
        with self._lock:
            if self.path.is_file():
                with open(self.path, "rb") as handle:
                    handle.seek(self._read_bytes)
                    whole, newline, _ = handle.read().rpartition(b"\n")
                self._spent_usd += sum(float(_line(line, self.path)["cost_usd"]) for line in whole.split(b"\n") if line)
                self._read_bytes += len(whole) + len(newline)
            return self._spent_usd


def _line(line: bytes, path: Path) -> dict[str, Any]:
    try:
        row = json.loads(line)
        float(row["cost_usd"])
        return row
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: line: got {line[:80]!r}, expected a call with its cost_usd; repair or remove the line") from error
