"""Systems in order by the votes on their pairs, with the ranks each may have.

In: `Choice`s. Out: `Place`s. Bradley-Terry by evalica, a tie half a win for each; every two systems get one tie more than was voted, so
that one who never loses has a finite strength too. Rank ranges by resampling cases and raters independently of each other (Owen 2007).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Sequence

import numpy as np

from awbench.preference import MIN_RATERS, Choice
from awbench.statistics import CONFIDENCE, MIN_CLUSTERS

RESAMPLES = 1000
SAME_ENOUGH = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A system among all. `strength`: Bradley-Terry log-odds against the mean of all systems; `rank` from 1.

    Interval and rank range are None of too few cases or raters to speak of others (`awbench.preference`).
    """

    system: str
    strength: float
    low: float | None
    high: float | None
    rank: int
    rank_low: int | None
    rank_high: int | None
    votes: int


def places(choices: Sequence[Choice], systems: Sequence[str], *, seed: int = 0, resamples: int = RESAMPLES) -> list[Place]:
    """The systems in order of strength; those without a vote are left out."""
    voted = Counter(name for choice in choices for name in (choice.first, choice.second))
    able = [name for name in systems if voted[name]]
    if len(able) < 2:
        return []
    tables = _tables(choices, able)
    found = _strengths(tables.sum((0, 1)))
    drawn = _all_strengths(_resampled(tables, np.random.default_rng(seed), resamples))
    ranks = 1 + (drawn[:, None, :] > drawn[:, :, None] + SAME_ENOUGH).sum(-1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    rank_low, rank_high = np.quantile(ranks, [tail, 1 - tail], axis=0, method="nearest")
    resampled = tables.shape[0] >= MIN_CLUSTERS and tables.shape[1] >= MIN_RATERS
    rows = [
        Place(
            system=name,
            strength=float(found[place]),
            low=float(low[place]) if resampled else None,
            high=float(high[place]) if resampled else None,
            rank=1 + int((found > found[place] + SAME_ENOUGH).sum()),
            rank_low=int(rank_low[place]) if resampled else None,
            rank_high=int(rank_high[place]) if resampled else None,
            votes=voted[name],
        )
        for place, name in enumerate(able)
    ]
    return sorted(rows, key=lambda row: row.rank)


def _tables(choices: Sequence[Choice], systems: Sequence[str]) -> np.ndarray:
    """Half wins by case, rater, winner and loser `[C,R,S,S]`: 2 for a win, 1 for each side of a tie."""
    cases = {name: place for place, name in enumerate(sorted({choice.case for choice in choices}))}
    raters = {name: place for place, name in enumerate(sorted({choice.rater for choice in choices}))}
    order = {name: place for place, name in enumerate(systems)}
    table = np.zeros((len(cases), len(raters), len(systems), len(systems)))
    for choice in choices:
        where, one, other = (cases[choice.case], raters[choice.rater]), order[choice.first], order[choice.second]
        table[(*where, one, other)] += 1 + choice.value
        table[(*where, other, one)] += 1 - choice.value
    return table


def _resampled(tables: np.ndarray, rng: np.random.Generator, resamples: int) -> np.ndarray:
    """Half wins `[N,S,S]` with cases and raters drawn anew, each with replacement."""
    drawn = np.empty((resamples, *tables.shape[2:]))
    for place in range(resamples):
        of_case, of_rater = (np.bincount(rng.integers(0, count, count), minlength=count) for count in tables.shape[:2])
        drawn[place] = np.tensordot(np.outer(of_case, of_rater), tables, 2)
    return drawn


def _wins(half_wins: np.ndarray) -> np.ndarray:
    """Wins `[...,S,S]` with one tie more between every two, and none of a system against itself."""
    return (half_wins / 2 + 0.5) * (1 - np.eye(half_wins.shape[-1]))


def _strengths(half_wins: np.ndarray) -> np.ndarray:
    """Log-strengths `[S]` with mean 0."""
    from evalica import Winner, bradley_terry

    wins = _wins(half_wins)
    xs, ys = (found.tolist() for found in np.nonzero(wins))
    scores = bradley_terry(xs, ys, [Winner.X] * len(xs), weights=wins[xs, ys], tolerance=1e-9, limit=10_000).scores
    logs = np.log(scores.sort_index().to_numpy())
    return np.round(logs - logs.mean(), 6)  # equals are equal


def _all_strengths(half_wins: np.ndarray) -> np.ndarray:
    """The same for many tables at once `[N,S,S]` -> `[N,S]`, by Newman's iteration (JMLR 24, 2023).

    One system after the other, as there: all at once it swings between two systems without end.
    """
    wins = _wins(half_wins)
    scores = np.ones(wins.shape[:2])
    for _ in range(1000):
        before = scores.copy()
        for place in range(scores.shape[1]):
            sums = scores[:, [place]] + scores
            scores[:, place] = (wins[:, place] * scores / sums).sum(1) / (wins[:, :, place] / sums).sum(1)
        scores /= np.exp(np.log(scores).mean(1, keepdims=True))
        if np.abs(scores / before - 1).max() < 1e-8:
            break
    return np.round(np.log(scores), 6)
