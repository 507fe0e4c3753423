"""The rows of a report: a mean with its interval for every system, metric and tag, and paired differences to a baseline.

In: a `Comparison`. Out: `Row`s in the order of the systems' standings, whose `record()` is the contract's JSON row, and the marks of a
printed table. A row exists for every (system, metric, tag), also when nothing was scored (mean null, n 0), so that a gap is seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from awbench.findings import AHEAD, BEHIND, LEVEL, Finding, findings
from awbench.report.alike import common_form, gist, unnamed
from awbench.report.comparison import CEILING, Comparison, System
from awbench.report.contenders import contenders, shared_cases, whole
from awbench.report.metric_facts import MetricFacts
from awbench.report.standing import DECIDES, standings, whole_mean
from awbench.statistics import MIN_CLUSTERS, Estimate, estimate, paired

BEST, SECOND, UNMARKED = "best", "second", ""
BETTER, WORSE, SAME, UNTOLD = "better", "worse", "level", ""
MARKS_NOTE = (
    "Bold: among the systems scored on as many cases as any, no other is clearly better, and some is clearly worse; underlined: the best "
    "of the rest. Clear: the paired interval lies beyond the metric's margin (what re-encoding moves), p < 5 % after Holm over all pairs "
    f"and metrics of these cases, on at least {MIN_CLUSTERS} drivers and references. Systems scored on fewer cases, those that stand "
    f"still, hand the driver back or mostly fail, and {CEILING} get no mark. On {DECIDES} nobody is marked who falls behind an unmarked "
    f"system by the part of the driver left out. Selections by tag are explorations, each adjusted by itself."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One mean, or with `baseline` the mean of the differences by case. Counts are cases; `mark`: best | second | "";
    `verdict` of a difference: better | worse | level | "" where it cannot be told or may not be ranked."""

    system: str
    metric: str
    tag: str | None
    baseline: str | None
    estimate: Estimate
    failed: int
    unscored: int
    missing: int
    mark: str = UNMARKED
    verdict: str = UNTOLD

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
    systems, rows = ordered(comparison), []
    for tag, cases in comparison.groups.items():
        marked = marks(comparison, cases)
        for metric in comparison.metrics:
            own = marked.get(metric.name, {})
            rows += [_mean_row(comparison, system, metric.name, tag, cases, own.get(system.name, UNMARKED)) for system in systems]
    return rows


def difference_rows(comparison: Comparison, baseline: str) -> list[Row]:
    """Every other system minus `baseline`, over the cases both were scored on. Raises ValueError for an unknown baseline."""
    base = comparison.system(baseline)
    others, rows = [system for system in ordered(comparison) if system is not base], []
    for tag, cases in comparison.groups.items():
        found = findings(comparison, cases, [(system.name, base.name) for system in others])
        said = {(one.first, one.metric): _SAID.get(one.outcome, UNTOLD) for one in found}
        for metric in comparison.metrics:
            rows += [_difference_row(comparison, s, base, metric.name, tag, cases, said.get((s.name, metric.name), UNTOLD)) for s in others]
    return rows


_SAID = {AHEAD: BETTER, BEHIND: WORSE, LEVEL: SAME}


def report_rows(comparison: Comparison, baseline: str | None = None) -> list[Row]:
    """All rows of a report."""
    return mean_rows(comparison) + (difference_rows(comparison, baseline) if baseline is not None else [])


def ordered(comparison: Comparison) -> list[System]:
    """The systems in the order of their standings."""
    return [comparison.system(standing.system) for standing in standings(comparison)]


def marks(comparison: Comparison, cases: Sequence[str]) -> dict[str, dict[str, str]]:
    """Metric -> system -> mark, of the metrics that may rank; empty where nothing can be told apart.

    Only systems scored on as many cases as any get a mark, but a better one that answered fewer takes it away.
    """
    found, able = findings(comparison, cases), contenders(comparison)
    return {metric.name: _marks(comparison, metric, able, cases, found) for metric in comparison.ranking}


