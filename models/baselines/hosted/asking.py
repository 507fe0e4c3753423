"""A call and what came of it, once or with patience. Keys are read anew for every call, so that a signature is never old."""

from __future__ import annotations

import time
from typing import Any, Callable

from models.baselines.hosted.keys import read_keys
from models.baselines.hosted.outcomes import Busy, Call, Follow, Provider, Reply, Unclear, Unsigned
from models.baselines.hosted.pace import Patience
from models.baselines.hosted.wire import Broken, NotSent, send

SIGNINGS = 4
"""How often a call is signed anew before its key is taken to be wrong."""
_CALL_S = 120.0

Make = Callable[[float], Call]
Read = Callable[[Reply], Any]


class Asker:
    """Speaks to one provider."""

    def __init__(self, provider: Provider, poll_s: float, patience_s: float, sleep: Callable[[float], None]) -> None:
        self._provider, self._poll_s, self._patience_s, self._sleep = provider, poll_s, patience_s, sleep

    def once(self, make: Make, read: Read) -> Any:
        """The outcome of one call."""
        keys = read_keys(self._provider.name, self._provider.key_names)
        try:
            return _read(read, send(make(time.time()), timeout_s=_CALL_S, secrets=keys))
        except NotSent as error:
            return Busy(reason=str(error))
        except Broken as error:
            return Unclear(reason=str(error))

    def patiently(self, make: Make, read: Read) -> Any:
        return self.counted(make, read)[0]

    def counted(self, make: Make, read: Read) -> tuple[Any, int]:
        """What a call that costs nothing comes to, tried again while nothing comes of it, and the number of calls.

        The last trouble where patience runs out.
        """
        patience, signings, calls = Patience(self._poll_s, self._patience_s), 0, 0
        while True:
            outcome, calls = self.once(make, read), calls + 1
            if isinstance(outcome, Follow):
                make = outcome.make
                continue
            signings += isinstance(outcome, Unsigned)
            if not isinstance(outcome, (Busy, Unclear, Unsigned)) or signings >= SIGNINGS:
                return outcome, calls
            asked_s = getattr(outcome, "retry_after_s", None)
            wait_s = 0.0 if isinstance(outcome, Unsigned) else patience.wait_s(asked_s)
            if wait_s is None:
                return outcome, calls
            self._sleep(wait_s)


def _read(read: Read, reply: Reply) -> Any:
    """A reply's meaning; one of another shape than the contract's (a list for an object) tells nothing of what was done."""
    try:
        return read(reply)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return Unclear(reason=f"HTTP {reply.status} and a reply of another shape than the contract's")
