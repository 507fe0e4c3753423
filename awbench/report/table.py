"""The rows of a report: a mean with its interval for every system, metric and tag, and paired differences to a baseline.

In: a `Comparison`. Out: `Row`s, whose `record()` is the contract's JSON row, and the marks of a printed table. A row exists
for every (system, metric, tag), also when nothing was scored (mean null, n 0), so that a gap is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Mapping, Sequence

from awbench.report.comparison import CEILING, Comparison, System
from awbench.report.metric_facts import MetricFacts
from awbench.statistics import MIN_CLUSTERS, Estimate, estimate, paired

BEST, SECOND, UNMARKED = "best", "second", ""
MARKS_NOTE = (
    "Bold: no other system is clearly better on the cases both were scored on (paired interval beside 0); underlined: the best of "
    f"the rest. No mark where no two systems can be told apart, or below {MIN_CLUSTERS} cases or drivers. "
    f"{CEILING} is the ceiling and is not ranked."
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
    """Marks by system: best are all that no other clearly beats on shared cases; empty where nothing can be told apart.

    All pairs are compared: a mean over the easy cases alone, where the others failed, must not win.
    """
    marks = {system.name: UNMARKED for system in comparison.systems}
    if not comparison.is_ranked(metric.name):
        return marks
    sign = 1 if metric.higher_is_better else -1
    values = {system.name: system.values(metric.name, cases) for system in comparison.systems if not is_ceiling(system)}
    values = {name: {case: sign * value for case, value in found.items()} for name, found in values.items()}
    ranked = [name for name, found in values.items() if len({comparison.clusters[case] for case in found}) >= MIN_CLUSTERS]
    beaten = _beaten(ranked, values, comparison.clusters)
    order = sorted(ranked, key=lambda name: sum(values[name].values()) / len(values[name]), reverse=True)
    rest = [name for name in order if beaten[name]]
    second = [name for name in rest if not beaten[name] & set(rest)]
    marks.update({name: BEST for name in order if rest and not beaten[name]})
    return marks | {name: SECOND for name in second[:1]}


def _beaten(names: Sequence[str], values: Mapping[str, Mapping[str, float]], clusters: Mapping[str, str]) -> dict[str, set[str]]:
    """Which others are clearly above each system on the cases both were scored on; `values`: higher is better."""
    beaten: dict[str, set[str]] = {name: set() for name in names}
    for one, other in combinations(names, 2):
        gap = paired(values[one], values[other], clusters)
        if gap.clear:
            beaten[other if gap.mean > 0 else one].add(one if gap.mean > 0 else other)
    return beaten


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
