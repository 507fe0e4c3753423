"""What lives in a worker process: the pool's work, what it prints, how much memory it holds.

Each call answers with a small header and, where the item hops, its payload as an object of its own: the head reads headers only.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.executor.pools import Hop, Work
from pipelines.executor.source import check_source
from pipelines.executor.threads import use_one_thread

_BEGUN = ".begun"
PRINTED_B = 1 << 20
"""So much of what a worker prints is kept, the latest."""


@dataclass(frozen=True, slots=True)
class Header:
    """`to`: the pool to which the item hops, None where `result` is its end; `rss_b`: what the process holds afterwards."""

    to: str | None
    result: Any
    rss_b: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker runs, the file of what it prints, and how much memory its machine has and had in use when the worker came."""

    node: str
    pid: int
    printed: str
    memory_b: int
    used_b: int


class Worker:
    """One per process. `where` answers as soon as the process runs, `make` when what is costly is loaded; both again for another run."""

    def __init__(self, head: tuple[str, str]) -> None:
        self._head = head
        self._streams = _Streams()

    def where(self) -> Place:
        import ray

        memory_b, used_b = machine_memory()
        node = ray.get_runtime_context().get_node_id()
        return Place(node, os.getpid(), self._streams.path, memory_b, used_b)

    def make(self, make_worker: Callable[[], Work]) -> None:
        self._streams.forget()
        check_source(*self._head)
        self._work = make_worker()
        use_one_thread()

    def call(self, item: Any, *payloads: Any) -> tuple[Header, Any]:
        self._streams.mend()
        self._streams.begin()
        start_s = time.monotonic()
        result = self._work(item, *payloads)
        seconds = time.monotonic() - start_s
        if isinstance(result, Hop):
            return Header(result.to, None, rss_b(), seconds), result.payload
        return Header(None, result, rss_b(), seconds), None


class _Streams:
    """Standard output and error of this process in one file beside Ray's logs, cut to its last part where it grows."""

    def __init__(self) -> None:
        self.path, self._file, self._begun = "", -1, 0
        try:
            logs = os.path.dirname(os.readlink("/proc/self/fd/2"))
            self.path = os.path.join(logs, f"actorforge-{os.getpid()}.log")
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError:  # not Linux, or the logs go elsewhere: Ray keeps what is printed
            self.path = ""
            return
        self.mend()
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False, errors="replace") for number in (1, 2))
        threading.Thread(target=self._watch, name="printed", daemon=True).start()

    def mend(self) -> None:
        """Once more before each call: a model may have closed them, and the next file opened would get what is printed."""
        if self._file >= 0:
            for number in (1, 2):
                os.dup2(self._file, number)

    def begin(self) -> None:
        """Says for the head how many calls were begun, should this one end the process."""
        self._begun += 1
        if self.path:
            with contextlib.suppress(OSError), open(f"{self.path}{_BEGUN}", "w") as file:
                file.write(str(self._begun))

    def forget(self) -> None:
        """No call was begun yet."""
        self._begun = 0
        if self.path:
            with contextlib.suppress(OSError):
                os.unlink(f"{self.path}{_BEGUN}")

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            if os.fstat(self._file).st_size > PRINTED_B:
                last = os.pread(self._file, PRINTED_B // 4, os.fstat(self._file).st_size - PRINTED_B // 4)
                os.ftruncate(self._file, 0)
                os.write(self._file, last)


def last_words(path: str, most_b: int = 1 << 16) -> tuple[int | None, str]:
    """Of a worker that is gone: how many calls it had begun, None where it is not known, and the last of what it had printed.

    `most_b`: faulthandler's last words end with the names of all extension modules, some kilobytes.
    """
    begun = _read(f"{path}{_BEGUN}", most_b) if path else ""
    return int(begun) if begun.isdecimal() else None, _read(path, most_b)


def _read(path: str, most_b: int) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - most_b))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def rss_b() -> int:
    """Memory of this process; 0 where it is not told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def machine_memory() -> tuple[int, int]:
    """Memory of this machine, or of the container, and what of it is in use, in bytes; zeros where it is not told."""
    try:
        lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
        known = {words[0]: int(words[1]) << 10 for words in lines}
        whole = known["MemTotal:"]
        used = whole - known["MemAvailable:"]
    except (OSError, ValueError, KeyError, IndexError):
        return 0, 0
    try:
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text())
        return (most, int((group / "memory.current").read_text())) if most < whole else (whole, used)
    except (OSError, ValueError):  # no container, or one without a limit
        return whole, used
