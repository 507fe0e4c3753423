"""The work of a round as it is handed about: planned pairs, the items that workers are given, and what is known of a pair afterwards.

The pair is the unit of work and of loss; a unit, a fixed range of planned pairs, is only what is sealed together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from bootstrap.pairing import PairSpec
from bootstrap.sources.source import Source

Numbers = tuple[int, int]
"""A pair as the generations count it: its window, its identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPair:
    """A pair with the two files as they lie now; None for one that is not there any more.

    `former`: the pair with the labels its generation was planned with, where they have changed since.
    """

    spec: PairSpec
    driving: Source | None
    identity: Source | None
    former: PlannedPair | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Pairs that are sealed together, in plan order."""

    index: int
    numbers: tuple[Numbers, ...]
    pairs: tuple[PlannedPair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What an attempted pair came to. `content`: `card.content_of` of its sample, by which it is known wherever it lies; "" without one.

    `again`: a later run judges it anew by itself; `filters`: digest of what judged it.
    """

    row: Mapping[str, Any]
    content: str = ""
    again: bool = False
    filters: str = ""

    @property
    def status(self) -> str:
        return self.row["status"]

    @property
    def failed(self) -> bool:
        return self.status == "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePair:
    """Item of work: make and judge the pair at `place` of a unit. `probe`: only to see whether the worker can; nothing of it is kept."""

    unit: int
    place: int
    numbers: Numbers
    pair: PlannedPair
    probe: bool = False

    @property
    def key(self) -> str:
        return self.pair.spec.key


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePair:
    """Item of work: judge the sample of an earlier attempt by today's filters."""

    unit: int
    place: int
    numbers: Numbers
    pair: PlannedPair
    known: Known

    @property
    def key(self) -> str:
        return self.known.row["key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealUnit:
    """Item of work: put what came of a unit's pairs into its shards, then its sidecar."""

    unit: int
    numbers: tuple[Numbers, ...]

    @property
    def key(self) -> str:
        return f"unit {self.unit}"


Item = MakePair | JudgePair | SealUnit
