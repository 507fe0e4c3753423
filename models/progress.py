"""One progress line with count, rate, ETA and failures: redrawn on a terminal, printed now and then in a log.

Written to standard error, so that standard output stays machine-readable. Where nothing is done for `quiet_s` that is said too, again and
again, each time after twice as long: something slow and something that hangs look alike to whoever waits.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TextIO


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


class Progress:
    """`with Progress("generate", total=40) as bar: bar.step()`. `already`: items done by an earlier run; total None = unknown."""

    def __init__(
        self,
        label: str,
        total: int | None,
        already: int = 0,
        stream: TextIO | None = None,
        every_s: float = 10.0,
        quiet_s: float = 60.0,
    ) -> None:
        self.label, self.total, self.done, self.failed = label, total, already, 0
        self._start, self._already, self._last_s = time.monotonic(), already, -1e9
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty()
        self._every_s = 0.1 if self._terminal else every_s
        self._quiet_s, self._moved_s, self._ended = quiet_s, self._start, threading.Event()

    def step(self, *, failed: bool = False, note: str = "", count: int = 1) -> None:
        """Count items as done (failed ones too) and show the line when it is due."""
        self.done += count
        self.failed += count if failed else 0
        self._moved_s = now = time.monotonic()
        if now - self._last_s >= self._every_s or self.done == self.total:
            self._last_s = now
            self._write(self.line(note))

    def skip(self, count: int) -> None:
        """Items that turned out to be done by an earlier run: they are no rate."""
        self.done += count
        self._already += count

    def line(self, note: str = "") -> str:
        spent_s, fresh = time.monotonic() - self._start, self.done - self._already
        rate = fresh / spent_s if spent_s > 0 else 0.0
        parts = [f"{self.label} {self._count()}", f"{rate:.2f}/s"]
        if self.total is not None:
            parts.append(f"ETA {_clock((self.total - self.done) / rate) if rate > 0 else '?'}")
        return " · ".join(parts + [f"{self.failed} failed"] * bool(self.failed) + [note] * bool(note))

    def _count(self) -> str:
        return str(self.done) if self.total is None else f"{self.done}/{self.total}"

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[2K{text}" if self._terminal else text + "\n")
        self._stream.flush()

    def _watch(self) -> None:
        """Runs beside the work until it ends."""
        wait_s, since_s = self._quiet_s, self._moved_s
        while not self._ended.wait(max(0.01, since_s + wait_s - time.monotonic())):
            if self._moved_s != since_s:
                wait_s, since_s = self._quiet_s, self._moved_s
            elif time.monotonic() >= since_s + wait_s:
                self._write(self.line(f"nothing done for {_clock(time.monotonic() - since_s)}"))
                wait_s *= 2

    def __enter__(self) -> Progress:
        threading.Thread(target=self._watch, name=f"{self.label} progress", daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        spent = f"{self.label}: {self._count()} in {_clock(time.monotonic() - self._start)}"
        spent += f", {self.failed} failed" if self.failed else ""
        why = "" if kind is None else " (stopped by Ctrl-C)" if issubclass(kind, KeyboardInterrupt) else f" (stopped: {kind.__name__})"
        self._write(spent + why)
        if self._terminal:
            self._stream.write("\n")
