"""How many tasks run at a time, across the threads and processes of one machine, those of dead processes among them.

A slot is a file with the key of the job in it, locked while its process lives. A slot whose process has died stays taken while its task
may still run at the service: another job may have it when that one has ended, or after ten minutes.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Callable, Iterator

from models.baselines.hosted.records import Jobs, age_s, try_lock

_ORPHAN_S = 600.0
_WAIT_S = 0.05


class Slots:
    """`count` slots over the jobs of one system."""

    def __init__(self, jobs: Jobs, count: int, sleep: Callable[[float], None]) -> None:
        self._jobs, self._count, self._sleep = jobs, count, sleep

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """Wait for a slot; a job comes back to its own."""
        while (handle := self._take(key)) is None:
            self._sleep(_WAIT_S)
        try:
            yield
        finally:
            os.close(handle)

    def _take(self, key: str) -> int | None:
        free: int | None = None
        for index in range(self._count):
            handle = try_lock(self._jobs.folder / "slots" / f"{index}.lock")
            if handle is None:
                continue
            holder = os.pread(handle, 64, 0).decode("ascii", "replace")
            own = holder == key
            if own or (free is None and not self._occupied(holder)):
                if free is not None:
                    os.close(free)
                free = handle
            else:
                os.close(handle)
            if own:
                return handle
        if free is not None:
            os.ftruncate(free, 0)
            os.pwrite(free, key.encode(), 0)
        return free

    def _occupied(self, holder: str) -> bool:
        if not holder:
            return False
        try:
            job = self._jobs.read(holder)
        except ValueError:  # a damaged record speaks up when its own job is asked for
            return False
        return job.in_flight and abs(age_s(job)) < _ORPHAN_S
