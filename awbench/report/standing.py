"""In which order systems are shown, and which of them may be ranked at all.

In: a `Comparison`. Out: one `Standing` per system, in the order to show them: ranked, partial, degenerate, and the ceiling apart.
A degenerate system is one that no metric means to praise: it stands still, hands the driver back or mostly fails. It is shown
with its numbers and the reason, gets no mark and never leads. A partial one answered fewer cases than the others.

Ranked systems are ordered on the cases that all of them answered: by ssim times completeness where the truth of most is known, for it
alone compares with the right answer (psnr, which does too, prefers blur), else by the mean rank over the metrics that may rank: places
within a metric's margin are level, every dimension has one voice, wholes made of other metrics have none of their own. What gives the
order is told (`order_told`), and so is the value where it is not the ssim that is shown (`Standing.order_note`). The order is a
way of showing; what is beyond chance is said by `awbench.verdicts`, and where nothing is, no place is numbered (`tells_apart`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import Mapping, Sequence

from awbench.report.comparison import Comparison, System
from awbench.report.metric_facts import MetricFacts
from awbench.statistics import ranks

RANKED, PARTIAL, DEGENERATE, CEILING_APART = "ranked", "partial", "degenerate", "ceiling"
KINDS = (RANKED, PARTIAL, DEGENERATE, CEILING_APART)
"""In the order to show them."""

DECIDES, COMPLETENESS = "ssim", "completeness"
"""The metric of the order where the truth is known, and what it is multiplied by: the share of the driver that is answered."""

_WHOLE = 0.9995
"""From here on a share reads as all of it."""

MOST = 0.5
"""A sign of degeneracy holds for a system when more than this share of the cases it can be read from shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A sign of degeneracy on one case: every metric of `bounds` lies in its closed interval. `least`: cases it must be readable
    on before it is believed; `track`: the only track it means anything on, "" for both."""

    says: str
    bounds: Mapping[str, tuple[float, float]]
    least: int = 1
    track: str = ""


_NOTHING, _HARDLY, _ALL = 0.02, 0.1, float("inf")
SIGNS = (
    Sign(says="shows none of the driver's motion", bounds={"motion_fidelity": (-_ALL, _NOTHING)}),
    Sign(says="shows hardly any of the driver's motion", bounds={"motion_fidelity": (-_ALL, _HARDLY)}, least=3),
    Sign(says="holds one frame", bounds={"held_share": (0.9, _ALL)}),
    Sign(says="answers with at most half of the frames", bounds={"completeness": (-_ALL, 0.5)}),
    Sign(says="hands the driver back", bounds={"driver_leak": (1, _ALL), "appearance_consistency": (-_ALL, _NOTHING)}),
    Sign(says="hands the driver back", bounds={"driver_leak": (1, _ALL)}, least=3),
    Sign(says="looks no more like the reference than the driver does", bounds={"appearance_consistency": (-_ALL, _NOTHING)}, least=3),
    Sign(says="hands the driver back", bounds={"psnr": (40, _ALL)}, track="self"),
)
"""What is looked for: floors of metrics that honest systems stay clear of; 40 dB is nearer than a codec leaves most clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a system stands. `kind`: one of KINDS; `reason`: why it is not ranked, "" where it is; `answered`: of `cases`, those
    with a value and no failure; `mean_rank`: from 1 over the dimensions that may rank, None where there is none.

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
        return f"{self.system} is not ranked: it {self.reason}." if self.kind in (PARTIAL, DEGENERATE) else ""

    @property
    def order_note(self) -> str:
        """The value that its place comes from, where that is not the ssim shown; else ""."""
        if self.decided is None or self.completeness >= _WHOLE:
            return ""
        return f"answers {self.completeness:.0%} of the driver; {DECIDES} × that is {self.decided:.3f}"


def standings(comparison: Comparison) -> tuple[Standing, ...]:
    """All systems in the order to show them."""
    kinds = {system.name: _kind(comparison, system) for system in comparison.systems}
    ranked = [system for system in comparison.systems if kinds[system.name][0] == RANKED]
    decided, mean_ranks = _decided(comparison, ranked), _mean_ranks(comparison, ranked)
    first = ranks({name: value for name, (value, _) in decided.items()}) if decided else {}
    found = [
        _standing(comparison, system, *kinds[system.name], mean_ranks.get(system.name), *decided.get(system.name, ()))
        for system in comparison.systems
    ]

    def order(standing: Standing) -> tuple[int, float, float, int, str]:
        mean_rank = standing.mean_rank or 0.0
        return KINDS.index(standing.kind), first.get(standing.system, 0.0), mean_rank, -standing.answered, standing.system

    return tuple(sorted(found, key=order))


def decided_by_truth(comparison: Comparison) -> bool:
    """Whether the order is that of ssim against the truth."""
    return any(standing.decided is not None for standing in standings(comparison))


def order_told(comparison: Comparison) -> str:
    """What gives the order, in words; whether it tells anything, `awbench.verdicts.tells_apart` knows."""
    if not decided_by_truth(comparison):
        return "in order of mean rank over the dimensions that may rank"
    part = " × the share of the driver that is answered" if any(one.order_note for one in standings(comparison)) else ""
    return f"in order of {DECIDES} against the truth{part}"


