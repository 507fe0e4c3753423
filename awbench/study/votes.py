"""Sheets of votes (`vote_files`) joined with the key of their study: one `Vote` for each question answered, and an `Odd` for everything
that is not one.

In: paths of votes, and key.json, the private half of `study make`. Out: `Votes`. Nothing is dropped in silence: a vote that cannot be
counted is a row with the reason, and so is one that is counted although something about it is strange (its clock, say). A trial voted on
twice with the same answers counts once; with other answers the last by time counts; how many votes a rater corrected before sending the
next is told. One vote under two names, equal to the clock, is one person's. Raters who did not finish are kept, and said.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from awbench.study.key import Key, Trial
from awbench.study.vote_files import NOBODY, read_sheets
from awbench.study.vote_rules import (
    JUDGE_PREFIX,
    moment_of,
    seconds_of,
    shown,
    watched_to_the_end,
    wrong_answer,
    wrong_ballot,
    wrong_sheet,
)  # fmt: skip
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One answer to one question. `value`: 1 where `first` (in the key's order) was preferred, 0 same, -1 `second`."""

    rater: str
    slot: int
    trial: Trial
    question: str
    answer: str
    first: str
    second: str
    value: int
    seconds: float | None
    watched: bool
    at: str

    @property
    def is_judge(self) -> bool:
        return self.rater.startswith(JUDGE_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """Something about a file or a vote. `counted`: whether the vote counts all the same."""

    source: str
    rater: str
    slot: int | None
    trial: str
    reason: str
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """All of it. `unfinished`: rater -> (trials voted on, trials of its slot)."""

    key: Key
    rows: tuple[Vote, ...]
    odd: tuple[Odd, ...]
    unfinished: Mapping[str, tuple[int, int]]


def read_votes(paths: Sequence[Path], key: Key) -> Votes:
    """Everything the files say. A file that is no votes file is a row.

    Raises ValueError for a path that is not there, and where files hold votes and not one of them can count.
    """
    odd: list[Odd] = []
    cast: dict[tuple[str, str], list[_Cast]] = {}
    for source, sheet in read_sheets(paths, lambda file, reason: odd.append(_odd(file, reason=reason))):
        for ballot, rater, slot in _ballots(source, sheet, key, odd):
            cast.setdefault((rater, ballot["trial"]), []).append((ballot, source, slot))
    last = {(rater, trial): _last(rater, found, odd) for (rater, trial), found in sorted(cast.items())}
    rows = [vote for (rater, _), found in _own(last, odd).items() for vote in _counted(rater, found, key, odd)]
    if not rows and any(one.reason != NOBODY for one in odd):
        reasons = ", ".join(dict.fromkeys(one.reason for one in odd[:1000]))
        require(False, "votes", "files", f"not one vote that counts: {reasons[:300]}", f"votes of study {key.study}")
    _tell_strangers(rows, odd)
    return Votes(key=key, rows=tuple(rows), odd=tuple(odd), unfinished=_unfinished(rows, key))


_Cast = tuple[dict[str, Any], str, int]
"""A ballot, the file it lay in, its slot."""


def _odd(source: str, rater: str = "", slot: int | None = None, trial: str = "", *, reason: str, counted: bool = False) -> Odd:
    return Odd(source=_plain(source), rater=rater, slot=slot, trial=_plain(trial, 40), reason=_plain(reason), counted=counted)


def _plain(text: str, most: int = 200) -> str:
    """What can be printed of a text from anywhere, on one line; of control characters and lone surrogates their codes."""
    flat = " ".join(text[: 2 * most].split())
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in flat)[:most]


def _ballots(source: str, sheet: Any, key: Key, odd: list[Odd]) -> Iterator[tuple[dict[str, Any], str, int]]:
    """The votes of a sheet that belong to the study, with rater and slot."""
    wrong = wrong_sheet(sheet, key)
    if wrong:
        odd.append(_odd(source, reason=wrong))
        return
    rater = unicodedata.normalize("NFC", sheet["rater"].strip())
    is_judge = rater.startswith(JUDGE_PREFIX)
    slot = -1 if is_judge else sheet["slot"]
    if is_judge and sheet.get("slot") is not None:
        odd.append(
            _odd(source, rater, reason=f"counted as a model, as the name begins with {JUDGE_PREFIX}, though it has a slot", counted=True)
        )
    for trial, why in (sheet.get("skipped") or {}).items():
        odd.append(_odd(source, rater, slot, trial, reason=f"skipped: {why if isinstance(why, str) else shown(why)}"))
    if sheet.get("corrected"):
        told = f"{shown(sheet['corrected'])} votes corrected by the rater, the last ones count"
        odd.append(_odd(source, rater, slot, reason=told, counted=True))
    for ballot in sheet["votes"]:
        reason = wrong_ballot(ballot, key, None if is_judge else slot)
        if reason:
            trial = ballot.get("trial", "") if isinstance(ballot, dict) else ""
            odd.append(_odd(source, rater, slot, trial if isinstance(trial, str) else "", reason=reason))
        else:
            answers = {name: answer if isinstance(answer, str) else shown(answer) for name, answer in ballot["answers"].items()}
            yield ballot | {"answers": answers}, rater, slot


