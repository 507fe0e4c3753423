"""Counters that a cluster's Prometheus endpoints export; without Ray, and in a session of our own, they cost nothing and show nothing.

    actorforge_pairs_total{status}      actorforge_step_seconds_total{step}      actorforge_worker_events_total{event}
Ray gathers them from the process that counts, the head, and exports them on its node.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any


def count(name: str, amount: float = 1.0, **tags: str) -> None:
    """Add to the counter of that name. `tags`: label -> value, the same labels at every call."""
    ray = sys.modules.get("ray")
    if amount > 0 and ray is not None and ray.is_initialized():
        job = ray.get_runtime_context().get_job_id()  # a counter lives as long as its session
        _counter(name, tuple(sorted(tags)), job).inc(amount, tags=tags)


@cache
def _counter(name: str, labels: tuple[str, ...], job: str) -> Any:
    from ray.util.metrics import Counter

    return Counter(f"actorforge_{name}", description=f"ActorForge: {name.replace('_', ' ')}", tag_keys=labels)
