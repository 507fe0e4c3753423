"""A study's votes -> everything its report says, as plain frozen rows.

The main analysis leaves out excluded raters (`awbench.study.raters`) and single votes on clips that were not watched; beside it stands the
same over all votes that can be read, so that nobody need trust the exclusions. Repeats and attention pairs check raters and are in no
count. Adjusted after Holm are the pairs of systems of one question together: the first question is what a study is about, the others tell
why, and each is a family of its own. Rows by tag and of all votes are for looking, and have no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Iterable, Sequence

from awbench.bradley_terry import Place, places
from awbench.preference import Choice, Preference, preference
from awbench.rater_agreement import Agreement, agreement
from awbench.runs import Run
from awbench.statistics import CONFIDENCE, holm
from awbench.study.judges import Likeness, judge_votes, likeness
from awbench.study.key import Key
from awbench.study.power import detectable_lead
from awbench.study.raters import Rater, SideBias, check_raters, side_bias
from awbench.study.votes import Odd, Vote, Votes

AHEAD, BEHIND, UNCLEAR = "ahead", "behind", "unclear"
COUNTED, ALL = "counted", "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """One pair on one question. `of`: counted | all | the judge's name; `tag`: "" for all cases; `outcome`: "" where none is drawn.

    `detectable`: the smallest lead that as many votes would have been called on (`awbench.study.power`), None where none is, or not asked.
    """

    of: str
    question: str
    tag: str
    first: str
    second: str
    found: Preference
    p_adjusted: float | None = None
    detectable: float | None = None
    outcome: str = ""

    def record(self) -> dict[str, Any]:
        """As plain values, ready for a table."""
        found, lead = self.found, self.found.lead
        known = {name: getattr(self, name) for name in ("of", "question", "tag", "first", "second")}
        counts = {name: getattr(found, name) for name in ("good", "same", "bad", "votes", "cases", "raters")}
        ratio = {name: getattr(found, name) for name in ("ratio", "ratio_low", "ratio_high")}
        tests = {"p_sign": found.p_sign, "p_adjusted": self.p_adjusted, "detectable": self.detectable, "outcome": self.outcome}
        return known | counts | {"lead": lead.mean, "low": lead.low, "high": lead.high} | ratio | tests


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    question: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """All of a study. `leads`: main rows; `all_leads`: without exclusions; `tag_leads`: on the first question; `judge_leads`: of models."""

    key: Key
    leads: tuple[Lead, ...]
    all_leads: tuple[Lead, ...]
    tag_leads: tuple[Lead, ...]
    judge_leads: tuple[Lead, ...]
    rankings: tuple[Ranking, ...]
    agreements: tuple[tuple[str, Agreement], ...]
    sides: tuple[SideBias, ...]
    raters: tuple[Rater, ...]
    odd: tuple[Odd, ...]
    likenesses: tuple[Likeness, ...]
    unwatched: int

    @property
    def excluded(self) -> tuple[Rater, ...]:
        return tuple(rater for rater in self.raters if rater.excluded)

    @property
    def votes(self) -> int:
        """Answers in the main analysis."""
        return sum(lead.found.votes for lead in self.leads)

    @property
    def cases(self) -> int:
        return len({trial.case for trial in self.key.trials.values() if trial.kind == "pair"})


def analyse(votes: Votes, runs: Sequence[Run] = (), *, seed: int = 0) -> StudyReport:
    """Everything the report says; `runs`: whose judge's pairwise votes are laid beside."""
    key, raters = votes.key, check_raters(votes, seed=seed)
    out = {rater.name for rater in raters if rater.excluded}
    people = [vote for vote in votes.rows if not vote.is_judge]
    pairs = [vote for vote in people if vote.trial.kind == "pair"]
    counted = [vote for vote in pairs if vote.rater not in out and vote.watched]
    of_models = [vote for vote in votes.rows if vote.is_judge and vote.trial.kind == "pair"] + judge_votes(runs, key)
    judges = {name: [vote for vote in of_models if vote.rater == name] for name in sorted({vote.rater for vote in of_models})}
    return StudyReport(
        key=key,
        leads=_with_detectable(judged(_leads(COUNTED, counted, key, key.questions)), counted, key),
        all_leads=tuple(_leads(ALL, pairs, key, key.questions)),
        tag_leads=tuple(_by_tag(counted, key)),
        judge_leads=tuple(lead for name, rows in judges.items() for lead in _leads(name, rows, key, _answered(rows, key))),
        rankings=tuple(_ranking(counted, name, key, seed) for name in key.questions),
        agreements=tuple((name, one) for name in key.questions for one in agreement(_choices(counted, name), seed=seed)),
        sides=tuple(side_bias(counted, key.questions)),
        raters=tuple(raters),
        odd=votes.odd,
        likenesses=tuple(one for name, rows in judges.items() for one in likeness(name, rows, counted, key.questions)),
        unwatched=len({(vote.rater, vote.trial.id) for vote in pairs if vote.rater not in out and not vote.watched}),
    )


def _answered(rows: Sequence[Vote], key: Key) -> list[str]:
    return [name for name in key.questions if any(vote.question == name for vote in rows)]


def _ranking(rows: Sequence[Vote], question: str, key: Key, seed: int) -> Ranking:
    return Ranking(question=question, places=tuple(places(_choices(rows, question), key.systems, seed=seed)))


