"""What may be said of two systems: everything found of them (`awbench.findings`), and one sentence in plain words.

In: a `Comparison`. Out: `Verdict`s. A sentence says on which metrics one is clearly better, on which they are level, and of the rest how
many cases would tell. Degenerate and mostly failing systems and the ceiling are compared with nobody, and where nothing sees who follows
the driver (`Comparison.unseen`) nobody is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any, Iterator, Sequence

from awbench.findings import AHEAD, ALPHA, BEHIND, LEVEL, UNCLEAR, Finding, Pair, findings
from awbench.report.comparison import Comparison
from awbench.report.metric_facts import MetricFacts
from awbench.report.standing import PARTIAL, RANKED, Standing, decided_by_truth, standings
from awbench.statistics import MIN_CLUSTERS, Estimate, cases_needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Everything found of one pair, in order of the metrics.

    In plain words, as parts of a sentence: `known`; `unknown`: what cannot be told, or why nothing can, "" where all is known; `notes`: why
    one of them is not ranked.
    """

    first: str
    second: str
    findings: tuple[Finding, ...]
    known: str
    unknown: str = ""
    notes: tuple[str, ...] = ()

    @property
    def clear(self) -> bool:
        """Whether one is better on anything."""
        return any(one.clear for one in self.findings)

    @property
    def partly(self) -> bool:
        """Whether anything can be told of the pair."""
        return any(one.outcome != UNCLEAR for one in self.findings)

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        joint = f"{'; cannot tell' if self.partly else ''}: " if self.unknown else ""
        return "; ".join([f"{self.known}{joint}{self.unknown}", *self.notes]) + "."

    def record(self) -> dict[str, Any]:
        """The verdict as plain values, its sentence whole."""
        findings = [one.record() for one in self.findings]
        return {"first": self.first, "second": self.second, "sentence": self.sentence, "findings": findings}


def verdicts(comparison: Comparison, baseline: str | None = None) -> tuple[Verdict, ...]:
    """One per pair of systems that may be compared, in the order of their standings; with `baseline`, the pairs it is in; none where
    nobody may be ranked.

    Raises ValueError for an unknown baseline.
    """
    base = None if baseline is None else comparison.system(baseline).name
    if comparison.unseen:
        return ()
    places = {standing.system: standing for standing in standings(comparison)}
    names = [name for name, standing in places.items() if standing.kind in (RANKED, PARTIAL)]
    pairs = list(combinations(names, 2))
    if base is not None:
        pairs = [(name, base) for name in names if name != base]
        if base not in names:
            return tuple(_no_verdict(name, places[base]) for name, _ in pairs)
    found = findings(comparison, comparison.cases, pairs)
    found = [_reckoned(one, len(found)) for one in found]
    said = [_verdict(comparison, places, pair, [one for one in found if (one.first, one.second) == pair]) for pair in pairs]
    return tuple(_told_once(said))


def untold_standings(comparison: Comparison, said: Sequence[Verdict]) -> list[str]:
    """Why systems are not ranked, of those that no verdict tells it of."""
    told = {name for verdict in said for name in (verdict.first, verdict.second)}
    return [standing.note for standing in standings(comparison) if standing.note and standing.system not in told]


def _told_once(said: Sequence[Verdict]) -> Iterator[Verdict]:
    """Why a system is not ranked is told with its first pair alone."""
    told: set[str] = set()
    for verdict in said:
        yield replace(verdict, notes=tuple(note for note in verdict.notes if note not in told))
        told.update(verdict.notes)


def _reckoned(one: Finding, tests: int) -> Finding:
    """With the cases that would tell what is unclear, as one of `tests` looked at together."""
    return one if one.outcome != UNCLEAR else replace(one, needed=cases_needed(one.gain, one.margin, alpha=ALPHA / tests))


def _no_verdict(name: str, base: Standing) -> Verdict:
    return Verdict(first=name, second=base.system, findings=(), known=f"{name} is not compared with {base.system}, which {base.reason}")


def _verdict(comparison: Comparison, places: dict[str, Standing], pair: Pair, found: Sequence[Finding]) -> Verdict:
    known, unknown = _parts(comparison, pair, found)
    partial = tuple(f"{name} {places[name].reason} and is not ranked" for name in pair if places[name].kind == PARTIAL)
    return Verdict(first=pair[0], second=pair[1], findings=tuple(found), known=known, unknown=unknown, notes=partial)


