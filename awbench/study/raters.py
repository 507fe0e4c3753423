"""Who may be counted: every rater held against what an attentive person does, with the reason where one is excluded.

attention   an identical pair must be "same", a degraded copy must lose: less than ATTENTION of them right excludes
unwatched   clips not seen to their end, or an answer sooner than the clips last: more than UNWATCHED of the votes excludes
constant    one and the same answer to at least CONSTANT trials: "left" or "right" excludes; "same" only where an attention pair was
            missed, for two equal systems are the same
side        exact binomial test of left against right among the decided votes on the first question: p below SIDE excludes (a pair's
            side is drawn, so a preference for a system is none for a side)
random      agreement with the others. S = sum over votes of (own vote x mean of the others' on the same case and pair). A rater goes where
            S cannot be told from that of the own answers dealt to other trials at random (p above CHANCE on either side), and is lower than
            all but RANDOM of what the others would have got in this place, each of their votes held against the rest. Who says the
            opposite of the others agrees less than chance does, and stays: that is a taste. So does who says "same" of nearly all: whose
            other answers are on less than DECIDED of the trials is not tested. So does who got all of LOOKED attention pairs or more
            right: a taste of one's own beside that of most looks like chance too, and without those who have one leads are too
            large and intervals too narrow. Where people do not agree with each other nobody is excluded by it.

Self-consistency on repeated pairs is told and excludes nobody: a study has few of them. Pure functions; drawing takes a seed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Mapping, Sequence

import numpy as np

from awbench.preference import binomial_two_sided
from awbench.study.vote_rules import ANSWERS
from awbench.study.votes import Vote, Votes

ATTENTION, UNWATCHED, CONSTANT, SIDE, RANDOM = 0.6, 0.2, 8, 0.001, 0.002
CHANCE = 0.05
DRAWS = 2000
LOOKED = 4
"""Attention pairs that are seldom all right by chance: once in 81."""
MIN_SHARED, DECIDED = 8, 0.25
"""Trials shared with two others, and the share of them not answered "same" throughout, below which agreement is not tested."""

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
    measure = _Measure.of({rater.name: by_rater[rater.name] for rater in seen if not rater.excluded}, votes.key.questions)
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
    return replace(rater, why=tuple(_reasons(rater, rows, tests, decided)))


def _by_trial(rows: Sequence[Vote], question: str) -> dict[str, Vote]:
    """The answers to `question`, or to the first one that was answered, by trial."""
    found: dict[str, Vote] = {}
    for vote in rows:
        if vote.question == question or vote.trial.id not in found:
            found[vote.trial.id] = vote
    return found


def _reasons(rater: Rater, rows: Sequence[Vote], tests: Sequence[Vote], decided: Mapping[str, int]) -> list[str]:
    """`decided`: answers to pairs on the question that sides are tested on."""
    why = []
    answers = {vote.answer for vote in rows}
    missed = any(vote.answer == "same" != vote.trial.expected for vote in tests)
    if rater.trials >= CONSTANT and len(answers) == 1 and (answers != {"same"} or missed):
        why.append(f"always answered {answers.pop()}")
    elif rater.p_side < SIDE:
        side = max(("left", "right"), key=lambda name: decided[name])
        share = f"{decided[side]} of {decided['left'] + decided['right']}"
        why.append(f"mostly {side} whatever is shown there ({share}, p = {rater.p_side:.1g})")
    if rater.attention and rater.attention_right < ATTENTION * rater.attention:
        why.append(f"{rater.attention_right} of {rater.attention} attention pairs right")
    if rater.unwatched > UNWATCHED * rater.trials:
        why.append(f"{rater.unwatched} of {rater.trials} pairs not watched to the end")
    return why


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """Votes on pairs `values` [raters,units,questions], NaN for none; a unit is a case with a pair of systems."""

    names: tuple[str, ...]
    units: Mapping[Unit, int]
    questions: Mapping[str, int]
    values: np.ndarray

    @classmethod
    def of(cls, by_rater: Mapping[str, Sequence[Vote]], questions: Sequence[str]) -> _Measure:
        units = {unit: place for place, unit in enumerate(sorted({_unit(vote) for rows in by_rater.values() for vote in rows}))}
        empty = np.zeros((0, len(units), len(questions)))
        made = cls(names=tuple(by_rater), units=units, questions={name: place for place, name in enumerate(questions)}, values=empty)
        return replace(made, values=np.stack([made.table(rows)[0] for rows in by_rater.values()])) if by_rater else made

    def table(self, rows: Sequence[Vote]) -> tuple[np.ndarray, np.ndarray]:
        """Votes `[units,questions]`, and where the first of the pair stood `[units]`: 1 left, -1 right."""
        values, sides = np.full((len(self.units), len(self.questions)), np.nan), np.ones(len(self.units))
        for vote in rows:
            unit = self.units.get(_unit(vote))
            if vote.trial.kind == "pair" and unit is not None:
                values[unit, self.questions[vote.question]] = vote.value
                sides[unit] = 1 if vote.trial.left == vote.first else -1
        return values, sides


def _unit(vote: Vote) -> Unit:
    return vote.trial.case, vote.first, vote.second


def _against_others(rater: Rater, rows: Sequence[Vote], measure: _Measure, seed: int) -> Rater:
    own, sides = measure.table(rows)
    others = measure.values[[name != rater.name for name in measure.names]]
    voted = ~np.isnan(others).all(2)
    shared = (voted.sum(0) >= 2) & ~np.isnan(own).all(1)
    decided = (np.nan_to_num(own[shared]) != 0).any(1)
    if len(decided) < MIN_SHARED or decided.mean() < DECIDED:
        return rater
    rng = np.random.default_rng(seed)
    own, sides, others, voted = np.nan_to_num(own[shared]), sides[shared, None], others[:, shared], voted[:, shared]
    there, filled = ~np.isnan(others), np.nan_to_num(others)
    sums, counts = filled.sum(0), there.sum(0)
    means = sums / np.maximum(counts, 1)
    score = float((own * means).sum())
    dealt = _dealt(sides * own, sides * means, rng)
    p_random = (1 + float((dealt >= score - 1e-9).sum())) / (1 + DRAWS)
    fair = _placed((filled * (sums - filled) / np.maximum(counts - there, 1)).sum(2), voted, rng)
    p_others = (1 + float((fair <= score + 1e-9).sum())) / (1 + DRAWS)
    looked = rater.attention_right == rater.attention >= LOOKED
    out = CHANCE < p_random < 1 - CHANCE and p_others < RANDOM and not looked
    why = (f"agrees with the others no better than chance (p = {p_random:.2f}; the others among themselves do)",) if out else ()
    return replace(rater, p_random=p_random, p_others=p_others, why=rater.why + why)


def _dealt(answers: np.ndarray, means: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scores `[DRAWS]` of answers by side `[units,questions]` dealt to the trials at random; answers to one trial stay together."""
    scores, places = answers @ means.T, np.arange(len(answers))
    return np.array([scores[rng.permutation(len(answers)), places].sum() for _ in range(DRAWS)])


def _placed(scores: np.ndarray, voted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scores `[DRAWS]` of one of the others, drawn on each unit anew, held against the rest of them: sums of `scores` `[raters,units]`."""
    fair = np.zeros(DRAWS)
    for unit in range(scores.shape[1]):
        found = scores[voted[:, unit], unit]
        fair += found[rng.integers(0, len(found), DRAWS)]
    return fair


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