def _last(rater: str, found: Sequence[_Cast], odd: list[Odd]) -> _Cast:
    """Of a rater's votes on one trial the last."""
    ordered = sorted(found, key=lambda one: moment_of(one[0].get("at")) or 0.0)
    for ballot, source, slot in ordered[:-1]:
        same = ballot["answers"] == ordered[-1][0]["answers"]
        why = "cast twice with the same answers, counted once" if same else "cast again later with other answers, the last ones count"
        odd.append(_odd(source, rater, slot, ballot["trial"], reason=why))
    return ordered[-1]


def _own(last: Mapping[tuple[str, str], _Cast], odd: list[Odd]) -> dict[tuple[str, str], _Cast]:
    """Without votes that stand under another name too, equal to the clock: those are copies. The first name in order keeps them."""
    first: dict[tuple[Any, ...], str] = {}
    copies: dict[tuple[str, str], list[_Cast]] = {}
    own = {}
    for (rater, trial), cast in last.items():
        ballot, _, slot = cast
        seconds, moment = seconds_of(ballot.get("seconds")), moment_of(ballot.get("at"))
        clocked = seconds is not None and moment is not None and not rater.startswith(JUDGE_PREFIX)
        mark = (slot, trial, seconds, moment, *sorted(ballot["answers"].items()))
        if clocked and first.setdefault(mark, rater) != rater:
            copies.setdefault((rater, first[mark]), []).append(cast)
        else:
            own[rater, trial] = cast
    for (rater, other), found in copies.items():
        _, source, slot = found[0]
        odd.append(_odd(source, rater, slot, reason=f"{len(found)} votes are those of {other} to the clock: one person's, counted once"))
    return own


def _counted(rater: str, cast: _Cast, key: Key, odd: list[Odd]) -> Iterator[Vote]:
    """The answers of a vote."""
    ballot, source, slot = cast
    seconds, at = seconds_of(ballot.get("seconds")), ballot.get("at")
    strange = [f"seconds are {shown(ballot.get('seconds'))}"] * (seconds is None) + [f"time is {shown(at)}"] * (moment_of(at) is None)
    if strange and not rater.startswith(JUDGE_PREFIX):
        odd.append(_odd(source, rater, slot, ballot["trial"], reason="; ".join(strange), counted=True))
    watched = watched_to_the_end(ballot.get("watched"), seconds, key)
    known = {"seconds": seconds, "at": at if moment_of(at) else "", "watched": watched}
    for question, answer in ballot["answers"].items():
        reason = wrong_answer(question, answer, key)
        if reason:
            odd.append(_odd(source, rater, slot, ballot["trial"], reason=reason))
        else:
            yield _vote(rater, slot, key.trials[ballot["trial"]], question, answer, key, known)
    lacking = [name for name in key.questions if name not in ballot["answers"]]
    if lacking and not rater.startswith(JUDGE_PREFIX):
        odd.append(_odd(source, rater, slot, ballot["trial"], reason=f"no answer to {', '.join(lacking)}", counted=True))


def _vote(rater: str, slot: int, trial: Trial, question: str, answer: str, key: Key, known: Mapping[str, Any]) -> Vote:
    first, second = key.pair(trial)
    toward_left = {"left": 1, "same": 0, "right": -1}[answer]
    value = toward_left if trial.left == first else -toward_left
    return Vote(rater=rater, slot=slot, trial=trial, question=question, answer=answer, first=first, second=second, value=value, **known)


def _tell_strangers(rows: Sequence[Vote], odd: list[Odd]) -> None:
    """A rater in two slots, and two raters in one, are told; their votes count."""
    slots: dict[str, set[int]] = {}
    raters: dict[int, set[str]] = {}
    for vote in rows:
        if not vote.is_judge:
            slots.setdefault(vote.rater, set()).add(vote.slot)
            raters.setdefault(vote.slot, set()).add(vote.rater)
    odd += [
        _odd("", rater, reason=f"voted in slots {sorted(found)}", counted=True) for rater, found in sorted(slots.items()) if len(found) > 1
    ]
    odd += [
        _odd("", "", slot, reason=f"{len(found)} raters voted in one slot: sides and orders are less balanced", counted=True)
        for slot, found in sorted(raters.items())
        if len(found) > 1
    ]


def _unfinished(rows: Sequence[Vote], key: Key) -> dict[str, tuple[int, int]]:
    done: dict[str, set[str]] = {}
    due: dict[str, set[str]] = {}
    for vote in rows:
        if not vote.is_judge:
            done.setdefault(vote.rater, set()).add(vote.trial.id)
            due.setdefault(vote.rater, set()).update(key.slots[vote.slot])
    return {rater: (len(found), len(due[rater])) for rater, found in done.items() if found < due[rater]}
