"""Who may be counted: every rater held against what an attentive person does, with the reason where one is excluded.

attention   an identical pair must be "same", a degraded copy must lose: less than ATTENTION of them right excludes
unwatched   clips not seen to their end, or an answer sooner than the clips last: more than UNWATCHED of the votes excludes
constant    one and the same answer to at least CONSTANT trials: "left" or "right" excludes; "same" only where the others disagree or an
            attention pair was missed, for two equal systems are the same
side        exact binomial test of left against right among the decided votes: p below SIDE excludes (a pair's side is drawn, so a
            preference for a system is none for a side)
random      agreement with the others. S = sum over votes of (own vote x mean of the others' on the same case and pair). A rater goes where
            S is no better than that of the own answers dealt to other trials at random (p > 5 %), and is lower than all but RANDOM of what
            the others would have got in this place, each of their votes held against the rest. Where people do not agree with each
            other nobody is excluded by it.

Self-consistency on repeated pairs is told and excludes nobody: a study has few of them. Pure functions; drawing takes a seed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Mapping, Sequence

import numpy as np

from awbench.preference import binomial_two_sided
from awbench.study.votes import ANSWERS, Vote, Votes

ATTENTION, UNWATCHED, CONSTANT, SIDE, RANDOM = 0.6, 0.2, 8, 0.001, 0.002
CHANCE = 0.05
DRAWS = 2000
MIN_SHARED = 8
"""Trials shared with two others below which agreement is not tested."""

Unit = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rater:
    """What was seen of one. Counts are of trials; `left`, `same`, `right` of all answers to pairs; p-values None where not tested.

    `consistent` of `repeats`: same preference when shown again. `why`: reasons for exclusion, () where counted.
    """

    name: str
    trials: int
    due: int
    attention: int
    attention_right: int
    repeats: int
    consistent: int
    left: int
    same: int
    right: int
    unwatched: int
    median_s: float | None
    p_side: float
    p_random: float | None = None
    p_others: float | None = None
    why: tuple[str, ...] = ()

    @property
    def excluded(self) -> bool:
        return bool(self.why)


def check_raters(votes: Votes, *, seed: int = 0) -> list[Rater]:
    """Every person who voted, in order of names; those already excluded are no measure for the agreement of others."""
    by_rater: dict[str, list[Vote]] = {}
    for vote in votes.rows:
        if not vote.is_judge:
            by_rater.setdefault(vote.rater, []).append(vote)
    seen = [_seen(name, found, votes) for name, found in sorted(by_rater.items())]
    measure = {rater.name: _units(by_rater[rater.name]) for rater in seen if not rater.excluded}
    return [_against_others(rater, by_rater[rater.name], measure, seed) for rater in seen]


def _seen(name: str, rows: Sequence[Vote], votes: Votes) -> Rater:
    pairs = [vote for vote in rows if vote.trial.kind == "pair"]
    sides = Counter(vote.answer for vote in pairs)
    main = _by_trial(rows, votes.key.questions[0])
    tests = [vote for vote in main.values() if vote.trial.expected in ANSWERS]
    repeats = [(vote, main[vote.trial.repeats]) for vote in main.values() if vote.trial.repeats in main]
    decided = Counter(vote.answer for vote in main.values() if vote.trial.kind == "pair")
    trials = {vote.trial.id: vote for vote in rows}
    spent = [vote.seconds for vote in trials.values() if vote.seconds is not None]
    rater = Rater(
        name=name,
        trials=len(trials),
        due=votes.unfinished.get(name, (0, len(trials)))[1],
        attention=len(tests),
        attention_right=sum(vote.answer == vote.trial.expected for vote in tests),
        repeats=len(repeats),
        consistent=sum(one.value == other.value for one, other in repeats),
        left=sides["left"],
        same=sides["same"],
        right=sides["right"],
        unwatched=sum(not vote.watched for vote in trials.values()),
        median_s=float(np.median(spent)) if spent else None,
        p_side=binomial_two_sided(decided["left"], decided["left"] + decided["right"]),
    )
    return replace(rater, why=tuple(_reasons(rater, rows, tests)))


def _by_trial(rows: Sequence[Vote], question: str) -> dict[str, Vote]:
    """The answers to `question`, or to the first one that was answered, by trial."""
    found: dict[str, Vote] = {}
    for vote in rows:
        if vote.question == question or vote.trial.id not in found:
            found[vote.trial.id] = vote
    return found


def _reasons(rater: Rater, rows: Sequence[Vote], tests: Sequence[Vote]) -> list[str]:
    why = []
    answers = {vote.answer for vote in rows}
    missed = any(vote.answer == "same" != vote.trial.expected for vote in tests)
    if rater.trials >= CONSTANT and len(answers) == 1 and (answers != {"same"} or missed):
        why.append(f"always answered {answers.pop()}")
    elif rater.p_side < SIDE:
        side = "left" if rater.left > rater.right else "right"
        share = f"{max(rater.left, rater.right)} of {rater.left + rater.right}"
        why.append(f"mostly {side} whatever is shown there ({share}, p = {rater.p_side:.1g})")
    if rater.attention and rater.attention_right < ATTENTION * rater.attention:
        why.append(f"{rater.attention_right} of {rater.attention} attention pairs right")
    if rater.unwatched > UNWATCHED * rater.trials:
        why.append(f"{rater.unwatched} of {rater.trials} pairs not watched to the end")
    return why


def _units(rows: Sequence[Vote]) -> dict[Unit, dict[str, int]]:
    """Votes on pairs: (case, first, second) -> question -> value."""
    found: dict[Unit, dict[str, int]] = {}
    for vote in rows:
        if vote.trial.kind == "pair":
            found.setdefault((vote.trial.case, vote.first, vote.second), {})[vote.question] = vote.value
    return found


def _against_others(rater: Rater, rows: Sequence[Vote], measure: Mapping[str, Mapping[Unit, dict[str, int]]], seed: int) -> Rater:
    own = _units(rows)
    others = {unit: [found[unit] for name, found in measure.items() if name != rater.name and unit in found] for unit in own}
    shared = [unit for unit in own if len(others[unit]) >= 2]
    if len(shared) < MIN_SHARED:
        return rater
    rng = np.random.default_rng(seed)
    score = sum(_match(own[unit], _mean(others[unit])) for unit in shared)
    dealt = _dealt(rows, shared, others, rng)
    p_random = (1 + float((dealt >= score - 1e-9).sum())) / (1 + DRAWS)
    fair = sum(_placed(others[unit], rng) for unit in shared)
    p_others = (1 + float((fair <= score + 1e-9).sum())) / (1 + DRAWS)
    out = p_random > CHANCE and p_others < RANDOM
    why = (f"agrees with the others no better than chance (p = {p_random:.2f}; the others among themselves do)",) if out else ()
    return replace(rater, p_random=p_random, p_others=p_others, why=rater.why + why)


def _mean(votes: Sequence[Mapping[str, int]]) -> dict[str, float]:
    questions = dict.fromkeys(name for vote in votes for name in vote)
    return {name: float(np.mean([vote[name] for vote in votes if name in vote])) for name in questions}


def _match(vote: Mapping[str, int], mean: Mapping[str, float]) -> float:
    return sum(value * mean.get(name, 0.0) for name, value in vote.items())


def _dealt(
    rows: Sequence[Vote], shared: Sequence[Unit], others: Mapping[Unit, list[dict[str, int]]], rng: np.random.Generator
) -> np.ndarray:
    """Scores `[DRAWS]` of the rater's own answers by side, dealt to the trials at random; answers to one trial stay together."""
    sides = {unit: {} for unit in shared}
    flips = dict.fromkeys(shared, 1)
    for vote in rows:
        unit = (vote.trial.case, vote.first, vote.second)
        if vote.trial.kind == "pair" and unit in sides:
            flips[unit] = 1 if vote.trial.left == vote.first else -1
            sides[unit][vote.question] = flips[unit] * vote.value
    means = [_mean(others[unit]) for unit in shared]
    scores = np.array([[flips[there] * _match(sides[here], mean) for there, mean in zip(shared, means)] for here in shared])
    orders = rng.permuted(np.tile(np.arange(len(shared)), (DRAWS, 1)), axis=1)
    return scores[orders, np.arange(len(shared))].sum(1)


def _placed(votes: Sequence[Mapping[str, int]], rng: np.random.Generator) -> np.ndarray:
    """Scores `[DRAWS]` on one unit of one of the others drawn at random, held against the rest of them."""
    scores = [_match(vote, _mean([*votes[:place], *votes[place + 1 :]])) for place, vote in enumerate(votes)]
    return np.array(scores)[rng.integers(0, len(votes), DRAWS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBias:
    """Left against right over all raters counted, among decided votes on one question. `p`: exact, that no side is favoured."""

    question: str
    left: int
    right: int
    p: float


def side_bias(rows: Sequence[Vote], questions: Sequence[str]) -> list[SideBias]:
    """For each question. A pair is shown either way round equally often, so a better system favours no side."""
    found = []
    for question in questions:
        count = Counter(vote.answer for vote in rows if vote.question == question and vote.trial.kind == "pair")
        left, right = count["left"], count["right"]
        found.append(SideBias(question=question, left=left, right=right, p=binomial_two_sided(left, left + right)))
    return found
