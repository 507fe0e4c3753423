"""Whether people agree: Krippendorff's alpha by evalica, and how well each rater predicts the others.

In: `Choice`s, or ratings by rater and unit. Out: `Agreement`s over all units two or more rated: as voted (ordinal), and after every rater's
own mean and spread were taken off (interval scale), which is fair where raters differ in how ready they are to say "same", or how high
they score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Mapping, Sequence

import numpy as np

from awbench.preference import Choice

if TYPE_CHECKING:
    import pandas

RESAMPLES = 1000
SAME_ENOUGH = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Krippendorff's alpha with its interval over `units` that two or more of `raters` rated; `alpha` None where nothing can be said."""

    scale: str
    alpha: float | None
    low: float | None
    high: float | None
    units: int
    raters: int


RAW, NORMALISED = "raw", "rater-normalised"


def agreement(choices: Sequence[Choice], *, seed: int = 0) -> list[Agreement]:
    """Of votes as cast and rater-normalised. A unit is a case with a pair of systems."""
    ratings: dict[str, dict[str, float]] = {}
    for choice in choices:
        ratings.setdefault(choice.rater, {})["\t".join((choice.case, choice.first, choice.second))] = float(choice.value)
    return agreement_of(ratings, seed=seed)


def agreement_of(ratings: Mapping[str, Mapping[str, float]], *, seed: int = 0, resamples: int = RESAMPLES) -> list[Agreement]:
    """Of ratings by rater and unit, raw and rater-normalised."""
    import pandas as pd

    raw = pd.DataFrame.from_dict({rater: dict(found) for rater, found in ratings.items()}, orient="index")
    return [
        _alpha(raw, RAW, "ordinal", seed, resamples),
        _alpha(normalised(raw), NORMALISED, "interval", seed, resamples),
    ]


def normalised(ratings: pandas.DataFrame) -> pandas.DataFrame:
    """Every rater's own mean and spread taken off; a rater who always said the same has none and is left out."""
    spread = ratings.std(axis=1, ddof=0)
    varied = ratings[spread > SAME_ENOUGH]
    return varied.sub(varied.mean(axis=1), axis=0).div(spread[spread > SAME_ENOUGH], axis=0)


def _alpha(ratings: pandas.DataFrame, scale: str, distance: str, seed: int, resamples: int) -> Agreement:
    """Interval by Krippendorff's own resampling of the disagreements, as evalica does it."""
    from evalica import alpha_bootstrap

    rated = ratings.loc[:, ratings.notna().sum(axis=0) > 1] if len(ratings) else ratings
    rated = rated[rated.notna().any(axis=1)] if rated.size else rated
    known = {"scale": scale, "units": rated.shape[1] if rated.size else 0, "raters": rated.shape[0] if rated.size else 0}
    values = rated.to_numpy(np.float64) if rated.size else np.zeros(0)
    values = values[~np.isnan(values)]
    if not len(values) or np.ptp(values) < SAME_ENOUGH:  # nothing to disagree on: alpha is not defined
        return Agreement(alpha=None, low=None, high=None, **known)
    found = alpha_bootstrap(rated, distance, n_resamples=resamples, random_state=seed)
    return Agreement(alpha=float(found.alpha), low=float(found.low), high=float(found.high), **known)


def leave_one_out_spearman(ratings: Mapping[str, Mapping[str, float]]) -> dict[str, float | None]:
    """Rater -> Spearman's rho of its ratings with the mean of the others' on the units it shares: how well people predict people."""
    import pandas as pd

    table = pd.DataFrame.from_dict({rater: dict(found) for rater, found in ratings.items()}, orient="index")
    found: dict[str, float | None] = {}
    for rater in table.index:
        others = table.drop(index=rater).mean(axis=0)
        both = pd.DataFrame({"own": table.loc[rater], "others": others}).dropna().rank()
        rho = both["own"].corr(both["others"]) if len(both) > 2 and both["own"].nunique() > 1 and both["others"].nunique() > 1 else None
        found[rater] = None if rho is None else float(rho)
    return found
