"""Who wins how often: of every two systems the share of shared cases on which one is better, with what may be said of it.

In: a `Comparison`, its verdicts and a metric. Out: a square of `Duel`s over the systems that may be compared. The share is told, the
colour is the verdict's: a system may win most cases and nothing can be told yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from awbench.findings import LEVEL, Finding
from awbench.report.comparison import Comparison, System
from awbench.report.contenders import contenders
from awbench.report.metric_facts import MetricFacts
from awbench.report.table import BETTER, SAME, UNTOLD, WORSE, ordered
from awbench.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """The row's system against the column's. `share`: of `n` shared cases won, ties half; `verdict`: better | worse | level | ""."""

    share: float
    n: int
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WinMatrix:
    """`rows`: by system in the order of the standings; None on the diagonal and where two share no case."""

    metric: MetricFacts
    systems: tuple[str, ...]
    rows: tuple[tuple[Duel | None, ...], ...]


def win_matrix(comparison: Comparison, metric: MetricFacts, said: Sequence[Verdict]) -> WinMatrix | None:
    """The duels on `metric`; None where fewer than two systems may be compared."""
    able = [system for system in ordered(comparison) if system in contenders(comparison)]
    if len(able) < 2:
        return None
    findings = [one for verdict in said for one in verdict.findings if one.metric == metric.name]
    rows = tuple(tuple(_duel(comparison, metric, first, second, findings) for second in able) for first in able)
    return WinMatrix(metric=metric, systems=tuple(system.name for system in able), rows=rows)


def _duel(comparison: Comparison, metric: MetricFacts, first: System, second: System, findings: Sequence[Finding]) -> Duel | None:
    cases = comparison.ranking_cases(metric.name, comparison.cases)
    one, other = first.values(metric.name, cases), second.values(metric.name, cases)
    shared = one.keys() & other.keys()
    if first is second or not shared:
        return None
    wins = sum((gap > 0) + 0.5 * (gap == 0) for gap in (metric.sign * (one[case] - other[case]) for case in shared))
    return Duel(share=wins / len(shared), n=len(shared), verdict=_verdict(first.name, second.name, findings))


def _verdict(first: str, second: str, findings: Sequence[Finding]) -> str:
    found = next((one for one in findings if {one.first, one.second} == {first, second}), None)
    if found is None:
        return UNTOLD
    if found.clear:
        return BETTER if found.winner == first else WORSE
    return SAME if found.outcome == LEVEL else UNTOLD
