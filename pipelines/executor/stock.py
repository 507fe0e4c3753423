"""Items on their way: which waits where, what comes next, how many at once.

Items that hop on come before new ones in their pool, since both stand in one line and new ones are drawn late; what a worker had not begun
when it went comes first; suspects come when nothing else is to be had, each alone on its worker, and those that may have filled a machine's
memory alone in the whole run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.executor.health import Call
from pipelines.executor.pools import Pool, Pull


class Stock:
    """`out`: (item, result) to be handed on."""

    def __init__(self, pools: Sequence[Pool], pull: Pull) -> None:
        self._pull = pull
        self._lines = {pool.name: deque[Call]() for pool in pools}
        self._suspects: deque[Call] = deque()
        self._open, self._most_open = 0, most_open(pools)
        self._dry = self._alone = False
        self.out: deque[tuple[Any, Any]] = deque()

    @property
    def is_empty(self) -> bool:
        """Nothing is on its way, and nothing more has come."""
        return self._dry and not (self._open or self._suspects or self.out)

    def line(self, pool: str) -> deque[Call]:
        """What waits for a worker of that pool."""
        return self._lines[pool]

    def draw(self) -> None:
        """Begin items as long as not too many are on their way; suspects when nothing else is to be had, or when there are many."""
        self._alone = self._alone and self._open > 0
        while self._open < self._most_open and not self._alone:
            if len(self._suspects) > 4 * self._most_open and self._begin_suspect():
                continue
            start = self._pull()
            self._dry = start is None
            if start is not None:
                self._open += 1
                self._lines[start.pool].append(Call(start.item, start.pool, start.pool))
            elif not self._begin_suspect():
                return

    def go_on(self, call: Call, pool: str, payload: Any) -> None:
        """The item hops: before all that has not begun."""
        call.pool, call.payloads = pool, (*call.payloads, payload)
        line = self._lines[pool]
        line.insert(sum(bool(other.payloads) for other in line), call)

    def finish(self, call: Call, result: Any) -> None:
        self._open -= 1
        self.out.append((call.item, result))

    def hold(self) -> None:
        """An item has come out with a failure that is held back."""
        self._open -= 1

    def release(self, call: Call, result: Any) -> None:
        """A failure that was held back is handed on."""
        self.out.append((call.item, result))

    def again(self, call: Call, *, held: bool) -> None:
        """From its beginning, in its first pool. `held`: it was held back until now."""
        call.pool, call.payloads = call.start, ()
        self._open -= not held
        if call.suspect:
            self._suspects.append(call)
        else:
            self._open += 1
            self._lines[call.pool].appendleft(call)

    def put_back(self, calls: Iterable[Call]) -> None:
        """What a worker had not begun: first in its line."""
        for call in reversed([call for call in calls if not call.probe]):
            self._lines[call.pool].appendleft(call)

    def _begin_suspect(self) -> bool:
        """One that is to be alone waits until nothing is on its way; others pass it."""
        fit = next((call for call in self._suspects if not call.alone or not self._open), None)
        if fit is None:
            return False
        self._suspects.remove(fit)
        self._open += 1
        self._alone = fit.alone
        self._lines[fit.start].append(fit)
        return True


def most_open(pools: Sequence[Pool]) -> int:
    """Items on their way at most: one each worker, and one that lies ready for each worker of a later pool.

    In a single pool items that lie ready are not begun, so that one may be queued for each worker.
    """
    later = sum(pool.workers for pool in pools[1:])
    return sum(pool.workers for pool in pools) + (later or pools[0].workers)
