"""The profile of each system over the dimensions: what a radar draws.

In: a `Comparison` and its columns. Out: a `Profile` with an axis for each dimension that a metric with a known range may rank, from the
worst value there can be (0) to the best (1), and the means of the systems on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Sequence

from awbench.report.columns import JUDGE, Column
from awbench.report.comparison import Comparison, System
from awbench.report.standing import CEILING_APART, PARTIAL, RANKED, standings

LEAST, MOST = 3, 6
"""Values a polygon needs, and polygons: more nobody can tell apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`axes`: what each is; `systems`: name -> values in [0, 1], None where there is none, of those with a polygon to draw; `left_out`:
    systems not drawn for room."""

    axes: tuple[str, ...]
    systems: dict[str, tuple[float | None, ...]]
    left_out: int = 0


def profile(comparison: Comparison, found: Sequence[Column]) -> Profile | None:
    """The profile, or None with fewer than three axes or no ranked system."""
    axes = _axes(found)
    places = [standing for standing in standings(comparison) if standing.kind in (RANKED, PARTIAL, CEILING_APART)]
    if len(axes) < LEAST or not any(standing.kind == RANKED for standing in places):
        return None
    systems = [comparison.system(standing.system) for standing in places]
    values = {system.name: tuple(_scaled(comparison, system, axis) for axis in axes) for system in systems}
    drawn = {name: own for name, own in values.items() if len(own) - own.count(None) >= LEAST}
    shown = dict(list(drawn.items())[:MOST])
    return Profile(axes=tuple(axis.metric.title for axis in axes), systems=shown, left_out=len(drawn) - len(shown))


def _axes(found: Sequence[Column]) -> list[Column]:
    """The first metric of each dimension that ranks, is no whole of others and has a range worth an axis (dB have none)."""
    chosen: dict[str, Column] = {}
    for column in found:
        ranged = column.metric.limits and (column.metric.span or column.source == JUDGE)
        if ranged and not column.blind and not column.metric.combines:
            chosen.setdefault(column.metric.dimension or column.metric.name, column)
    return list(chosen.values())


def _scaled(comparison: Comparison, system: System, column: Column) -> float | None:
    metric = column.metric
    values = system.values(metric.name, comparison.ranking_cases(metric.name, comparison.cases)).values()
    if not values:
        return None
    low, high = metric.limits
    share = (fmean(values) - low) / (high - low)
    return min(1.0, max(0.0, share if metric.higher_is_better else 1 - share))
