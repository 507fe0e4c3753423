"""What may still be spent: what the log says, and what calls under way may cost at most, held in the memory of one process.

Calls are a matter of seconds and end with their process, so nothing of them need outlive it. Tasks of a hosted system do, and are held on
disk (`models.baselines.hosted.costs`).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Callable, Iterator

ROUNDING_USD = 1e-9
"""What sums of floating-point numbers may be off by: ten times 0.1 fits below 1."""


class CapReached(Exception):
    """A call or a task might lead beyond the cap. `spent_usd` so far."""

    def __init__(self, spent_usd: float) -> None:
        super().__init__(f"{spent_usd:.4f} USD spent")
        self.spent_usd = spent_usd


class Budget:
    """Keeps `spent()` and every call under way below `cap_usd`; None never says no. Several threads may share it."""

    def __init__(self, cap_usd: float | None, spent: Callable[[], float]) -> None:
        self._cap_usd, self._spent, self._free = cap_usd, spent, threading.Condition()
        self._held_usd, self._holders = 0.0, 0

    @contextmanager
    def holding(self, usd: float) -> Iterator[Callable[[float], bool]]:
        """Hold what a call may cost at most until its line is in the log; waits where calls under way may come out cheaper.

        Yields `more(usd)`, which holds so much more and says whether it may: it never waits, as others wait for its caller.
        Raises CapReached.
        """
        self._take(usd)
        held = [usd]

        def more(extra: float) -> bool:
            with self._free:
                fits = self._fits(self._spent(), extra)
                self._held_usd += extra * fits
                held.append(extra * fits)
                return fits

        try:
            yield more
        finally:
            with self._free:
                self._holders -= 1
                self._held_usd = self._held_usd - sum(held) if self._holders else 0.0  # no sum of roundings stays behind
                self._free.notify_all()

    def _take(self, usd: float) -> None:
        with self._free:
            while not self._fits(spent := self._spent(), usd):
                if not self._holders:
                    raise CapReached(spent)
                self._free.wait()
            self._held_usd, self._holders = self._held_usd + usd, self._holders + 1

    def _fits(self, spent_usd: float, usd: float) -> bool:
        return self._cap_usd is None or spent_usd + self._held_usd + usd <= self._cap_usd + ROUNDING_USD
