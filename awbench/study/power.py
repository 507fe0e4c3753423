"""The smallest lead a study can find, said before anyone votes: found means that the report would call it.

In: who votes on which case, the number of pairs of systems. Out: a `DetectableLead`. The lead of a pair is (G - B) / (G + S + B). Votes are
drawn as

    latent = mu + case effect + rater effect + own noise, all normal;   1 above a threshold, -1 below its negative, else 0

and held against the report's own rule (`awbench.study.analysis`): the interval clustered by cases and raters off 0, the sign test over
cases below 5 % at Holm's strictest step (5 % / pairs: that of the first pair to be told), MIN_CLUSTERS cases and MIN_RATERS raters. The
lead is the one called with the probability POWER, by bisection over `mu` on the same draws (the standard error is 1 point of power, more
where votes are many).

Assumed are TIES at no lead, and how alike two votes are (correlation of the values -1, 0, 1): of two people on one case ALIKE_CASE, of one
person on two cases ALIKE_RATER. In Video-Bench's public scores by four raters (21 pairs of systems a dimension, imaging, aesthetic,
temporal, motion; docs/study.md) the shares of variance of cases are 0.02 to 0.21, of raters 0.04 to 0.26, and 32 to 40 % are ties; the
paper's Figure 5 has ties from 25 % on. That every rater finishes and is counted is assumed too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Sequence

import numpy as np

from awbench.preference import MIN_RATERS, binomial_two_sided, cluster_sums, crossed_errors
from awbench.statistics import CONFIDENCE, MIN_CLUSTERS, POWER
from awbench.student_t import quantile
from models.types import require

TIES, ALIKE_CASE, ALIKE_RATER = 0.25, 0.2, 0.1
MOST_LEAD = 0.95
_TABLES, _DRAWS = (200, 2000), 2_000_000
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectableLead:
    """`lead`: of one pair of systems, in (0, 1), None where none is found with `power`; `votes`, `cases`, `raters`: of one pair."""

    lead: float | None
    votes: int
    cases: int
    raters: int
    pairs: int
    ties: float
    alike_case: float
    alike_rater: float
    power: float = POWER
    confidence: float = CONFIDENCE

    @property
    def line(self) -> str:
        """What is said before anyone votes."""
        level = f"{1 - self.confidence:.0%} two-sided" + f" over {self.pairs} pairs after Holm" * (self.pairs > 1)
        basis = f"{self.votes} votes of {self.raters} rater{'s' * (self.raters != 1)} on {self.cases} case{'s' * (self.cases != 1)}"
        told = f"(power {self.power:.0%}, {level}, {basis}; assumed: ties {self.ties:.0%}, two people on one case alike by "
        told += f"{self.alike_case:.2f}, one on two cases by {self.alike_rater:.2f}, all of them counted)"
        if self.lead is None:
            return f"detectable lead of a pair: none {told}; {self._lacking()}"
        return f"detectable lead of a pair: {self.lead:.2f} {told}; a smaller one will probably be missed"

    def _lacking(self) -> str:
        needed = max(MIN_CLUSTERS, math.ceil(1 - math.log2((1 - self.confidence) / self.pairs)))
        few = [f"{needed} cases"] * (self.cases < needed) + [f"{MIN_RATERS} raters"] * (self.raters < MIN_RATERS)
        return f"nothing can be called on fewer than {' and '.join(few)}" if few else f"even {MOST_LEAD:.2f} would be missed: more cases"


def detectable_lead(
    votes: Sequence[tuple[str, str]],
    pairs: int = 1,
    *,
    ties: float = TIES,
    alike_case: float = ALIKE_CASE,
    alike_rater: float = ALIKE_RATER,
    seed: int = 0,
) -> DetectableLead:
    """Of one pair of systems among `pairs` whose `votes` are (case, rater). Raises ValueError for what cannot be."""
    require(len(votes) > 0 and pairs > 0, "power", "votes, pairs", (len(votes), pairs), "numbers above 0")
    require(0 < ties < 1, "power", "ties", ties, "a share in (0, 1)")
    shares = [latent_share(alike, ties) for alike in (alike_case, alike_rater)]
    require(sum(shares) < 1, "power", "alike_case, alike_rater", (alike_case, alike_rater), "shares of one whole")
    cases, raters = (np.unique(list(side), return_inverse=True)[1] for side in zip(*votes))
    known = {"votes": len(votes), "cases": int(cases.max()) + 1, "raters": int(raters.max()) + 1, "pairs": pairs}
    assumed = {"ties": ties, "alike_case": alike_case, "alike_rater": alike_rater}
    if known["cases"] < MIN_CLUSTERS or known["raters"] < MIN_RATERS:
        return DetectableLead(lead=None, **known, **assumed)
    latent = _latent(cases, raters, shares, np.random.default_rng(seed))
    lead = _found(latent, cases, raters, pairs, _NORMAL.inv_cdf((1 + ties) / 2))
    return DetectableLead(lead=lead, **known, **assumed)


def _latent(cases: np.ndarray, raters: np.ndarray, shares: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """What lies behind the votes `[S,n]` of two equal systems, of variance 1."""
    tables = int(np.clip(_DRAWS // len(cases), *_TABLES))
    latent = math.sqrt(1 - sum(shares)) * rng.standard_normal((tables, len(cases)), np.float32)
    for side, share in zip((cases, raters), shares):
        latent += math.sqrt(share) * rng.standard_normal((tables, int(side.max()) + 1), np.float32)[:, side]
    return latent


def _found(latent: np.ndarray, cases: np.ndarray, raters: np.ndarray, pairs: int, threshold: float) -> float | None:
    """The lead that is called in POWER of the tables."""
    low, high = 0.0, threshold + _NORMAL.inv_cdf(0.999)
    for _ in range(14):
        mu = (low + high) / 2
        values = (latent > threshold - mu).astype(np.float32) - (latent < -threshold - mu)
        low, high = (mu, high) if called(values, cases, raters, pairs).mean() < POWER else (low, mu)
    lead = _NORMAL.cdf(high - threshold) - _NORMAL.cdf(-high - threshold)
    return lead if lead <= MOST_LEAD else None


def called(values: np.ndarray, cases: np.ndarray, raters: np.ndarray, pairs: int) -> np.ndarray:
    """Whether the report would call the first system ahead `[S]`, given tables of votes `[S,n]` and Holm's strictest step over `pairs`."""
    error, df = crossed_errors(values, cases, raters)
    degrees, places = np.unique(df, return_inverse=True)
    low = values.mean(1) - error * np.array([quantile((1 + CONFIDENCE) / 2, int(one)) for one in degrees])[places]
    sums = cluster_sums(values, cases)
    signs = zip((sums > 0).sum(1).tolist(), (sums != 0).sum(1).tolist())
    return np.array([_sign_p(*one) * pairs < 1 - CONFIDENCE for one in signs]) & (low > 0)


_sign_p = cache(binomial_two_sided)


def latent_share(alike: float, ties: float) -> float:
    """The share of latent variance that two votes must have in common for their values to correlate by `alike`, at no lead."""
    require(0 <= alike < 1, "power", "alike", alike, "a correlation in [0, 1)")
    threshold, low, high = _NORMAL.inv_cdf((1 + ties) / 2), 0.0, 1.0
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    for _ in range(30):
        share = (low + high) / 2
        own = math.sqrt(1 - share)
        means = [
            _NORMAL.cdf((math.sqrt(share) * one - threshold) / own) - _NORMAL.cdf((-math.sqrt(share) * one - threshold) / own)
            for one in points
        ]
        found = float(weights @ np.square(means)) / float(weights.sum()) / (1 - ties)
        low, high = (share, high) if found < alike else (low, share)
    return low
