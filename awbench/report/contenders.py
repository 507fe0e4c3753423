"""Which systems may be compared with each other at all, and on which cases.

In: a `Comparison`. Out: the contenders, and why the others are none: a system that mostly fails, or a degenerate one that no metric means
to praise: it stands still, or hands the driver back. What is looked for are floors (`SIGNS`) that honest systems stay clear of.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Mapping, Sequence

from awbench.report.comparison import Comparison, System

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
    Sign(says="shows the driver's own picture, whole or as a ghost", bounds={"driver_leak": (1, _ALL)}, least=3),
    Sign(says="looks no more like the reference than the driver does", bounds={"appearance_consistency": (-_ALL, _NOTHING)}, least=3),
    Sign(says="hands the driver back", bounds={"psnr": (40, _ALL)}, track="self"),
)
"""What is looked for: floors of metrics that honest systems stay clear of; 40 dB is nearer than a codec leaves most clips."""


def contenders(comparison: Comparison) -> list[System]:
    """The systems that may be compared with each other: not the ceiling, and neither degenerate nor mostly failing."""
    able = [system for system in comparison.systems if not system.is_ceiling and not failing(comparison, system)]
    return [system for system in able if not degeneracy(comparison, system)]


def failing(comparison: Comparison, system: System) -> str:
    """That the system fails on most cases, or ""."""
    failed, cases = len(system.generation_failures), len(comparison.cases)
    return f"fails on {failed} of {cases} cases" if failed > MOST * cases else ""


@lru_cache(maxsize=256)  # by identity: a report asks for every selection of cases anew
def degeneracy(comparison: Comparison, system: System) -> str:
    """Why no metric means to praise the system, or ""."""
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


def whole(comparison: Comparison, metric: str, systems: Sequence[System], cases: Sequence[str]) -> list[System]:
    """Those of `systems` that `metric` has scored on as many of `cases` as any of them; none where it scored nothing."""
    counts = [len(system.values(metric, cases)) for system in systems]
    return [system for system, count in zip(systems, counts) if count == max(counts) > 0]


def shared_cases(systems: Sequence[System], metric: str, cases: Sequence[str]) -> tuple[str, ...]:
    """The cases on which all `systems` have a value."""
    values = [system.values(metric, cases) for system in systems]
    return tuple(case for case in cases if all(case in found for found in values))
