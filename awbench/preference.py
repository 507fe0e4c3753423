"""Good, same, bad: what votes on a pair say of two systems.

In: `Choice`s, one vote of one rater on one case and two systems. Out:

lead        (G - B) / (G + S + B) in [-1, 1], and (G + S) / (B + S), the ratio that Kling reports. Votes on one case rise and fall together,
            and so do the votes of one rater: the interval is two-way cluster-robust over cases and raters (`crossed`), that of the ratio
            by the same variance of its logarithm, linearised.
p_sign      exact sign test over cases: each case gives one sign, that of the sum of its votes, so that raters who voted on one case count
            once. It speaks of other cases judged by these raters; the interval speaks of other raters too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Sequence

import numpy as np

from awbench.statistics import CONFIDENCE, MIN_CLUSTERS, Estimate, sign_test
from awbench.student_t import quantile

MIN_RATERS = 5
"""Intervals were simulated from here on; with fewer raters none may call a lead clear."""
FREEDOM = 1.5
"""Chosen by simulation (docs/study.md): 1 covers up to 98 % with 5 raters, without a limit down to 92 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One vote. `value`: 1 where `first` was preferred, -1 where `second` was, 0 for same."""

    rater: str
    case: str
    first: str
    second: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """`good`, `same`, `bad`: votes for the first system, neither, the second. `lead`: its `drivers` are cases, its `references` raters.

    `ratio`: (G + S) / (B + S), None without votes or where the second never got any. `p_sign`: exact, over cases.
    """

    good: int
    same: int
    bad: int
    lead: Estimate
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    p_sign: float

    @property
    def votes(self) -> int:
        return self.good + self.same + self.bad

    @property
    def cases(self) -> int:
        return self.lead.drivers

    @property
    def raters(self) -> int:
        return self.lead.references

    @property
    def enough(self) -> bool:
        """Whether there are enough cases and raters to speak of others than these."""
        return self.cases >= MIN_CLUSTERS and self.raters >= MIN_RATERS


def preference(choices: Sequence[Choice]) -> Preference:
    """What the votes on one pair say; all must name the systems in the same order."""
    values = np.array([choice.value for choice in choices], np.float64)
    cases, raters = ([getattr(choice, side) for choice in choices] for side in ("case", "rater"))
    good, same, bad = (int((values == value).sum()) for value in (1, 0, -1))
    lead = _unanimous(crossed(values, cases, raters)).limited(-1.0, 1.0)
    ratio, low, high = _ratio(values, cases, raters)
    p_sign = sign_test({f"{place:08d}": value for place, value in enumerate(values)}, {f"{n:08d}": case for n, case in enumerate(cases)})
    return Preference(good=good, same=same, bad=bad, lead=lead, ratio=ratio, ratio_low=low, ratio_high=high, p_sign=p_sign)


def crossed(values: np.ndarray, cases: Sequence[str], raters: Sequence[str]) -> Estimate:
    """Mean of votes `[n]` with an interval for other cases and other raters.

    V = V_cases + V_raters - V_cells, as in `awbench.statistics` (a cell: the votes of one rater on one case, as a rule one), with Student's
    t at Satterthwaite's degrees of freedom (1946), held between the smaller number of clusters less one and FREEDOM times that; and never
    narrower than as many independent votes would give: with few clusters V may come out near 0 by chance. Of one rater alone it speaks of
    other cases only, of one case of other raters.
    """
    sides = [np.unique(list(side), return_inverse=True)[1] for side in (cases, raters)]
    counts = [int(side.max()) + 1 if len(values) else 0 for side in sides]
    known = {"n": len(values), "drivers": counts[0], "references": counts[1]}
    mean = float(values.mean()) if len(values) else None
    if max(counts) < 2:
        return Estimate(mean=mean, low=None, high=None, **known)
    error, df = (found[0].item() for found in crossed_errors(values[None], *sides))
    half = error * quantile((1 + CONFIDENCE) / 2, df)
    return Estimate(mean=mean, low=mean - half, high=mean + half, error=error, df=df, **known)


def crossed_errors(values: np.ndarray, cases: np.ndarray, raters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors and degrees of freedom `[S]` of the means of S tables of votes `[S,n]`.

    `cases`, `raters`: cluster numbers `[n]` from 0, the same in every table; one of the two has two clusters or more.
    """
    tables, n = values.shape
    gaps = values - values.mean(1, keepdims=True)
    varying = [side for side in (cases, raters) if side.max() > 0]
    parts = [_cluster_variance(gaps, side) for side in varying]
    alone = (gaps**2).sum(1) / (n - 1) / n
    total = sum(parts)
    if len(varying) == 2:
        cells = np.unique(cases * (int(raters.max()) + 1) + raters, return_inverse=True)[1]
        total = total - (alone if int(cells.max()) + 1 == n else _cluster_variance(gaps, cells))
    freedoms = [int(side.max()) for side in varying]
    least, squares = min(freedoms), sum(part**2 / freedom for part, freedom in zip(parts, freedoms))
    asked = np.divide(total**2, squares, out=np.full(tables, float(least)), where=squares > 0)
    df = np.minimum(np.maximum(least, asked), FREEDOM * least).astype(np.int64)
    error, floor = np.sqrt(np.maximum(total, 0.0)), np.sqrt(alone)
    narrow = error * _quantiles(df) < floor * quantile((1 + CONFIDENCE) / 2, n - 1)
    return np.where(narrow, floor, error), np.where(narrow, n - 1, df)


