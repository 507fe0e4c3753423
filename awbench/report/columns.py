"""In which order a page shows metrics, which of them lead, and why some rank nobody.

In: a `Comparison`. Out: `Column`s. A judge that sees the clip leads, learned metrics follow, then what compares with the truth and what
weighs no learned model; those that may not rank here stand at the end, with the reason: they need a truth that most cases lack, or, sound
as they are, say nothing of who follows the driver, and nothing here does. A leading table holds at most LEADING of them, of every kind the
first of each dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from awbench.catalog import METRICS
from awbench.judging.rubrics import PREFIX
from awbench.report.comparison import Comparison
from awbench.report.metric_facts import MetricFacts
from awbench.report.standing import DECIDES

LEADING = 7
"""What fits beside the names at 1400 px."""
JUDGE, LEARNED, TRUTH, WEIGHT_FREE = "judge", "learned", "truth", "weight-free"
SOURCES = (JUDGE, LEARNED, TRUTH, WEIGHT_FREE)
"""In the order to show them."""

INFORMS = "told for information, never ranked"
NEEDS_TRUTH = "ranks nobody here: without a truth it does not tell a right answer from the driver's own motion copied"
ALONE = "ranks nobody alone: an answer that follows nobody, or a torn one, can be as good"
BLIND_LOOK, ALONE_LOOK = "blind", "alone"
_PLACES = ("", ALONE_LOOK, BLIND_LOOK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A metric as a column. `source`: one of SOURCES; `blind`: why it ranks nobody here, "" where it does; `about`: what it sees."""

    metric: MetricFacts
    source: str
    blind: str = ""
    about: str = ""

    @property
    def look(self) -> str:
        """Blind (grey: its values would mislead) | alone (they mean what they say, and rank nobody) | "" where it ranks."""
        return ALONE_LOOK if self.blind == ALONE else BLIND_LOOK if self.blind else ""

    @property
    def told(self) -> str:
        """What stands under its title: where it comes from, or that it ranks nobody."""
        return {BLIND_LOOK: "ranks nobody here", ALONE_LOOK: "ranks nobody alone"}.get(self.look, self.source)

    @property
    def title(self) -> str:
        arrow = "" if self.metric.informative else " ↑" if self.metric.higher_is_better else " ↓"
        return f"{self.metric.title}{arrow}"

    @property
    def short(self) -> str:
        """The title where the source is said beside it."""
        return self.title.removeprefix(PREFIX.replace("_", " "))

    @property
    def hint(self) -> str:
        """What a reader who points at it is told."""
        return ". ".join(part for part in (self.blind, self.about) if part)


def columns(comparison: Comparison) -> tuple[Column, ...]:
    """Every shown metric, those that rank first."""
    found = [_column(comparison, metric) for metric in comparison.shown]
    return tuple(sorted(found, key=_place))


def leading(found: Sequence[Column]) -> tuple[Column, ...]:
    """The few that a first table shows: those that rank, one of each source and dimension, then blind ones while there is room."""
    seen: set[tuple[str, str]] = set()
    chosen = []
    for column in found:
        key = (column.source, column.metric.dimension or column.metric.name)
        if not column.metric.informative and key not in seen:
            chosen.append(column)
            seen |= {key} if column.look != BLIND_LOOK else set()
    return tuple(chosen[:LEADING])


def leading_metric(found: Sequence[Column]) -> MetricFacts | None:
    """The metric that duels are told by: the first that ranks and is no whole of others, else the first that ranks."""
    able = [column.metric for column in found if not column.blind]
    return next((metric for metric in able if not metric.combines), able[0] if able else None)


def _column(comparison: Comparison, metric: MetricFacts) -> Column:
    alone = "" if comparison.is_ranked(metric.name) else ALONE
    blind = alone if comparison.may_rank(metric.name) else INFORMS if metric.informative else NEEDS_TRUTH
    known = METRICS.load(metric.name) if metric.name in METRICS.table() else None
    told = [f"{word} {text}" for word, text in (("sees", known.sees), ("blind to", known.blind)) if text] if known else []
    return Column(metric=metric, source=_source(metric, bool(known and known.optional)), blind=blind, about="; ".join(told))


def _source(metric: MetricFacts, optional: bool) -> str:
    if metric.name.startswith(PREFIX):
        return JUDGE
    if optional:
        return LEARNED
    return TRUTH if metric.compares_with_truth else WEIGHT_FREE


def _place(column: Column) -> tuple[int, bool, int, bool]:
    return _PLACES.index(column.look), column.metric.informative, SOURCES.index(column.source), column.metric.name != DECIDES
