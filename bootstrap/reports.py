"""How an item went, told by the worker that did it: for progress, diary and the next step, never for what is published."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReport:
    """A pair that was made or judged. `recorded`: its record is written; a failure without one is the head's to write.

    `changed`: judged otherwise than before; `trouble`: why its earlier verdict stands; `cause`: what may be the worker's fault, "" where
    nothing is; `seconds`: of every step; `runtime`: what the teacher ran on; `cost_usd`: what its answer cost, as it says itself.
    """

    key: str
    status: str
    reason: str = ""
    recorded: bool = True
    changed: bool = False
    trouble: str = ""
    cause: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    worker: str = ""
    runtime: Mapping[str, Any] = field(default_factory=dict)
    cost_usd: float = 0.0
