"""Means over cases with their uncertainty, and what may be said of the difference of two systems.

In: values by case id, with the driver and the reference of every case. Out: an `Estimate`. Cases that share a driving clip rise
and fall together, and so do cases that share a reference: the variance of a mean is the two-way cluster-robust one of
Cameron, Gelbach & Miller (J. Business & Economic Statistics 2011),

    V = V_drivers + V_references - V_cells,     V_c = G / (G - 1) * sum over the G clusters of (sum of deviations)^2 / n^2

(a cell: cases of one driver with one reference), and the interval is mean +- t * sqrt(V) with the quantile of Student's t at
min(G_drivers, G_references) - 1 degrees of freedom. Where V is not positive, the largest of the three stands in. A direction with
a single cluster cannot vary and is left out (the interval then speaks of that driver or reference alone); with one driver and one
reference the cases themselves are the clusters. A mapping that is not given means: every case has its own.

Simulated nulls of two equal systems with crossed driver, reference and case effects: a nominal 95 % covers 93-98 % for 6 to 100
drivers and pools of 8 to 200 references (single cases resampled: 20-95 %). Limit: where the differences themselves are
strongly skewed to one side (exponential), 90-95 %.

Systems are compared by the differences on the cases both have, never by the overlap of two intervals. Nothing is drawn at
random, and the order of the cases never matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Hashable, Mapping, TypeVar

import numpy as np

from awbench.student_t import quantile, two_sided
from models.types import require

CONFIDENCE = 0.95
POWER = 0.8
MIN_CLUSTERS = 6
"""Below this even unanimous signs fail a sign test at 5 %, so no interval may call a difference clear."""
MOST_CASES = 1_000_000
"""Needed numbers of cases above it are not told: nobody has them."""

Side = Mapping[str, str] | None
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over `n` cases of `drivers` distinct drivers and `references` distinct references.

    `mean` is None at n = 0; `low`, `high` and `error` (the standard error) are None at n < 2. `df`: degrees of freedom of t.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    drivers: int
    references: int
    error: float | None = None
    df: int = 0

    @property
    def enough(self) -> bool:
        """Whether there are enough drivers and references to speak of others than these."""
        return min(self.drivers, self.references) >= MIN_CLUSTERS

    @property
    def p(self) -> float | None:
        """Two-sided p of the t test that the mean is 0; None where there is no spread to judge by."""
        return two_sided(self.mean / self.error, self.df) if self.error else None

    def beyond(self, margin: float) -> bool:
        """Whether the whole interval lies above `margin` or below its negative."""
        return self.low is not None and (self.low > margin or self.high < -margin)

    def limited(self, low: float, high: float) -> Estimate:
        """The same with an interval inside the values there can be: t knows no limits, and the true mean lies within them."""
        return self if self.low is None else replace(self, low=max(low, self.low), high=min(high, self.high))

    def within(self, margin: float) -> bool:
        """Whether the whole interval lies inside +-`margin`, bounds included."""
        return self.low is not None and -margin <= self.low and self.high <= margin


def estimate(values: Mapping[str, float], drivers: Side = None, references: Side = None, *, confidence: float = CONFIDENCE) -> Estimate:
    """Mean of `values` (case id -> finite number) with its interval. `drivers`, `references`: case id -> who."""
    require(0 < confidence < 1, "interval", "confidence", confidence, "a share in (0, 1)")
    cases = sorted(values)
    numbers = np.array([values[case] for case in cases], np.float64)
    if not np.isfinite(numbers).all():
        bad = cases[int(np.flatnonzero(~np.isfinite(numbers))[0])]
        require(False, f"case {bad}", "value", values[bad], "a finite number", "record it as failed instead")
    sides = [_labels(cases, side) for side in (drivers, references)]
    known = {"n": len(cases), "drivers": _count(sides[0]), "references": _count(sides[1])}
    if not cases:
        return Estimate(mean=None, low=None, high=None, **known)
    mean = float(numbers[0]) if np.ptp(numbers) == 0 else math.fsum(numbers) / len(numbers)
    if len(cases) < 2:
        return Estimate(mean=mean, low=None, high=None, **known)
    error, df = _standard_error(numbers - mean, *sides)
    error = 0.0 if error <= 1e-12 * float(np.abs(numbers).max()) else error  # rounding of equal values is no spread
    half = quantile((1 + confidence) / 2, df) * error
    return Estimate(mean=mean, low=mean - half, high=mean + half, error=error, df=df, **known)


def paired(
    values: Mapping[str, float], baseline: Mapping[str, float], drivers: Side = None, references: Side = None, **settings: float
) -> Estimate:
    """Mean of `values - baseline` over the cases both have; settings as for `estimate`."""
    return estimate(differences(values, baseline), drivers, references, **settings)


def differences(values: Mapping[str, float], baseline: Mapping[str, float]) -> dict[str, float]:
    """`values - baseline` by case, where both are there."""
    return {case: values[case] - baseline[case] for case in sorted(values.keys() & baseline.keys())}


def _labels(cases: list[str], side: Side) -> np.ndarray:
    """Cluster numbers `[n]` from 0, in order of `cases`."""
    names = [side[case] for case in cases] if side is not None else cases
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], np.int64)


def _count(labels: np.ndarray) -> int:
    return int(labels.max()) + 1 if len(labels) else 0


def _standard_error(deviations: np.ndarray, drivers: np.ndarray, references: np.ndarray) -> tuple[float, int]:
    """Square root of V and the degrees of freedom; `deviations` from the mean of at least two cases."""
    varying = [side for side in (drivers, references) if _count(side) > 1] or [np.arange(len(deviations))]
    parts = [_cluster_variance(deviations, side) for side in varying]
    variance = sum(parts)
    if len(varying) == 2:
        cells = np.unique(drivers * _count(references) + references, return_inverse=True)[1]
        parts.append(_cluster_variance(deviations, cells))
        variance -= parts[-1]
    if not variance > 1e-9 * max(parts):  # below 0, or 0 but for rounding
        variance = max(parts)
    return math.sqrt(variance), min(_count(side) for side in varying) - 1


def _cluster_variance(deviations: np.ndarray, labels: np.ndarray) -> float:
    clusters = _count(labels)
    sums = np.bincount(labels, weights=deviations)
    return clusters / (clusters - 1) * float(sums @ sums) / len(deviations) ** 2


def sign_test(values: Mapping[str, float], drivers: Side = None) -> float:
    """Exact two-sided p of the sign test that as many drivers gain as lose; 1.0 where none does either.

    The sign of a driver is that of the mean of its cases; drivers at 0 say nothing. It knows no sizes and no shared references.
    """
    sums: dict[str, list[float]] = {}
    for case in sorted(values):
        sums.setdefault(drivers[case] if drivers is not None else case, []).append(values[case])
    totals = [math.fsum(found) for found in sums.values()]
    gains, losses = sum(total > 0 for total in totals), sum(total < 0 for total in totals)
    trials, fewer = gains + losses, min(gains, losses)
    return min(1.0, 2 * sum(math.comb(trials, k) for k in range(fewer + 1)) / 2**trials)


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Adjusted p-values: all below alpha may be called at once, and any of them is wrong in at most alpha of all tables (Holm 1979)."""
    adjusted, highest = {}, 0.0
    for place, (key, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p))
        adjusted[key] = highest
    return {key: adjusted[key] for key in p_values}