def _marks(
    comparison: Comparison, metric: MetricFacts, able: Sequence[System], cases: Sequence[str], found: Sequence[Finding]
) -> dict[str, str]:
    ranking = comparison.ranking_cases(metric.name, cases)
    beaten: dict[str, set[str]] = {system.name: set() for system in able}
    for one in found:
        if one.metric == metric.name and one.clear:
            beaten[one.loser].add(one.winner)
    full = whole(comparison, metric.name, able, ranking)
    values = _shown_values(full, metric, ranking)
    full = sorted(full, key=lambda system: values[system.name], reverse=True)
    unbeaten = {system.name for system in full if any(beaten.values()) and not beaten[system.name]}
    top = max((values[system.name] for system in full if system.name not in unbeaten), default=-math.inf)
    marked = {name: BEST for name in unbeaten if metric.name != DECIDES or values[name] > top}
    rest = [system for system in full if system.name not in marked and not _is_worst(system, metric, ranking)]
    rest = rest[:1] if metric.name == DECIDES else rest
    second = [system.name for system in rest if not beaten[system.name] & {other.name for other in rest}]
    return marked | {name: SECOND for name in second[:1] if marked}


def _shown_values(systems: Sequence[System], metric: MetricFacts, cases: Sequence[str]) -> dict[str, float]:
    """What systems stand by: their means, times the share of the driver they answer on the metric that decides the order."""
    shared = shared_cases(systems, metric.name, cases) if metric.name == DECIDES else ()
    return {system.name: whole_mean(system, shared) if shared else _mean(system, metric, cases) for system in systems}


def _mean(system: System, metric: MetricFacts, cases: Sequence[str]) -> float:
    values = system.values(metric.name, cases).values()
    return metric.sign * sum(values) / len(values)


def _is_worst(system: System, metric: MetricFacts, cases: Sequence[str]) -> bool:
    """Whether nothing can be worse: the best of the rest is no praise then."""
    return metric.worst is not None and _mean(system, metric, cases) - metric.sign * metric.worst <= metric.margin


def _mean_row(comparison: Comparison, system: System, metric: str, tag: str | None, cases: Sequence[str], mark: str) -> Row:
    found = estimate(system.values(metric, cases), comparison.drivers, comparison.references)
    limits = comparison.metric(metric).limits
    found = found.limited(*limits) if limits else found
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


def _difference_row(
    comparison: Comparison, system: System, base: System, metric: str, tag: str | None, cases: Sequence[str], verdict: str
) -> Row:
    """`failed`: cases on which either failed; `missing`: cases that either lacks for no stated reason."""
    pairs = [(system.cells.get(metric, {}).get(case), base.cells.get(metric, {}).get(case)) for case in cases]
    found = paired(system.values(metric, cases), base.values(metric, cases), comparison.drivers, comparison.references)
    limits = comparison.metric(metric).limits
    found = found.limited(limits[0] - limits[1], limits[1] - limits[0]) if limits else found
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
        verdict=verdict,
    )


def failure_counts(comparison: Comparison) -> list[tuple[str, str, str, int]]:
    """(system, what failed, reason, cases), most frequent first: generation failures once, then metrics on generated clips.

    Reasons that differ by numbers or by the name of their case alone are one, with an ellipsis in their place.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    for system in comparison.systems:
        found[system.name, "generation"] = dict(system.generation_failures)
        for metric, cells in system.cells.items():
            own = {case: cell.reason or cell.status for case, cell in cells.items() if cell.status in ("failed", "missing")}
            found[system.name, metric] = {case: reason for case, reason in own.items() if case not in system.generation_failures}
    rows = [(*key, reason, count) for key, reasons in found.items() for reason, count in _causes(reasons)]
    return sorted(rows, key=lambda row: (-row[3], row[:3]))


def _causes(reasons: Mapping[str, str]) -> list[tuple[str, int]]:
    """Case -> reason as (reason, cases); a cause of one case is told in full."""
    whole: dict[str, list[str]] = {}
    for case, reason in reasons.items():
        whole.setdefault(gist(unnamed(reason, case)), []).append(case)
    return [
        (reasons[cases[0]] if len(cases) == 1 else common_form([unnamed(reasons[case], case) for case in cases]), len(cases))
        for cases in whole.values()
    ]
