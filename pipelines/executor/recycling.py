"""When a worker is exchanged because of the memory it holds: a leak costs a restart, not the machine."""

from __future__ import annotations

import math
import os

from pipelines.executor.actors import Hand
from pipelines.executor.pools import Policy
from pipelines.executor.worker import Header

PART = 0.8
GROWN = 1.2
"""A worker that holds hardly more than after its first call has not leaked: a fresh one would hold as much."""


class Recycling:
    """Of all workers of a run: so many that share their machines' memory evenly."""

    def __init__(self, policy: Policy, workers: int) -> None:
        self._policy, self._workers = policy, workers
        self._used_b: dict[str, int] = {}
        self._limits_b: dict[str, float] = {}

    def welcome(self, hand: Hand, nodes: int) -> None:
        """A worker runs. What its machine had in use when its first worker came is not ours to share."""
        place = hand.place
        used_b = self._used_b.setdefault(place.node, place.used_b)
        self._limits_b[place.node] = memory_share(place.memory_b, used_b, math.ceil(self._workers / nodes))

    def is_due(self, hand: Hand, header: Header) -> bool:
        """Counts a call; whether the worker is to be exchanged after it."""
        hand.done += 1
        hand.first_rss_b = hand.first_rss_b or header.rss_b
        limit_b = self._policy.memory_b or self._limits_b.get(hand.place.node, math.inf)
        return limit_b < header.rss_b > GROWN * hand.first_rss_b


def memory_share(memory_b: int, used_b: int, workers: int) -> float:
    """What one of `workers` may hold before Ray would end one of them; infinity where the machine does not tell."""
    if not memory_b:
        return math.inf
    most = float(os.environ.get("RAY_memory_usage_threshold", "0.95"))
    return PART * max(0.0, most * memory_b - used_b) / workers
