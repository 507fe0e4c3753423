"""The work of a round as it is handed about: a planned pair, a unit of them, and what came of a unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from bootstrap.pairing import PairSpec
from bootstrap.sources.source import Source


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
    """The work of one worker at a time, one shard at most. `numbers`: window and identity of every pair, as the generations count them."""

    index: int
    numbers: tuple[tuple[int, int], ...]
    pairs: tuple[PlannedPair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came of a unit, as its marker keeps it. `again`: keys a later run tries anew by itself; `filters`: digest of what judged.

    `shards`: name below the dataset -> {bytes, sha256}; `contents`: key -> `card.content_of` of its sample, by which it is known again
    wherever it lies.
    """

    numbers: tuple[tuple[int, int], ...]
    rows: tuple[Mapping[str, Any], ...]
    again: frozenset[str] = frozenset()
    filters: str = ""
    shards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return any(row["status"] == "failed" for row in self.rows)
