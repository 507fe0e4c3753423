"""The smallest lead a study can find, said before anyone votes.

The lead of a pair of systems is d = (G - B) / (G + S + B). One vote (1, 0 or -1) has the variance p_G + p_B - d^2 = 1 - ties - d^2. With n
votes on the pair, m of them on each case, votes on one case alike by the correlation r, those n are worth

    n_eff = n / (1 + (m - 1) r),

and a two-sided test at the level 1 - CONFIDENCE finds d with the probability POWER where d = z sqrt((1 - ties - d^2) / n_eff), z being the
sum of the two normal quantiles (1.960 + 0.842); solved for d:

    d = z sqrt((1 - ties) / (n_eff + z^2)).

More raters cannot make up for few cases: n_eff stays below cases / r. That raters differ is not in it, nor Holm's correction over several
pairs: the truth is a little worse. Source: Kish, Survey Sampling (1965), for the design effect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from models.types import require

CONFIDENCE, POWER = 0.95, 0.8
TIES, ALIKE = 0.25, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectableLead:
    """`lead`: of one pair of systems, in [0, 1]; `votes`: of one pair; `design_effect`: how many votes are worth one; the rest: assumed."""

    lead: float
    votes: float
    cases: int
    design_effect: float
    ties: float = TIES
    alike: float = ALIKE
    power: float = POWER
    confidence: float = CONFIDENCE

    @property
    def line(self) -> str:
        """What is said before anyone votes."""
        return (
            f"detectable lead: {self.lead:.2f} (power {self.power:.0%}, {1 - self.confidence:.0%} two-sided, {self.votes:g} votes "
            f"on {self.cases} cases, ties {self.ties:.0%}, design effect {self.design_effect:.2f}); a smaller one will probably be missed"
        )


def detectable_lead(votes: float, cases: int, *, ties: float = TIES, alike: float = ALIKE) -> DetectableLead:
    """The smallest lead of a pair that gets `votes` in all, evenly on `cases`. Raises ValueError for what cannot be."""
    require(votes > 0 and cases > 0, "power", "votes, cases", (votes, cases), "numbers above 0")
    require(0 <= ties < 1 and 0 <= alike <= 1, "power", "ties, alike", (ties, alike), "shares; ties below 1")
    effect = 1 + max(0.0, votes / cases - 1) * alike
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) + NormalDist().inv_cdf(POWER)
    lead = z * math.sqrt((1 - ties) / (votes / effect + z * z))
    return DetectableLead(lead=lead, votes=votes, cases=cases, design_effect=effect, ties=ties, alike=alike)
