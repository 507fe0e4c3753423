"""The same line in this process, without Ray: one item after the other, hops called directly.

A time limit is kept by SIGALRM, so in the main thread only, and not over code that never comes back to Python. What a worker prints goes to
standard error: standard output is the caller's. A segfault ends the process: workers of their own bear that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from models.interrupts import Interrupt
from pipelines.executor.pools import Hop, Lost, Policy, Pool, Pull, SameCause, Start, Work
from pipelines.executor.threads import use_one_thread


def run_here(pools: Sequence[Pool], pull: Pull, policy: Policy, label: str) -> Iterator[tuple[Any, Any | Lost]]:
    """Yield `(item, result)` in the order in which `pull` brings them. Workers are made when their pool's first item comes."""
    makers, works = {pool.name: pool.make_worker for pool in pools}, dict[str, Work]()
    row = InARow(policy.stop_after)
    while (start := pull()) is not None:
        result = _bring_to_an_end(start, makers, works, policy.limit_s(start.item))
        yield start.item, result
        if policy.as_probe(start.item) is not None:  # others say nothing of what may be ill
            row.see(label, result.reason if isinstance(result, Lost) else policy.cause_of(result))


class InARow:
    """Items in a row that failed for one cause, before anything came out."""

    def __init__(self, stop_after: int | None) -> None:
        self._most, self._cause, self._times, self._managed = stop_after, "", 0, False

    def see(self, label: str, cause: str) -> None:
        """Raises SameCause at the last one that is borne with."""
        self._managed = self._managed or not cause
        self._times = self._times + 1 if cause == self._cause else 1
        self._cause = cause
        if self._most is not None and not self._managed and self._times >= self._most:
            raise SameCause(f"{label}: {self._times} items in a row failed: {cause}")


def _bring_to_an_end(start: Start, makers: dict[str, Callable[[], Work]], works: dict[str, Work], timeout_s: float | None) -> Any | Lost:
    pool, payloads = start.pool, ()
    while True:
        if pool not in works:
            use_one_thread()
            works[pool] = makers[pool]()
            use_one_thread()  # once more: make_worker may be what imports cv2 or torch
        with _own_streams(), _limit(timeout_s) as limit:
            try:
                result = works[pool](start.item, *payloads)
            except _TimedOut:
                result = Lost(reason=timed_out(timeout_s), attempts=1)
            limit.over = True
        if not isinstance(result, Hop):
            return result
        pool, payloads = result.to, (*payloads, result.payload)


def timed_out(timeout_s: float | None) -> str:
    """The reason of an item that took too long."""
    return f"timed out after {timeout_s:g} s"


class _TimedOut(Interrupt):
    """Not an Exception: what catches those to go on must not catch this."""


class _Limit:
    over = False


@contextlib.contextmanager
def _limit(timeout_s: float | None) -> Iterator[_Limit]:
    """Raises _TimedOut inside after `timeout_s`, and again each 5 s where it was swallowed."""
    limit = _Limit()
    if timeout_s is None or threading.current_thread() is not threading.main_thread():
        yield limit
        return

    def ring(*_: Any) -> None:
        if not limit.over:
            raise _TimedOut

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, timeout_s, 5.0)
    try:
        yield limit
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _own_streams() -> Iterator[None]:
    """What is printed inside goes to standard error; streams that are closed inside are open again afterwards."""
    kept = [os.dup(number) for number in (1, 2)]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        for number, copy in zip((1, 2), kept):
            os.dup2(copy, number)
            os.close(copy)