def _decided(comparison: Comparison, ranked: Sequence[System]) -> dict[str, tuple[float, float]]:
    """(ssim times completeness, completeness) of every ranked system, means; empty where the truth does not decide."""
    if len(comparison.with_truth) <= MOST * len(comparison.cases):
        return {}
    if not any(metric.name == DECIDES for metric in comparison.ranking):
        return {}
    cases = shared_cases(ranked, DECIDES, comparison.ranking_cases(DECIDES, comparison.cases)) if ranked else ()
    if not cases:
        return {}
    return {system.name: (whole_mean(system, cases), _completeness(system, cases)) for system in ranked}


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


def contenders(comparison: Comparison) -> list[System]:
    """The systems that may be compared with each other: neither degenerate nor the ceiling."""
    return [system for system in comparison.systems if not system.is_ceiling and not degeneracy(comparison, system)]


@lru_cache(maxsize=256)  # by identity: a report asks for every selection of cases anew
def degeneracy(comparison: Comparison, system: System) -> str:
    """Why no metric means to praise the system, or ""."""
    failed, cases = len(system.generation_failures), len(comparison.cases)
    if failed > MOST * cases:
        return f"fails on {failed} of {cases} cases"
    return next((found for sign in SIGNS if (found := _shown(comparison, system, sign))), "")


def _shown(comparison: Comparison, system: System, sign: Sign) -> str:
    values = [system.values(metric, comparison.cases) for metric in sign.bounds]
    readable = [case for case in comparison.cases if all(case in found for found in values)]
    tracks = {case.id: case.track for case in comparison.suite.cases}
    shown = [
        case
        for case in readable
        if sign.track in ("", tracks[case]) and all(low <= found[case] <= high for found, (low, high) in zip(values, sign.bounds.values()))
    ]
    if len(readable) < sign.least or len(shown) <= MOST * len(readable):
        return ""
    return f"{sign.says} ({', '.join(_bound(*item) for item in sign.bounds.items())} on {len(shown)} of {len(readable)} cases)"


def _bound(metric: str, bound: tuple[float, float]) -> str:
    low, high = bound
    return f"{metric} at least {low:g}" if high == _ALL else f"{metric} at most {high:g}"


def _kind(comparison: Comparison, system: System) -> tuple[str, str]:
    if system.is_ceiling:
        return CEILING_APART, "answers with the truth"
    if reason := degeneracy(comparison, system):
        return DEGENERATE, reason
    answered, most = answers(comparison, system), max(answers(comparison, other) for other in contenders(comparison))
    return (PARTIAL, f"answered {answered} of {len(comparison.cases)} cases, others {most}") if answered < most else (RANKED, "")


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
    columns = [system.cells[metric.name] for metric in comparison.ranking if metric.name in system.cells]
    return sum(all(cells[case].status in ("ok", "unscored") for cells in columns) for case in system.answered)


def whole(comparison: Comparison, metric: str, systems: Sequence[System], cases: Sequence[str]) -> list[System]:
    """Those of `systems` that `metric` has scored on as many of `cases` as any of them; none where it scored nothing."""
    counts = [len(system.values(metric, cases)) for system in systems]
    return [system for system, count in zip(systems, counts) if count == max(counts) > 0]


def shared_cases(systems: Sequence[System], metric: str, cases: Sequence[str]) -> tuple[str, ...]:
    """The cases on which all `systems` have a value."""
    values = [system.values(metric, cases) for system in systems]
    return tuple(case for case in cases if all(case in found for found in values))


def _voices(metrics: Sequence[MetricFacts]) -> list[list[MetricFacts]]:
    """Metrics by dimension, without those made of others."""
    groups: dict[str, list[MetricFacts]] = {}
    for metric in metrics:
        if not metric.combines:
            groups.setdefault(metric.dimension or metric.name, []).append(metric)
    return list(groups.values())


def _mean_ranks(comparison: Comparison, systems: Sequence[System]) -> dict[str, float]:
    """Mean over the dimensions of the mean rank over their metrics; empty where no metric may rank."""
    voices = ([_ranks(comparison, systems, metric, metric.margin) for metric in voice] for voice in _voices(comparison.ranking))
    tables = [known for voice in voices if (known := [table for table in voice if table])]
    return {name: fmean(fmean(table[name] for table in voice) for voice in tables) for name in (s.name for s in systems) if tables}


def _ranks(comparison: Comparison, systems: Sequence[System], metric: MetricFacts, margin: float) -> dict[str, float]:
    """Places by the mean of `metric` over the cases all `systems` have a value on, level within `margin`; empty where there are none."""
    cases = shared_cases(systems, metric.name, comparison.ranking_cases(metric.name, comparison.cases))
    if not cases or not systems:
        return {}
    means = {system.name: metric.sign * fmean(system.values(metric.name, cases).values()) for system in systems}
    return ranks(means, margin)
