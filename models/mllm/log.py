"""`calls.jsonl` and its like: what was called and what it cost, one line a call."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from pathlib import Path
from typing import Any, Mapping

LOG_FILE = "calls.jsonl"
_BACK_B = 1 << 16


class CallLog:
    """Append-only JSON lines of what was called and what it cost. Several threads and processes of one machine may write.

    A line is there whole or not at all: what a full disk takes a part of is taken back, and what a machine that died left of one is cut off
    before the next; no reader has counted it. A line that is damaged otherwise is an error with its number: what it cost is not known, so
    no cap could hold.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock, self._read_bytes, self._read_lines, self._spent_usd = threading.Lock(), 0, 0, 0.0

    def append(self, row: Mapping[str, Any]) -> None:
        """Raises OSError where the disk does not take the line; the log is then as it was."""
        line = json.dumps(row, sort_keys=True, allow_nan=False) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _write_whole(handle, line.encode(), _whole_bytes(handle))
        finally:
            os.close(handle)

    def rows(self) -> list[dict[str, Any]]:
        """All lines in their order; one without its end is not read. Raises ValueError naming a damaged line."""
        whole = self.path.read_bytes().rpartition(b"\n")[0] if self.path.is_file() else b""
        return self._rows_of(whole, 0)

    def spent_usd(self) -> float:
        """The cost of all lines; only those not seen before are read. Raises ValueError naming a damaged line."""
        with self._lock:
            if self.path.is_file():
                with open(self.path, "rb") as handle:
                    handle.seek(self._read_bytes)
                    whole, newline, _ = handle.read().rpartition(b"\n")
                self._spent_usd += sum(float(row["cost_usd"]) for row in self._rows_of(whole, self._read_lines))
                self._read_bytes += len(whole) + len(newline)
                self._read_lines += (whole + newline).count(b"\n")
            return self._spent_usd

    def _rows_of(self, whole: bytes, before: int) -> list[dict[str, Any]]:
        return [_row(line, self.path, number) for number, line in enumerate(whole.split(b"\n"), before + 1) if line]


def _row(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
        float(row["cost_usd"])
        return row
    except (ValueError, KeyError, TypeError) as error:
        expected = "a call with its cost_usd; repair or remove the line"
        raise ValueError(f"{path}: line: got {line[:80]!r} as number {number}, expected {expected}") from error


def _write_whole(handle: int, line: bytes, end: int) -> None:
    """Write all of `line` behind the first `end` bytes, or nothing."""
    os.ftruncate(handle, end)
    try:
        written = 0
        while written < len(line):
            written += os.write(handle, line[written:])
    except OSError:
        os.ftruncate(handle, end)
        raise


def _whole_bytes(handle: int) -> int:
    """How many bytes the whole lines of a file are."""
    end = os.fstat(handle).st_size
    while end:
        start = max(0, end - _BACK_B)
        tail = os.pread(handle, end - start, start)
        if newline := tail.rfind(b"\n") + 1:
            return start + newline
        end = start
    return 0
