"""What may be said of two systems: one finding per metric, and one sentence in plain words.

In: a `Comparison` and a selection of its cases. Out: `Finding`s and `Verdict`s. A difference is clear only where
  - its interval (`awbench.statistics`) lies beyond the metric's margin, which is what re-encoding alone moves,
  - its p, adjusted after Holm over all pairs and metrics looked at together, is below 5 %: the t test's, or the sign test's where
    the differences have no spread,
  - it rests on at least MIN_CLUSTERS drivers and references,
  - and the metric may rank on these cases.
Level: the whole interval lies inside the margin. Everything else cannot be told, and the number of cases that would tell is said.
Two systems that answered as many cases as any are compared on the cases all such systems share, others on those both answered.
Degenerate systems and the ceiling are compared with nobody.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any, Iterable, Iterator, Sequence

from awbench.report.comparison import Comparison, System
from awbench.report.metric_facts import MetricFacts
from awbench.report.standing import PARTIAL, RANKED, Standing, contenders, decided_by_truth, shared_cases, standings, whole
from awbench.statistics import CONFIDENCE, MIN_CLUSTERS, Estimate, cases_needed, detectable, differences, estimate, holm, sign_test

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
    """One per pair of systems that may be compared, in the order of their standings; with `baseline`, the pairs it is in.

    Raises ValueError for an unknown baseline.
    """
    places = {standing.system: standing for standing in standings(comparison)}
    names = [name for name, standing in places.items() if standing.kind in (RANKED, PARTIAL)]
    pairs = list(combinations(names, 2))
    if baseline is not None:
        base = comparison.system(baseline).name
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
    """Whether the order of systems says anything: the truth decides it, or some pair is clearly apart, or only one is ranked."""
    ranked = [standing for standing in standings(comparison) if standing.kind == RANKED]
    if len(ranked) < 2 or decided_by_truth(comparison):
        return True
    return any(one.clear for verdict in verdicts(comparison) for one in verdict.findings)