def _quantiles(df: np.ndarray) -> np.ndarray:
    degrees, places = np.unique(df, return_inverse=True)
    return np.array([quantile((1 + CONFIDENCE) / 2, int(one)) for one in degrees])[places]


def _cluster_variance(gaps: np.ndarray, side: np.ndarray) -> np.ndarray:
    """V_c `[S]` of the deviations `[S,n]` in clusters numbered without a gap."""
    sums, count = cluster_sums(gaps, side), int(side.max()) + 1
    return count / (count - 1) * (sums**2).sum(1) / gaps.shape[1] ** 2


def cluster_sums(values: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Sums `[S,clusters]` of values `[S,n]` in clusters numbered without a gap."""
    order = np.argsort(side, kind="stable")
    return np.add.reduceat(values[:, order], np.searchsorted(side[order], np.arange(int(side.max()) + 1)), axis=1)


def _unanimous(found: Estimate) -> Estimate:
    """Where all votes say the same: the interval by the largest share of cases that could say otherwise and none of these did."""
    if found.error != 0:
        return found
    share = 1 - (1 - CONFIDENCE) ** (1 / max(found.drivers, 1))
    reach = share if found.mean == 0 else 2 * share
    return replace(found, low=found.mean - reach, high=found.mean + reach)


def _ratio(values: np.ndarray, cases: Sequence[str], raters: Sequence[str]) -> tuple[float | None, float | None, float | None]:
    """(G + S) / (B + S) and its interval, symmetric in the logarithm; no interval where either side is 0 or nothing varies."""
    above, below = int((values >= 0).sum()), int((values <= 0).sum())
    if not below:
        return None, None, None
    spread = crossed(len(values) * ((values >= 0) / above - (values <= 0) / below), cases, raters) if above else None
    if spread is None or not spread.error:
        return above / below, None, None
    half = (spread.high - spread.low) / 2
    return above / below, above / below * math.exp(-half), above / below * math.exp(half)


def binomial_two_sided(hits: int, trials: int) -> float:
    """p that `hits` of `trials` come from a fair coin, by the binomial sum itself; 1.0 without trials."""
    fewer = min(hits, trials - hits)
    steps = np.arange(1, fewer + 1, dtype=np.float64)
    logs = np.concatenate([[0.0], np.cumsum(np.log((trials + 1 - steps) / steps))])  # of the binomial coefficients
    return float(min(1.0, 2 * np.exp(logs - trials * math.log(2)).sum()))
