"""Means over cases with their uncertainty: n beside every mean, a bootstrap interval, paired differences.

In: values by case id. Out: an `Estimate`. The interval is the percentile bootstrap (Efron 1979) with 2,000 seeded resamples
of whole clusters: cases that share a driving clip rise and fall together, so the clusters are the drivers wherever two
cases share one, and the single cases otherwise. With only one driver there is nothing to resample but its cases: the
interval then speaks of that driver alone, counts as one cluster and is never clear. Limits: below some ten clusters
percentile intervals are too narrow (at 10 a nominal 95 % covers about 90 %), and a dependence through shared references
is not modelled.

Systems are compared by the differences on the cases both have, never by the overlap of two intervals.
Order of the cases never matters: they are sorted first, and the resamples depend only on their number and the seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Mapping

import numpy as np

from models.types import require

RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 0
MIN_CLUSTERS = 6
"""Below this even unanimous signs fail a sign test at 5 %, so no interval may call a difference clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over `n` cases in `clusters` groups. `mean` is None at n = 0; `low`, `high` are None at n < 2."""

    mean: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int

    @property
    def clear(self) -> bool:
        """Whether the interval lies on one side of 0 and rests on enough clusters to say so."""
        one_sided = self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)
        return one_sided and self.clusters >= MIN_CLUSTERS


def estimate(
    values: Mapping[str, float],
    clusters: Mapping[str, str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Mean of `values` (case id -> finite number). `clusters`: case id -> cluster id; None: single cases; one cluster:
    single cases too, but `clusters` is then 1."""
    require(resamples >= 1, "bootstrap", "resamples", resamples, ">= 1")
    require(0 < confidence < 1, "bootstrap", "confidence", confidence, "a share in (0, 1)")
    cases = sorted(values)
    numbers = np.array([values[case] for case in cases], np.float64)
    if not np.isfinite(numbers).all():
        bad = cases[int(np.flatnonzero(~np.isfinite(numbers))[0])]
        require(False, f"case {bad}", "value", values[bad], "a finite number", "record it as failed instead")
    labels = _labels(cases, clusters)
    count = int(labels.max()) + 1 if len(cases) else 0
    if not cases:
        return Estimate(mean=None, low=None, high=None, n=0, clusters=0)
    mean = float(numbers[0]) if np.ptp(numbers) == 0 else math.fsum(numbers) / len(numbers)
    if count < 2:
        return Estimate(mean=mean, low=None, high=None, n=len(cases), clusters=count)
    shifts = resampled_means(numbers - mean, labels, resamples=resamples, seed=seed)
    low, high = np.quantile(shifts, [(1 - confidence) / 2, (1 + confidence) / 2])
    named = len({clusters[case] for case in cases}) if clusters is not None else count
    return Estimate(mean=mean, low=mean + float(low), high=mean + float(high), n=len(cases), clusters=named)


def paired(
    values: Mapping[str, float], baseline: Mapping[str, float], clusters: Mapping[str, str] | None = None, **settings: float
) -> Estimate:
    """Mean of `values - baseline` over the cases both have; settings as for `estimate`."""
    shared = values.keys() & baseline.keys()
    return estimate({case: values[case] - baseline[case] for case in shared}, clusters, **settings)


def resampled_means(values: np.ndarray, labels: np.ndarray, *, resamples: int, seed: int) -> np.ndarray:
    """Means `[resamples]` of resampled clusters. `values`: `[n]`; `labels`: `[n]`, cluster numbers 0..K-1, none empty."""
    sums, sizes = np.bincount(labels, weights=values), np.bincount(labels).astype(np.float64)
    draws = _draws(len(sums), resamples, seed)
    return (draws @ sums) / (draws @ sizes)


@lru_cache(maxsize=16)  # a table asks for the same number of clusters again and again
def _draws(clusters: int, resamples: int, seed: int) -> np.ndarray:
    """How often each cluster is drawn: float32 `[resamples, clusters]`, rows sum to `clusters`."""
    rng = np.random.Generator(np.random.PCG64([seed, clusters]))
    counts = np.zeros((resamples, clusters), np.float32)
    for row in counts:  # row by row: memory stays at one table whatever the number of clusters
        row += np.bincount(rng.integers(clusters, size=clusters), minlength=clusters)
    return counts


def _labels(cases: list[str], clusters: Mapping[str, str] | None) -> np.ndarray:
    """Cluster numbers `[n]` in order of `cases`; every case is its own cluster where there are no two clusters."""
    names = [clusters[case] for case in cases] if clusters is not None else cases
    distinct = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([distinct[name] for name in names] if len(distinct) > 1 else range(len(cases)), int)
