"""When workers do not come to work: says what was asked for and what the cluster has, or how long they have been loading; or ends a run to
which none can come.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from pipelines.executor.actors import Hand, Hands
from pipelines.executor.pools import Pool, SessionLost
from pipelines.executor.voice import Voice

AFTER_S = 10.0
EVERY_S = 0.5
LOST_S = 2.0
"""A worker that has not come after so long may never come."""


class Waiting:
    """Says it after a while, and again each time after twice as long; anew when it has changed."""

    def __init__(self, pools: Sequence[Pool], voice: Voice) -> None:
        self._pools, self._voice = pools, voice
        self._due_s: dict[tuple[str, str], float] = {}
        self._checked_s = 0.0

    def check(self, hands: Hands) -> None:
        """Raises SessionLost where no worker can come any more."""
        now = time.monotonic()
        if now - self._checked_s < EVERY_S:
            return
        self._checked_s = now
        for pool in self._pools:
            absent, loading = _unready(hands.of(pool))
            waits, loads = ([now - hand.since_s for hand in some] for some in (absent, loading))
            if waits and max(waits) > LOST_S and hands.are_cut_off:
                label = self._voice.label
                raise SessionLost(f"{label}: Ray has died on this machine (its raylet was killed, perhaps for want of memory)")
            if self._is_due(pool, "waiting", waits):
                text = shortage(pool, len(waits), hands.resources())
                self._voice.tell("waiting", pool=pool.name, text=text)
                self._voice.say(text)
            if self._is_due(pool, "loading", loads):
                self._voice.say(f"pool {pool.name}: {counted(len(loads))} loading for {max(loads):.0f} s by now")

    def _is_due(self, pool: Pool, what: str, since_s: Sequence[float]) -> bool:
        longest_s = max(since_s, default=0.0)
        due = longest_s > self._due_s.get((pool.name, what), AFTER_S)
        if due or not since_s:
            self._due_s[pool.name, what] = 2 * longest_s if due else AFTER_S
        return due


def _unready(hands: Sequence[Hand]) -> tuple[list[Hand], list[Hand]]:
    """Those that have not come, and those that are there and load."""
    return [hand for hand in hands if hand.place is None], [hand for hand in hands if hand.place is not None and not hand.ready]


def counted(workers: int) -> str:
    return f"{workers} worker{'' if workers == 1 else 's'}"


def shortage(pool: Pool, waiting: int, resources: dict[str, float]) -> str:
    """In words: "pool cpu: asked 4 workers of 1 CPU, the cluster has 2 CPU: 2 wait"."""
    asked = [f"{count:g} {name}" for name, count in (("CPU", pool.cpus), ("GPU", pool.gpus)) if count]
    names = [name for name, count in (("CPU", pool.cpus), ("GPU", pool.gpus)) if count]
    there = ", ".join(f"{resources.get(name, 0):g} {name}" for name in names)
    return f"pool {pool.name}: asked {counted(pool.workers)} of {' and '.join(asked)}, the cluster has {there}: {waiting} wait"