def _choices(rows: Iterable[Vote], question: str) -> list[Choice]:
    return [
        Choice(rater=vote.rater, case=vote.trial.case, first=vote.first, second=vote.second, value=vote.value)
        for vote in rows
        if vote.question == question
    ]


def _leads(of: str, rows: Sequence[Vote], key: Key, questions: Sequence[str], tag: str = "") -> list[Lead]:
    """One for each question and pair of systems, also of those nobody voted on."""
    found = []
    for question in questions:
        choices = _choices(rows, question)
        for first, second in combinations(key.systems, 2):
            of_pair = [choice for choice in choices if (choice.first, choice.second) == (first, second)]
            found.append(Lead(of=of, question=question, tag=tag, first=first, second=second, found=preference(of_pair)))
    return found


def judged(leads: Sequence[Lead]) -> tuple[Lead, ...]:
    """Adjusted within their question, with what may be said: the interval off 0, the adjusted p below 5 %, enough cases and raters."""
    adjusted: dict[int, float] = {}
    for question in dict.fromkeys(lead.question for lead in leads):
        own = {place: lead.found.p_sign for place, lead in enumerate(leads) if lead.question == question and lead.found.votes}
        adjusted |= holm(own)
    return tuple(_with_outcome(lead, adjusted.get(place)) for place, lead in enumerate(leads))


def _with_outcome(lead: Lead, p_adjusted: float | None) -> Lead:
    found = lead.found
    clear = found.enough and p_adjusted is not None and p_adjusted < 1 - CONFIDENCE and found.lead.beyond(0.0)
    outcome = (AHEAD if found.lead.mean > 0 else BEHIND) if clear else UNCLEAR
    return replace(lead, p_adjusted=p_adjusted, outcome=outcome)


def _with_detectable(leads: Sequence[Lead], rows: Sequence[Vote], key: Key) -> tuple[Lead, ...]:
    """With what as many votes could have found, for the pairs of the first question that cannot be told apart."""
    pairs, found = len(list(combinations(key.systems, 2))), []
    for lead in leads:
        if lead.question == key.questions[0] and lead.outcome == UNCLEAR and lead.found.enough:
            of_pair = [vote for vote in rows if vote.question == lead.question and (vote.first, vote.second) == (lead.first, lead.second)]
            lead = replace(lead, detectable=detectable_lead([(vote.trial.case, vote.rater) for vote in of_pair], pairs).lead)
        found.append(lead)
    return tuple(found)


def _by_tag(rows: Sequence[Vote], key: Key) -> list[Lead]:
    """On the first question, tag by tag, of the pairs that were voted on; a tag that all cases bear says nothing new."""
    tags: dict[str, set[str]] = {}
    for trial in key.trials.values():
        for name, value in trial.tags.items():
            tags.setdefault(f"{name}={value}", set()).add(trial.case)
    every = {trial.case for trial in key.trials.values()}
    found = []
    for tag, cases in sorted(tags.items()):
        if cases != every:
            of_tag = [vote for vote in rows if vote.trial.case in cases]
            found += [lead for lead in _leads(COUNTED, of_tag, key, key.questions[:1], tag) if lead.found.votes]
    return found


def sentences(report: StudyReport) -> list[str]:
    """What can be said, one sentence for each pair on the first question."""
    main = [lead for lead in report.leads if lead.question == report.key.questions[0]]
    return [_sentence(lead) for lead in main]


def _sentence(lead: Lead) -> str:
    found, pair = lead.found, (lead.first, lead.second)
    if not found.votes:
        return f"{pair[0]} and {pair[1]}: no vote on this pair counts."
    counts = f"{found.votes} votes of {found.raters} rater{'s' * (found.raters != 1)} on {found.cases} case{'s' * (found.cases != 1)}"
    if lead.outcome == UNCLEAR:
        return f"{pair[0]} and {pair[1]} cannot be told apart: {percent(found.lead.mean)} {_interval(found)}, {counts}{_why(lead)}."
    winner, loser = pair if lead.outcome == AHEAD else pair[::-1]
    bounds = sorted((abs(found.lead.low), abs(found.lead.high)))
    span = f"[{100 * bounds[0]:.0f}, {100 * bounds[1]:.0f}]"
    return f"{winner} is preferred to {loser} by {100 * abs(found.lead.mean):.0f} points {span}, {counts}."


def _why(lead: Lead) -> str:
    """What more would have told."""
    if not lead.found.enough:
        return "; too few cases or raters to speak of others"
    if lead.detectable is None:
        return "; on so few cases no lead can be called"
    if abs(lead.found.lead.mean) < lead.detectable:
        return f"; a lead below {100 * lead.detectable:.0f} points is probably missed on so many"
    alike = lead.p_adjusted is not None and lead.p_adjusted < 1 - CONFIDENCE
    return "; raters or cases differ too much" if alike else "; too few cases lean the same way"


def _interval(found: Preference) -> str:
    return "(no interval)" if found.lead.low is None else f"[{percent(found.lead.low)}, {percent(found.lead.high)}]"


def percent(value: float | None) -> str:
    """A lead in points, signed; an en dash where there is none."""
    if value is None:
        return "–"
    text = f"{100 * value:+.0f}"
    return "0" if text in ("+0", "-0") else text.replace("-", "−")
