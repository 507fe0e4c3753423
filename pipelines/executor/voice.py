"""What a run says of its workers: to whoever reads standard error, and to the diary."""

from __future__ import annotations

import sys
from typing import Any

from pipelines.executor.actors import Died, last_lines
from pipelines.executor.health import Call
from pipelines.executor.pools import Policy, Tell

_SHOWN = 5


class Voice:
    def __init__(self, label: str, policy: Policy, tell: Tell) -> None:
        self.label, self._policy, self._tell = label, policy, tell

    def tell(self, kind: str, **fields: Any) -> None:
        """For the diary."""
        self._tell(kind, **fields)

    def say(self, text: str) -> None:
        """For people."""
        print(f"{self.label}: {text}", file=sys.stderr, flush=True)

    def died(self, pool: str, died: Died, call: Call | None) -> None:
        """A worker died over a call, or without one."""
        name = "" if call is None else self._policy.name_of(call.item)
        attempt = 0 if call is None else call.attempts
        end = last_lines(died.printed)
        self.tell("worker_died", pool=pool, item=name, cause=died.cause, attempt=attempt, printed=end)
        about, tried = f"{name}: " if name else "", ", perhaps because of it: it is tried alone" if name else ""
        tried = f", attempt {attempt} of {self._policy.attempts}" if attempt else tried
        self.say(f"{about}worker of pool {pool} died ({died.cause}){tried}" + "".join(f"\n    {line}" for line in end[:_SHOWN]))
