"""In which order systems are shown, and which of them may be ranked at all.

In: a `Comparison`. Out: one `Standing` per system, in the order to show them: ranked, unranked, partial, degenerate, failing, and the
ceiling apart. A degenerate system is one that no metric means to praise: it stands still or hands the driver back
(`awbench.report.contenders`). It is shown with its numbers and the reason, gets no mark and never leads. A partial one answered fewer cases
than the others. Unranked is who nothing that was scored can tell from one that follows no driver.

Where the truth of most cases is known, ranked systems are ordered on the cases that all of them answered: by ssim times completeness, for
it alone compares with the right answer (psnr, which does too, prefers blur), or without ssim by the mean rank over the metrics that may
rank: places within a metric's margin are level, every dimension has one voice, wholes made of other metrics have none of their own.

Elsewhere nobody is ranked unless a metric sees who follows the driver (`Comparison.unseen`): the others are as good for a picture that
follows nobody, or for a torn one. Then they are ordered by the mean rank over what sees the answers (keypoints, a judge), what does not
breaks ties; and nobody stands above one that clearly follows the driver better.

What gives the order is told (`order_told`), and so is the value where it is not the ssim that is shown (`Standing.order_note`). The order
is a way of showing; what is beyond chance is said by `awbench.verdicts`, and where nothing is, no place is numbered (`tells_apart`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

from awbench.findings import findings
from awbench.report.comparison import Comparison, System
from awbench.report.contenders import contenders, degeneracy, failing, shared_cases
from awbench.report.metric_facts import MetricFacts
from awbench.statistics import ranks

RANKED, UNRANKED, PARTIAL = "ranked", "unranked", "partial"
DEGENERATE, FAILING, CEILING_APART = "degenerate", "failing", "ceiling"
KINDS = (RANKED, UNRANKED, PARTIAL, DEGENERATE, FAILING, CEILING_APART)
"""In the order to show them."""

DECIDES, COMPLETENESS = "ssim", "completeness"
"""The metric of the order where the truth is known, and what it is multiplied by: the share of the driver that is answered."""

_WHOLE = 0.9995
"""From here on a share reads as all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a system stands. `kind`: one of KINDS; `reason`: why it is not ranked, "" where it is or where nobody is; `answered`: of
    `cases`, those with a value and no failure; `mean_rank`: from 1 over the dimensions that may rank, None where there is none.

    Where the truth decides the order, of ranked systems: `decided`, the mean of ssim times completeness, and `completeness`, its mean.
    """

    system: str
    kind: str
    reason: str
    answered: int
    cases: int
    mean_rank: float | None = None
    decided: float | None = None
    completeness: float | None = None

    @property
    def note(self) -> str:
        """One sentence on a system that is not ranked, "" for the others."""
        apart = self.kind in (UNRANKED, PARTIAL, DEGENERATE, FAILING) and self.reason
        return f"{self.system} is not ranked: it {self.reason}." if apart else ""

    @property
    def order_note(self) -> str:
        """The value that its place comes from, where that is not the ssim shown; else ""."""
        if self.decided is None or self.completeness >= _WHOLE:
            return ""
        return f"answers {self.completeness:.0%} of the driver; {DECIDES} × that is {self.decided:.3f}"


@lru_cache(maxsize=16)  # by identity: a report asks for it from everywhere
def standings(comparison: Comparison) -> tuple[Standing, ...]:
    """All systems in the order to show them."""
    kinds = {system.name: _kind(comparison, system) for system in comparison.systems}
    ranked = [system for system in comparison.systems if kinds[system.name][0] == RANKED]
    decided, seeing = _decided(comparison, ranked), comparison.seeing
    mean_ranks = _mean_ranks(comparison, ranked, seeing or comparison.ranking)
    first = ranks({name: value for name, (value, _) in decided.items()}) if decided else _tiers(comparison, ranked)
    ties = _mean_ranks(comparison, ranked, comparison.ranking) if seeing else {}
    found = [
        _standing(comparison, system, *kinds[system.name], mean_ranks.get(system.name), *decided.get(system.name, ()))
        for system in comparison.systems
    ]

    def order(standing: Standing) -> tuple[int, float, float, float, int, str]:
        name = standing.system
        places = first.get(name, 0.0), standing.mean_rank or 0.0, ties.get(name, 0.0)
        return KINDS.index(standing.kind), *places, -standing.answered, name

    return tuple(sorted(found, key=order))


def decided_by_truth(comparison: Comparison) -> bool:
    """Whether the order is that of ssim against the truth."""
    return any(standing.decided is not None for standing in standings(comparison))


def order_told(comparison: Comparison) -> str:
    """What gives the order, in words; whether it tells anything, `awbench.verdicts.tells_apart` knows."""
    if comparison.seeing:
        by = sorted({"the judge" if metric.is_judged else metric.title for metric in comparison.seeing})
        return f"in order of mean rank by {' and '.join(by)}, nobody above one that clearly follows the driver better"
    if not decided_by_truth(comparison):
        return "in order of mean rank over the dimensions that may rank"
    part = " × the share of the driver that is answered" if any(one.order_note for one in standings(comparison)) else ""
    return f"in order of {DECIDES} against the truth{part}"


def _decided(comparison: Comparison, ranked: Sequence[System]) -> dict[str, tuple[float, float]]:
    """(ssim times completeness, completeness) of every ranked system, means; empty where the truth does not decide."""
    if not comparison.knows_truth:
        return {}
    if not any(metric.name == DECIDES for metric in comparison.ranking):
        return {}
    cases = shared_cases(ranked, DECIDES, comparison.ranking_cases(DECIDES, comparison.cases)) if ranked else ()
    if not cases:
        return {}
    return {system.name: (whole_mean(system, cases), _completeness(system, cases)) for system in ranked}


def _tiers(comparison: Comparison, ranked: Sequence[System]) -> dict[str, int]:
    """The longest chain of ranked systems above each of which every one clearly follows the driver better than the next; where a truth
    says it, none."""
    names, follow = {system.name for system in ranked}, {metric.name for metric in comparison.seeing if metric.follows}
    clear = [one for one in findings(comparison, comparison.cases) if one.metric in follow and one.clear] if follow else []
    above = {name: {one.winner for one in clear if one.loser == name and one.winner in names} for name in names}
    tiers = dict.fromkeys(names, 0)
    for _ in names:  # a chain is no longer than this, also where two metrics disagree
        tiers = {name: max((tiers[better] + 1 for better in above[name]), default=0) for name in names}
    return tiers


def whole_mean(system: System, cases: Sequence[str]) -> float:
    """Mean of the deciding metric times completeness: what an answer leaves out is no part of what it got right."""
    values, parts = system.values(DECIDES, cases), system.values(COMPLETENESS, cases)
    return fmean(values[case] * parts.get(case, 1.0) for case in cases)


def _completeness(system: System, cases: Sequence[str]) -> float:
    parts = system.values(COMPLETENESS, cases)
    return fmean(parts.get(case, 1.0) for case in cases)


def standing_notes(comparison: Comparison) -> tuple[str, ...]:
    """Why some systems are not ranked, one sentence each."""
    return tuple(standing.note for standing in standings(comparison) if standing.note)


def _kind(comparison: Comparison, system: System) -> tuple[str, str]:
    if system.is_ceiling:
        return CEILING_APART, "answers with the truth"
    if reason := failing(comparison, system):
        return FAILING, reason
    if reason := degeneracy(comparison, system):
        return DEGENERATE, reason
    answered, most = answers(comparison, system), max(answers(comparison, other) for other in contenders(comparison))
    if answered < most:
        return PARTIAL, f"answered {answered} of {len(comparison.cases)} cases, others {most}"
    return (UNRANKED, _not_seen(comparison, system)) if comparison.unseen or _not_seen(comparison, system) else (RANKED, "")


def _not_seen(comparison: Comparison, system: System) -> str:
    """That nothing says of this system whether it follows the driver, though of others something does; else ""."""
    follow = [metric for metric in comparison.seeing if metric.follows]
    if not follow or any(system.values(metric.name, comparison.cases) for metric in follow):
        return ""
    return f"was not scored by {' or '.join(metric.title for metric in follow)}, which sees who follows the driver"


def _standing(
    comparison: Comparison,
    system: System,
    kind: str,
    reason: str,
    place: float | None,
    decided: float | None = None,
    completeness: float | None = None,
) -> Standing:
    known = {"answered": answers(comparison, system), "cases": len(comparison.cases)}
    known |= {"mean_rank": place, "decided": decided, "completeness": completeness}
    return Standing(system=system.name, kind=kind, reason=reason, **known)


def answers(comparison: Comparison, system: System) -> int:
    """On how many cases the system has a value, and no metric that may rank failed or is missing."""
    columns = [system.cells[metric.name] for metric in comparison.shown if comparison.may_rank(metric.name) and metric.name in system.cells]
    return sum(all(cells[case].status in ("ok", "unscored") for cells in columns) for case in system.answered)


def _voices(metrics: Sequence[MetricFacts]) -> list[list[MetricFacts]]:
    """Metrics by dimension, without those made of others."""
    groups: dict[str, list[MetricFacts]] = {}
    for metric in metrics:
        if not metric.combines:
            groups.setdefault(metric.dimension or metric.name, []).append(metric)
    return list(groups.values())


def _mean_ranks(comparison: Comparison, systems: Sequence[System], metrics: Sequence[MetricFacts]) -> dict[str, float]:
    """Mean over the dimensions of the mean rank over their metrics; empty where none of `metrics` ranks them."""
    voices = ([_ranks(comparison, systems, metric, metric.margin) for metric in voice] for voice in _voices(metrics))
    tables = [known for voice in voices if (known := [table for table in voice if table])]
    return {name: fmean(fmean(table[name] for table in voice) for voice in tables) for name in (s.name for s in systems) if tables}


def _ranks(comparison: Comparison, systems: Sequence[System], metric: MetricFacts, margin: float) -> dict[str, float]:
    """Places by the mean of `metric` over the cases all `systems` have a value on, level within `margin`; empty where there are none."""
    cases = shared_cases(systems, metric.name, comparison.ranking_cases(metric.name, comparison.cases))
    if not cases or not systems:
        return {}
    means = {system.name: metric.sign * fmean(system.values(metric.name, cases).values()) for system in systems}
    return ranks(means, margin)
