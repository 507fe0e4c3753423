"""Work that mostly waits, on threads of this process: jobs of a service that are to be waited for together.

Results come as they finish. Where no more may be begun, what is under way is waited for. Ctrl-C, and a reader who leaves, do not wait:
threads are daemons, and what they write is written whole or not at all.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipelines.executor.pools import Policy, SameCause


def run_together(
    work: Callable[[Any], Any],
    items: Sequence[Any],
    threads: int,
    *,
    label: str,
    policy: Policy = Policy(),
    may_begin: Callable[[int], bool] = lambda under_way: True,
) -> Iterator[tuple[int, Any]]:
    """Yield `(index, result)`. `may_begin(under_way)`: asked before every item, with how many are under way; False begins no more.

    Raises what `work` raises, and SameCause where the first `policy.stop_after` items failed for one cause.
    """
    waiting: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()

    def serve() -> None:
        while (index := waiting.get()) is not None:
            try:
                done.put((index, work(items[index]), None))
            except BaseException as error:  # noqa: BLE001  raised where it is waited for
                done.put((index, None, error))

    for _ in range(min(threads, len(items))):
        threading.Thread(target=serve, name=label, daemon=True).start()
    begun, under_way, causes = 0, 0, list[str]()
    try:
        while True:
            while begun < len(items) and under_way < threads and may_begin(under_way):
                waiting.put(begun)
                begun, under_way = begun + 1, under_way + 1
            if not under_way:
                return
            index, result, error = done.get()
            under_way -= 1
            if error is not None:
                raise error
            yield index, result
            _check_alike(causes, policy, result, label)
    finally:
        for _ in range(threads):
            waiting.put(None)


def _check_alike(causes: list[str], policy: Policy, result: Any, label: str) -> None:
    """Raises SameCause at the last failure that is borne with, before anything came out."""
    causes.append(policy.cause_of(result))
    alike = len(set(causes)) == 1 and bool(causes[0])
    if policy.stop_after is not None and alike and len(causes) >= policy.stop_after:
        raise SameCause(f"{label}: the first {len(causes)} items failed: {causes[0]}")
