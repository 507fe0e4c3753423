"""Whether people agree: Krippendorff's alpha by evalica, and how well each rater predicts the others.

In: `Choice`s, or ratings by rater and unit. Out: `Agreement`s over all units two or more rated: as voted (ordinal), and after every rater's
own mean and spread were taken off (interval scale), which is fair where raters differ in how ready they are to say "same", or how high
they score. The interval is that of RESAMPLES draws of cases with all their units, as these raters voted on them (Zapf et al., BMC Medical
Research Methodology 2016); Krippendorff's own resampling of disagreements, which evalica has, does not even hold alpha where units have
unequally many votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Mapping, Sequence

import numpy as np

from awbench.preference import Choice
from awbench.statistics import CONFIDENCE

if TYPE_CHECKING:
    import pandas

RESAMPLES = 1000
SAME_ENOUGH = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Krippendorff's alpha with its interval over `units` that two or more of `raters` rated; None where nothing can be said."""

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
    cases: dict[str, str] = {}
    for choice in choices:
        unit = "\t".join((choice.case, choice.first, choice.second))
        ratings.setdefault(choice.rater, {})[unit] = float(choice.value)
        cases[unit] = choice.case
    return agreement_of(ratings, cases, seed=seed)


def agreement_of(
    ratings: Mapping[str, Mapping[str, float]], cases: Mapping[str, str] | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> list[Agreement]:
    """Of ratings by rater and unit, raw and rater-normalised. `cases`: unit -> what it is resampled with; None: each alone."""
    import pandas as pd

    raw = pd.DataFrame.from_dict({rater: dict(found) for rater, found in ratings.items()}, orient="index")
    return [
        _alpha(raw, RAW, "ordinal", cases, seed, resamples),
        _alpha(normalised(raw), NORMALISED, "interval", cases, seed, resamples),
    ]


def normalised(ratings: pandas.DataFrame) -> pandas.DataFrame:
    """Every rater's own mean and spread taken off; a rater who always said the same has none and is left out."""
    spread = ratings.std(axis=1, ddof=0)
    varied = ratings[spread > SAME_ENOUGH]
    return varied.sub(varied.mean(axis=1), axis=0).div(spread[spread > SAME_ENOUGH], axis=0)


def _alpha(ratings: pandas.DataFrame, scale: str, distance: str, cases: Mapping[str, str] | None, seed: int, resamples: int) -> Agreement:
    from evalica import alpha

    rated = ratings.loc[:, ratings.notna().sum(axis=0) > 1] if len(ratings) else ratings
    rated = rated[rated.notna().any(axis=1)] if rated.size else rated
    known = {"scale": scale, "units": rated.shape[1] if rated.size else 0, "raters": rated.shape[0] if rated.size else 0}
    values = rated.to_numpy(np.float64) if rated.size else np.zeros((0, 0))
    if not values.size or np.nanmax(values) - np.nanmin(values) < SAME_ENOUGH:  # nothing to disagree on: alpha is not defined
        return Agreement(alpha=None, low=None, high=None, **known)
    found = float(alpha(rated, distance).alpha)
    names = [unit if cases is None else cases[unit] for unit in rated.columns]
    groups = np.unique(names, return_inverse=True)[1]
    count = int(groups.max()) + 1
    if count < 2:
        return Agreement(alpha=found, low=None, high=None, **known)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)[:, groups]
    alphas = (ordinal_alphas if distance == "ordinal" else interval_alphas)(values, drawn.astype(np.float64))
    low, high = np.nanquantile(alphas, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Agreement(alpha=found, low=float(low), high=float(high), **known)


def interval_alphas(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Alpha `[N]` on the interval scale of ratings `[raters,units]` with NaN for none, each unit counted `weights` `[N,units]` times.

    1 - D_observed / D_expected, both mean squared differences, of ratings of one unit and of any two; NaN where all are the same.
    """
    here = ~np.isnan(values)
    counts, filled = here.sum(0), np.where(here, values - np.nanmean(values), 0.0)
    sums, squares = filled.sum(0), (filled**2).sum(0)
    within = 2 * (counts * squares - sums**2) / (counts - 1)
    n, total, square = weights @ counts, weights @ sums, weights @ squares
    expected = 2 * (n * square - total**2) / (n - 1)
    return 1 - np.divide(weights @ within, expected, out=np.full(len(weights), np.nan), where=expected > SAME_ENOUGH)


def ordinal_alphas(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The same on the ordinal scale: the distance of two grades is the number of ratings from one to the other, each end half."""
    grades = np.unique(values[~np.isnan(values)])
    votes = (values[None] == grades[:, None, None]).sum(1).astype(np.float64)  # [K,units]
    pairs = votes[:, None] * votes[None] - votes[:, None] * np.eye(len(grades))[..., None]
    seen = (weights @ (pairs / (votes.sum(0) - 1)).reshape(-1, votes.shape[1]).T).reshape(-1, len(grades), len(grades))
    totals = weights @ votes.T
    middles = np.cumsum(totals, axis=1) - totals / 2
    distance = (middles[:, :, None] - middles[:, None]) ** 2
    expected = (distance * totals[:, :, None] * totals[:, None]).sum((1, 2)) / (totals.sum(1) - 1)
    observed = (distance * seen).sum((1, 2))
    return 1 - np.divide(observed, expected, out=np.full(len(weights), np.nan), where=expected > SAME_ENOUGH)


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
