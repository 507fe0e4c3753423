"""What a round is asked for, and what each of its workers holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bootstrap.ledger import Ledger
from bootstrap.pair_rules import PairRules
from bootstrap.recipe import Recipe
from models.retry_failed import RetryFailed
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundConfig:
    """What `synthesize` is asked for. `limit`: at most so many attempted pairs; `selection`: how windows were chosen, for the record.

    `given`: names of what the flags pointed at, without the folders above. `pairs_per_unit`: so many are sealed together, in shards of at
    most `shard_mb` MiB; `retry`: which failed pairs are tried again; `retry_filters`: judged ones are judged again, none is made;
    `keep_rejected`: rejected candidates are kept aside.
    """

    recipe: Recipe
    given: tuple[str, ...] = ()
    rules: PairRules = PairRules()
    selection: dict[str, Any] = field(default_factory=dict)
    limit: int | None = None
    pairs_per_unit: int = 64
    shard_mb: int = 1024
    retry: RetryFailed = RetryFailed()
    retry_filters: bool = False
    keep_rejected: bool = False

    def __post_init__(self) -> None:
        require(self.limit is None or self.limit >= 1, "synthesize", "limit", self.limit, "a whole number >= 1, or none for all pairs")
        require(self.pairs_per_unit >= 1, "synthesize", "pairs_per_unit", self.pairs_per_unit, "a whole number >= 1")
        require(self.shard_mb >= 1, "synthesize", "shard_mb", self.shard_mb, "a whole number >= 1")
        require(self.recipe.seed >= 0, "synthesize", "seed", self.recipe.seed, "a whole number >= 0")
        advice = "without one every pair is attempted, whatever its kind"
        require(not self.rules.quotas or self.limit is not None, "synthesize", "quota", "no --limit", "a limit beside quotas", advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundContext:
    """What every worker of a round holds: how pairs are made and where they go. `filters`: digest of what judges; `plan`: of plan.json.

    `shard_b`: the most bytes of samples in a shard; `seen`: locations of a clip and a picture, to see whether a worker sees them.
    """

    out: str
    recipe: Recipe
    filters: str
    keep_rejected: bool = False
    shard_b: int = 1 << 30
    plan: str = ""
    seen: tuple[str, ...] = ()

    @property
    def ledger(self) -> Ledger:
        return Ledger(out=self.out)
