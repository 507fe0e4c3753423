"""When workers that were asked for do not come: says what was asked for and what the cluster has, or ends a run to which none can come."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from pipelines.executor.actors import Hands
from pipelines.executor.pools import Pool, SessionLost, Tell

AFTER_S = 10.0
EVERY_S = 0.5
LOST_S = 2.0
"""A worker that has not come after so long may never come."""


class Waiting:
    """Says it after a while, and again each time after twice as long; anew when it has changed."""

    def __init__(self, pools: Sequence[Pool], label: str, tell: Tell) -> None:
        self._pools, self._label, self._tell = pools, label, tell
        self._due_s = {pool.name: AFTER_S for pool in pools}
        self._checked_s = 0.0

    def check(self, hands: Hands) -> None:
        """Raises SessionLost where no worker can come any more."""
        now = time.monotonic()
        if now - self._checked_s < EVERY_S:
            return
        self._checked_s = now
        for pool in self._pools:
            waits = [now - hand.since_s for hand in hands.of(pool) if hand.place is None]
            if waits and max(waits) > LOST_S and hands.are_cut_off:
                raise SessionLost(f"{self._label}: Ray has died on this machine (its raylet was killed, perhaps for want of memory)")
            if not waits:
                self._due_s[pool.name] = AFTER_S
            elif max(waits) > self._due_s[pool.name]:
                self._due_s[pool.name] = 2 * max(waits)
                text = shortage(pool, len(waits), hands.resources())
                self._tell("waiting", pool=pool.name, text=text)
                print(f"{self._label}: {text}", file=sys.stderr)


def shortage(pool: Pool, waiting: int, resources: dict[str, float]) -> str:
    """In words: "pool cpu: asked 4 workers of 1 CPU, the cluster has 2 CPU: 2 wait"."""
    asked = [f"{count:g} {name}" for name, count in (("CPU", pool.cpus), ("GPU", pool.gpus)) if count]
    names = [name for name, count in (("CPU", pool.cpus), ("GPU", pool.gpus)) if count]
    there = ", ".join(f"{resources.get(name, 0):g} {name}" for name in names)
    plural = "" if pool.workers == 1 else "s"
    return f"pool {pool.name}: asked {pool.workers} worker{plural} of {' and '.join(asked)}, the cluster has {there}: {waiting} wait"