def detectable(found: Estimate, *, alpha: float = 1 - CONFIDENCE, power: float = POWER) -> float | None:
    """The smallest true difference that a test at `alpha` finds with probability `power` on these cases; None at n < 2.

    (t_(1 - alpha/2) + t_power) * standard error, with the t of the estimate's own degrees of freedom.
    """
    return None if found.error is None else _reach(found.df, alpha, power) * found.error


def cases_needed(found: Estimate, margin: float = 0.0, *, alpha: float = 1 - CONFIDENCE, power: float = POWER) -> int | None:
    """Cases, crossed as they are now, at which a true difference like the one seen would be found beyond `margin`.

    Clusters grow with the cases, the standard error falls with their root. Without any spread: as many drivers as make unanimous
    signs pass. None: no number does (what was seen is not beyond the margin), more than MOST_CASES, or n < 2.
    """
    gap = abs(found.mean) - margin if found.error is not None else 0.0
    if gap <= 0:
        return None
    growth = least = max(1.0, MIN_CLUSTERS / min(found.drivers, found.references))
    if found.error == 0:
        growth = max(least, math.ceil(1 - math.log2(alpha)) / found.drivers)
    for _ in range(20 if found.error else 0):  # more cases, more degrees of freedom, a smaller quantile: settles in a few rounds
        before, df = growth, max(found.df, math.floor((found.df + 1) * growth) - 1)
        growth = max(least, (_reach(df, alpha, power) * found.error / gap) ** 2)
        if growth * found.n > MOST_CASES or abs(growth - before) < 0.005 * growth:
            break
    needed = math.ceil(growth * found.n - 1e-9)
    return needed if needed <= MOST_CASES else None


def _reach(df: int, alpha: float, power: float) -> float:
    return quantile(1 - alpha / 2, df) + quantile(power, df)


def ranks(values: Mapping[Key, float], margin: float = 0.0) -> dict[Key, float]:
    """Places from 1 for the highest value; values no further apart than `margin` share the mean of their places."""

    def place(value: float) -> float:
        above = sum(other > value + margin for other in values.values())
        level = sum(abs(other - value) <= margin for other in values.values())
        return 1 + above + (level - 1) / 2

    return {key: place(value) for key, value in values.items()}
