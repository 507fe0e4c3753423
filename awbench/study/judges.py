"""A model's pairwise votes as votes of a study, and how far they agree with the people's.

In: run folders with judge/pairwise.parquet (`actorforge judge --protocol pairwise`), or votes files whose rater is called "judge:NAME".
Out: `Vote`s of the rater "judge:MODEL", and a `Likeness` for each judge and question. The judge has no question "overall"; its dimensions
imaging, motion and appearance answer the study's questions of the same name. Cases that were not in the study are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Sequence

import numpy as np

from awbench.judging.pairwise import read_pairwise
from awbench.judging.rubrics import PREFIX
from awbench.runs import Run
from awbench.statistics import Estimate, estimate
from awbench.study.key import Key, Trial
from awbench.study.vote_rules import JUDGE_PREFIX
from awbench.study.votes import Vote

QUESTION_OF = {"imaging_quality": "imaging", "motion_fidelity": "motion", "appearance_consistency": "appearance"}
_VALUE = {"G": 1, "S": 0, "B": -1}
_ANSWER = {1: "left", 0: "same", -1: "right"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """A judge beside the people on one question, over (case, pair) that both voted on.

    `agreed`: share on which the judge says what the people's majority says (G, S or B), with its interval over cases. `decided`: of
    `decided_n` where both prefer one, the share preferring the same. `people`: as `agreed`, of one person against the majority of the
    others, the most a judge can be asked for; None where no two people voted on one pair.
    """

    judge: str
    question: str
    agreed: Estimate
    decided: float | None
    decided_n: int
    people: float | None


def judge_votes(runs: Sequence[Run], key: Key) -> list[Vote]:
    """Verdicts of pairs of the study's systems on the study's cases."""
    return [vote for run in runs for vote in _of_run(run, key)]


def _of_run(run: Run, key: Key) -> Iterator[Vote]:
    tags = {trial.case: trial.tags for trial in key.trials.values()}
    for row in read_pairwise(run).to_dict("records"):
        question = QUESTION_OF.get(row["metric"].removeprefix(PREFIX))
        pair = (run.system, row["baseline"])
        known = row["status"] == "ok" and row["sample"] == 0 and row["case"] in tags and question in key.questions
        if not known or len(set(pair)) < 2 or not set(pair) <= set(key.systems):
            continue
        first, second = sorted(pair, key=key.systems.index)
        value = _VALUE[row["verdict"]] * (1 if first == run.system else -1)
        trial = Trial(id="", kind="pair", case=row["case"], left=first, right=second, expected=None, repeats=None, tags=tags[row["case"]])
        about = {"first": first, "second": second, "value": value, "answer": _ANSWER[value]}
        judge = JUDGE_PREFIX + row["model"]
        yield Vote(rater=judge, slot=-1, trial=trial, question=question, seconds=None, watched=True, at="", **about)


def likeness(judge: str, votes: Sequence[Vote], people: Sequence[Vote], questions: Sequence[str]) -> list[Likeness]:
    """One for each question that the judge answered."""
    asked = [name for name in questions if any(vote.question == name for vote in votes)]
    return [_likeness(judge, name, _units(votes, name), _units(people, name)) for name in asked]


def _units(votes: Sequence[Vote], question: str) -> dict[tuple[str, str, str], list[int]]:
    found: dict[tuple[str, str, str], list[int]] = {}
    for vote in votes:
        if vote.question == question and vote.trial.kind == "pair":
            found.setdefault((vote.trial.case, vote.first, vote.second), []).append(vote.value)
    return found


def _likeness(judge: str, question: str, own: dict, people: dict) -> Likeness:
    both = {unit: (_sign(own[unit]), _sign(people[unit])) for unit in own if unit in people}
    names = {"\t".join(unit): unit for unit in both}
    same = {name: float(both[unit][0] == both[unit][1]) for name, unit in names.items()}
    agreed = estimate(same, {name: unit[0] for name, unit in names.items()}).limited(0.0, 1.0)
    decided = [one == other for one, other in both.values() if one and other]
    share = float(np.mean(decided)) if decided else None
    against = _people(people, both)
    return Likeness(judge=judge, question=question, agreed=agreed, decided=share, decided_n=len(decided), people=against)


def _people(people: dict, units: dict) -> float | None:
    """Share of people's votes that say what the majority of the others says."""
    hits = [
        vote == _sign([*people[unit][:place], *people[unit][place + 1 :]])
        for unit in units
        if len(people[unit]) > 1
        for place, vote in enumerate(people[unit])
    ]
    return float(np.mean(hits)) if hits else None


def _sign(values: Sequence[int]) -> int:
    """The answer most gave; "same" where two lead with as many votes."""
    counts = {value: sum(one == value for one in values) for value in (1, 0, -1)}
    most = [value for value, count in counts.items() if count == max(counts.values())]
    return most[0] if len(most) == 1 else 0
