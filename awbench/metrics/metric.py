"""What a metric is: a described function of `Evidence` that answers with a number or says why there is none.

A metric that raises has failed; one that returns `Unscored` does not apply to the case by design. Neither is ever a 0.
`overall` is the one metric with `combines`: its function takes the answers of those metrics instead of the evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """The metric does not apply to this case. `reason` lands in the score row."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`low`, `high`: the range of values. `optional`: needs something not everybody has, such as weights.

    A changed formula gets a new `version`; scores of an older version are computed anew. `variant`: what else decides the
    values, such as the weights in use, as a short text or ""; asked at every scoring. `is_share`: values are 0 or 1, so that
    a mean is a share of the cases. `margin`: differences of means up to it are noise, measured as what re-encoding the same clips
    moves. `rank_without_truth`: False where values of cases without a truth must rank nobody. `informative`: told, never ranked.
    `ready`: False where it cannot answer as it stands, for want of a model or a judge; what it once answered is then left alone.
    `sees`, `blind`: in one line each, which damage the metric answers to and which it cannot know.
    """

    name: str
    version: str
    dimension: str
    low: float
    high: float
    function: Callable[[Any], float | Unscored]
    higher_is_better: bool = True
    optional: bool = False
    combines: tuple[str, ...] = ()
    variant: Callable[[], str] | None = None
    is_share: bool = False
    margin: float = 0.0
    rank_without_truth: bool = True
    informative: bool = False
    ready: bool = True
    sees: str = ""
    blind: str = ""

    def __post_init__(self) -> None:
        item = f"metric {self.name!r}"
        require(self.name.isidentifier(), item, "name", repr(self.name), "letters, digits and _")
        require(bool(self.version), item, "version", repr(self.version), "a non-empty text")
        require(self.low < self.high, item, "range", (self.low, self.high), "low < high")
        require(self.margin >= 0, item, "margin", self.margin, ">= 0")

    @property
    def scored_version(self) -> str:
        """What a score row says: the version, with the variant as in "1+ab12cd"."""
        variant = self.variant() if self.variant is not None else ""
        return f"{self.version}+{variant}" if variant else self.version
