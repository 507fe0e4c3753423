"""Work that mostly waits, on threads of this process: jobs of a service that are to be waited for together.

Results come as they finish. Where no more may be begun, what is under way is waited for. Ctrl-C, and a reader who leaves, do not wait:
threads are daemons, and what they write is written whole or not at all.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipelines.executor.inline import InARow
from pipelines.executor.pools import Policy


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

    Raises what `work` raises, and SameCause where `policy.stop_after` items in a row failed for one cause before anything came out.
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
    begun, under_way, row = 0, 0, InARow(policy.stop_after)
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
            row.see(label, policy.cause_of(result))
    finally:
        for _ in range(threads):
            waiting.put(None)
