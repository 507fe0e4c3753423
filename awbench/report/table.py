"""The rows of a report: a mean with its interval for every system, metric and tag, and paired differences to a baseline.

In: a `Comparison`. Out: `Row`s, whose `record()` is the contract's JSON row, and the marks of a printed table. A row exists
for every (system, metric, tag), also when nothing was scored (mean null, n 0), so that a gap is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from awbench.report.comparison import CEILING, Comparison, MetricFacts, System
from awbench.statistics import MIN_CLUSTERS, Estimate, estimate, paired

BEST, SECOND, UNMARKED = "best", "second", ""
MARKS_NOTE = (
    "Bold: the best system and every system that its paired interval cannot tell from it; underlined: the best of the rest. "
    f"No mark where no system can be told from the best, or below {MIN_CLUSTERS} cases. {CEILING} is the ceiling and is not ranked."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One mean, or with `baseline` the mean of the differences by case. Counts are cases; `mark`: best | second | ""."""

    system: str
    metric: str
    tag: str | None
    baseline: str | None
    estimate: Estimate
    failed: int
    unscored: int
    missing: int
    mark: str = UNMARKED

    def record(self) -> dict[str, Any]:
        """The row of the JSON contract; mean is null at n = 0, low and high are null at n < 2."""
        found = self.estimate
        return {
            "system": self.system,
            "metric": self.metric,
            "tag": self.tag,
            "baseline": self.baseline,
            "mean": found.mean,
            "low": found.low,
            "high": found.high,
            "n": found.n,
            "failed": self.failed,
        }


def mean_rows(comparison: Comparison) -> list[Row]:
    """Means over all cases first, then tag by tag."""
    rows = []
    for tag, cases in comparison.groups.items():
        for metric in comparison.metrics:
            marks = rank(comparison, metric, cases)
            rows += [_mean_row(comparison, system, metric.name, tag, cases, marks[system.name]) for system in comparison.systems]
    return rows


def difference_rows(comparison: Comparison, baseline: str) -> list[Row]:
    """Every other system minus `baseline`, over the cases both were scored on. Raises ValueError for an unknown baseline."""
    base = comparison.system(baseline)
    others = [system for system in comparison.systems if system is not base]
    return [
        _difference_row(comparison, system, base, metric.name, tag, cases)
        for tag, cases in comparison.groups.items()
        for metric in comparison.metrics
        for system in others
    ]


def report_rows(comparison: Comparison, baseline: str | None = None) -> list[Row]:
    """All rows of a report."""
    return mean_rows(comparison) + (difference_rows(comparison, baseline) if baseline is not None else [])


def rank(comparison: Comparison, metric: MetricFacts, cases: Sequence[str]) -> dict[str, str]:
    """Marks by system: best are all that cannot be told from the best mean; empty where that is every system."""
    marks = {system.name: UNMARKED for system in comparison.systems}
    sign = 1 if metric.higher_is_better else -1
    values = {system.name: system.values(metric.name, cases) for system in comparison.systems if not is_ceiling(system)}
    means = {name: sign * sum(found.values()) / len(found) for name, found in values.items() if found}
    order = sorted(means, key=means.get, reverse=True)
    gaps = {name: paired(values[order[0]], values[name], comparison.clusters) for name in order[1:]}
    worse = [name for name, gap in gaps.items() if gap.clear and sign * gap.mean > 0]
    if not worse:
        return marks
    marks.update({name: BEST for name in order if name not in worse})
    return marks | {worse[0]: SECOND}


def is_ceiling(system: System) -> bool:
    """Whether the system answers with the truth."""
    return str(system.run.system) == CEILING


def _mean_row(comparison: Comparison, system: System, metric: str, tag: str | None, cases: Sequence[str], mark: str) -> Row:
    found = estimate(system.values(metric, cases), comparison.clusters)
    failed, unscored = (system.count(metric, cases, status) for status in ("failed", "unscored"))
    return Row(
        system=system.name,
        metric=metric,
        tag=tag,
        baseline=None,
        estimate=found,
        failed=failed,
        unscored=unscored,
        missing=len(cases) - found.n - failed - unscored,
        mark=mark,
    )


def _difference_row(comparison: Comparison, system: System, base: System, metric: str, tag: str | None, cases: Sequence[str]) -> Row:
    """`failed`: cases on which either failed; `missing`: cases that either lacks for no stated reason."""
    pairs = [(system.cells.get(metric, {}).get(case), base.cells.get(metric, {}).get(case)) for case in cases]
    found = paired(system.values(metric, cases), base.values(metric, cases), comparison.clusters)
    statuses = [{cell.status if cell else "missing" for cell in pair} for pair in pairs]
    failed = sum("failed" in status for status in statuses)
    unscored = sum("unscored" in status and "failed" not in status for status in statuses)
    return Row(
        system=system.name,
        metric=metric,
        tag=tag,
        baseline=base.name,
        estimate=found,
        failed=failed,
        unscored=unscored,
        missing=len(cases) - found.n - failed - unscored,
    )


def failure_counts(comparison: Comparison) -> list[tuple[str, str, str, int]]:
    """(system, what failed, reason, cases), most frequent first: generation failures once, then metrics on generated clips."""
    counts: dict[tuple[str, str, str], int] = {}
    for system in comparison.systems:
        for reason in system.generation_failures.values():
            key = (system.name, "generation", reason)
            counts[key] = counts.get(key, 0) + 1
        for metric, cells in system.cells.items():
            for case, cell in cells.items():
                if cell.status in ("failed", "missing") and case not in system.generation_failures:
                    key = (system.name, metric, cell.reason or cell.status)
                    counts[key] = counts.get(key, 0) + 1
    return sorted(((*key, count) for key, count in counts.items()), key=lambda row: (-row[3], row[:3]))
