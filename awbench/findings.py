"""One finding for every two systems and metric: which is better, or that they are level, or that nothing can be told.

In: a `Comparison` and a selection of its cases. Out: `Finding`s. A difference is clear only where
  - its interval (`awbench.statistics`) lies beyond the metric's margin, which is what re-encoding alone moves,
  - its p, adjusted after Holm over all pairs and metrics looked at together, is below 5 %: the t test's, or the sign test's where
    the differences have no spread,
  - it rests on at least MIN_CLUSTERS drivers and references,
  - and the metric may rank on these cases.
Level: the whole interval lies inside the margin. Two systems that answered as many cases as any are compared on the cases all such systems
share, others on those both answered. Only contenders (`awbench.report.contenders`) are compared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any, Iterable, Sequence

from awbench.report.comparison import Comparison, System
from awbench.report.contenders import contenders, shared_cases, whole
from awbench.report.metric_facts import MetricFacts
from awbench.statistics import CONFIDENCE, Estimate, detectable, differences, estimate, holm, sign_test

AHEAD, BEHIND, LEVEL, UNCLEAR = "ahead", "behind", "level", "unclear"
ALPHA = 1 - CONFIDENCE

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`first` against `second` on one metric. `gain`: mean difference by case, turned so that above 0 `first` is better.

    `p`: t test; `p_sign`: exact sign test over drivers; `p_adjusted`: after Holm; `detectable`: the smallest true difference found with
    80 % power at 5 % by a test of its own; `needed`: cases that would tell a difference as seen, None where no number would;
    `outcome`: ahead | behind | level | unclear.
    """

    first: str
    second: str
    metric: str
    gain: Estimate
    margin: float
    p: float | None
    p_sign: float
    p_adjusted: float
    detectable: float | None
    needed: int | None
    outcome: str

    @property
    def clear(self) -> bool:
        """Whether one is better."""
        return self.outcome in (AHEAD, BEHIND)

    @property
    def winner(self) -> str:
        """The better one, "" unless clear."""
        return {AHEAD: self.first, BEHIND: self.second}.get(self.outcome, "")

    @property
    def loser(self) -> str:
        return {AHEAD: self.second, BEHIND: self.first}.get(self.outcome, "")

    def record(self) -> dict[str, Any]:
        """The finding as plain values, the gain's fields beside the others."""
        plain = asdict(self)
        gain = plain.pop("gain")
        return {**plain, "gain": gain.pop("mean"), **gain}


def findings(comparison: Comparison, cases: Sequence[str], pairs: Iterable[Pair] | None = None) -> list[Finding]:
    """Every pair of systems that may be compared (default: all of them) on every metric that may rank, adjusted together.

    A pair that shares no case of a metric has no finding on it.
    """
    able = {system.name: system for system in contenders(comparison)}
    chosen = [pair for pair in (combinations(able, 2) if pairs is None else pairs) if set(pair) <= able.keys()]
    found = []
    for metric in comparison.ranking:
        ranking = comparison.ranking_cases(metric.name, cases)
        full = whole(comparison, metric.name, list(able.values()), ranking)
        common = shared_cases(full, metric.name, ranking)
        for pair in chosen:
            first, second = (able[name] for name in pair)
            on = common if first in full and second in full else ranking
            found += _raw(comparison, metric, first, second, on)
    return _adjusted(found)


def _raw(comparison: Comparison, metric: MetricFacts, first: System, second: System, cases: Sequence[str]) -> list[Finding]:
    """The finding before it is adjusted and judged; none without a shared case."""
    gaps = differences(*(_oriented(system, metric, cases) for system in (first, second)))
    if not gaps:
        return []
    gain, p_sign = estimate(gaps, comparison.drivers, comparison.references), sign_test(gaps, comparison.drivers)
    known = {"first": first.name, "second": second.name, "metric": metric.name, "margin": metric.margin}
    return [Finding(**known, gain=gain, p=gain.p, p_sign=p_sign, p_adjusted=1.0, detectable=detectable(gain), needed=None, outcome=UNCLEAR)]


def _oriented(system: System, metric: MetricFacts, cases: Sequence[str]) -> dict[str, float]:
    return {case: metric.sign * value for case, value in system.values(metric.name, cases).items()}


def _adjusted(found: Sequence[Finding]) -> list[Finding]:
    p_values = holm({place: one.p_sign if one.p is None else one.p for place, one in enumerate(found)})
    return [_judged(replace(one, p_adjusted=p_values[place])) for place, one in enumerate(found)]


def _judged(one: Finding) -> Finding:
    if one.gain.enough and one.gain.beyond(one.margin) and one.p_adjusted < ALPHA:
        return replace(one, outcome=AHEAD if one.gain.mean > 0 else BEHIND)
    return replace(one, outcome=LEVEL) if one.gain.enough and one.gain.within(one.margin) else one