def _parts(comparison: Comparison, pair: Pair, found: Sequence[Finding]) -> tuple[str, str]:
    """Wins, losses and what is level; what cannot be told. n once where it is one for all."""
    if not found:
        return f"{pair[0]} and {pair[1]} share no case that a metric may rank", ""
    sizes = {one.gain.n for one in found}
    if not any(one.gain.enough for one in found):
        return f"{pair[0]} and {pair[1]} cannot be told apart", _too_few(max((one.gain for one in found), key=lambda gain: gain.n))
    count = f", n = {max(sizes)}"
    beats = [_beats(comparison, found, pair, outcome, max(sizes)) for outcome in (AHEAD, BEHIND)]
    level = [_title(comparison, one) for one in found if one.outcome == LEVEL]
    unclear = _untold(comparison, [one for one in found if one.outcome == UNCLEAR])
    if not any(beats) and not level:
        return f"{pair[0]} and {pair[1]} cannot be told apart{count}", ", ".join(unclear)
    won = "; ".join(part for part in beats if part)
    same = f"{'' if won else f'{pair[0]} and {pair[1]} are '}level on {_and(level)}" if level else ""
    return "; ".join(part for part in (won, same) if part) + count, ", ".join(unclear)


def _too_few(gain: Estimate) -> str:
    got = f"{gain.n} shared case{'s' * (gain.n != 1)} of {gain.drivers} driver{'s' * (gain.drivers != 1)} and {gain.references} reference"
    return f"{got}{'s' * (gain.references != 1)}, at least {MIN_CLUSTERS} of each are needed"


def _beats(comparison: Comparison, found: Sequence[Finding], pair: Pair, outcome: str, n: int) -> str:
    won = [one for one in found if one.outcome == outcome]
    if not won:
        return ""
    better, worse = pair if outcome == AHEAD else pair[::-1]
    return f"{better} beats {worse} on {_and([_by(comparison.metric(one.metric), one, n) for one in won])}"


def _by(metric: MetricFacts, one: Finding, n: int) -> str:
    gain = one.gain
    low, mean, high = sorted(abs(value) for value in (gain.low, gain.mean, gain.high))
    scale, unit = (100, " pp") if metric.is_share else (1, "")
    digits = 1 if metric.is_share or scale * mean >= 10 else 2 if mean >= 0.0995 else 3
    text = " [".join((f"{scale * mean:.{digits}f}{unit}", f"{scale * low:.{digits}f}, {scale * high:.{digits}f}]"))
    return f"{metric.title} by {text}" + (f" (n = {gain.n})" if gain.n != n else "")


def _title(comparison: Comparison, one: Finding) -> str:
    return comparison.metric(one.metric).title


def _untold(comparison: Comparison, found: Sequence[Finding]) -> list[str]:
    """What cannot be told, soonest told first; the words are said once."""
    ordered = sorted(found, key=lambda one: (one.needed is None, one.needed or 0))
    parts = [f"{_title(comparison, one)} ({_needs(comparison.metric(one.metric), one)})" for one in ordered]
    return parts[:1] + [part.replace("(would need n", "(n") for part in parts[1:]]


def _needs(metric: MetricFacts, one: Finding) -> str:
    if not one.gain.enough:
        return f"n = {one.gain.n} of {one.gain.drivers} drivers and {one.gain.references} references is too few"
    if one.needed is not None:
        return f"would need n ≈ {rounded(one.needed)}"
    scale, unit = (100, " pp") if metric.is_share else (1, "")
    return f"a difference below {scale * one.detectable:.2g}{unit} is not seen at n = {one.gain.n}"


def rounded(cases: int) -> str:
    """A number of cases to two digits."""
    step = 10 ** max(0, len(str(cases)) - 2)
    return f"{-(-cases // step) * step:,}".replace(",", " ")


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


@lru_cache(maxsize=16)  # by identity, as standings are
def tells_apart(comparison: Comparison) -> bool:
    """Whether the order of systems says anything: the truth decides it, or some pair is clearly apart, without a truth on what sees the
    answers; or only one is ranked."""
    if comparison.unseen:
        return False
    ranked = [standing for standing in standings(comparison) if standing.kind == RANKED]
    if len(ranked) < 2 or decided_by_truth(comparison):
        return True
    seeing = {metric.name for metric in comparison.seeing or comparison.ranking}
    return any(one.clear and one.metric in seeing for verdict in verdicts(comparison) for one in verdict.findings)
