"""Votes files joined with the key of their study: one `Vote` for each question answered, and an `Odd` for everything that is not one.

In: json files that the page exported or `study serve` wrote, folders of them, or serve's SQLite file; and key.json, the private half of
`study make`. Out: `Votes`. Nothing is dropped in silence: a vote that cannot be counted is a row with the reason, and so is one that is
counted although something about it is strange (its clock, say). A trial voted on twice with the same answers counts once; with other
answers the last by time counts. Raters who did not finish are kept, and said.
"""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from awbench.study.key import KEY_FILE, SITE, Key, Trial
from models.types import require

VOTES_FORMAT = "actorforge-votes-1"
ANSWERS = ("left", "same", "right")
DATABASES = (".db", ".sqlite", ".sqlite3")
JUDGE_PREFIX = "judge:"
"""A rater whose name starts so is a model: its votes stand beside the people's, never among them."""
_LONGEST_S = 24 * 3600.0


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
    """Everything the files say. Raises ValueError for a path that is not there; a file that is no votes file is a row."""
    odd: list[Odd] = []
    cast: dict[tuple[str, str], list[tuple[dict[str, Any], str, int]]] = {}
    for source, sheet in _sheets(paths, odd):
        for ballot, rater, slot in _ballots(source, sheet, key, odd):
            cast.setdefault((rater, ballot["trial"]), []).append((ballot, source, slot))
    rows = [vote for (rater, _), found in sorted(cast.items()) for vote in _counted(rater, found, key, odd)]
    _tell_strangers(rows, odd)
    return Votes(key=key, rows=tuple(rows), odd=tuple(odd), unfinished=_unfinished(rows, key))


def _sheets(paths: Sequence[Path], odd: list[Odd]) -> Iterator[tuple[str, Any]]:
    """(file name, what it holds) of every file; folders are read in order of names."""
    for path in paths:
        require(path.exists(), "votes", "path", f"{path.name}, which is not there", "a votes file, a folder of them, or serve's database")
        files = _inside(path) if path.is_dir() else [path]
        if not files:
            odd.append(_odd(path.name, reason="a folder without votes files (*.json) or serve's database"))
        for file in files:
            try:
                yield from _stored(file) if file.suffix.lower() in DATABASES else [(file.name, json.loads(file.read_text("utf-8")))]
            except (ValueError, OSError, sqlite3.Error) as error:
                odd.append(_odd(file.name, reason=f"cannot be read: {error}"))


def _inside(folder: Path) -> list[Path]:
    """Votes below `folder`; the key and the published site are none."""
    found = [file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.suffix.lower() in (".json", *DATABASES)]
    return [folder / file for file in found if file.name != KEY_FILE and file.parts[0] != SITE]


def _stored(file: Path) -> Iterator[tuple[str, Any]]:
    """Rows of `study serve` as sheets, one of each rater and slot."""
    sheets: dict[tuple[Any, Any, Any], list[dict[str, Any]]] = {}
    connection = sqlite3.connect(f"file:{file.resolve().as_posix()}?mode=ro", uri=True)
    try:
        connection.row_factory = sqlite3.Row
        for row in connection.execute("SELECT * FROM votes ORDER BY received, trial"):
            about = dict(row)
            ballot = {"trial": about["trial"], "seconds": about["seconds"], "at": about["at"]}
            ballot |= {"answers": json.loads(about["answers_json"]), "watched": json.loads(about["watched_json"] or "null")}
            sheets.setdefault((about.get("study"), about["rater"], about["slot"]), []).append(ballot)
    finally:
        connection.close()
    for (study, rater, slot), votes in sheets.items():
        sheet = {"format": VOTES_FORMAT, "rater": rater, "slot": slot, "votes": votes}
        yield file.name, sheet | ({} if study is None else {"study": study})


def _odd(source: str, rater: str = "", slot: int | None = None, trial: str = "", *, reason: str, counted: bool = False) -> Odd:
    return Odd(source=source, rater=rater, slot=slot, trial=trial, reason=reason, counted=counted)


def _ballots(source: str, sheet: Any, key: Key, odd: list[Odd]) -> Iterator[tuple[dict[str, Any], str, int]]:
    """The votes of a sheet that belong to the study, with rater and slot."""
    wrong = _wrong_sheet(sheet, key)
    if wrong:
        odd.append(_odd(source, reason=wrong))
        return
    rater = sheet["rater"].strip()
    is_judge = rater.startswith(JUDGE_PREFIX)
    slot = -1 if is_judge else sheet["slot"]
    skipped = sheet.get("skipped")
    for trial, why in skipped.items() if isinstance(skipped, dict) else ():
        odd.append(_odd(source, rater, slot, str(trial), reason=f"skipped: {' '.join(str(why).split())[:200]}"))
    for ballot in sheet["votes"]:
        reason = _wrong_ballot(ballot, key, None if is_judge else slot)
        if reason:
            trial = str(ballot.get("trial", "")) if isinstance(ballot, dict) else ""
            odd.append(_odd(source, rater, slot, trial, reason=reason))
        else:
            yield ballot, rater, slot


def _wrong_sheet(sheet: Any, key: Key) -> str:
    if not isinstance(sheet, dict) or sheet.get("format") != VOTES_FORMAT:
        return f"no votes file: expected format {VOTES_FORMAT}"
    if sheet.get("study", key.study) != key.study:
        return f"votes of another study ({str(sheet.get('study'))[:40]}), expected {key.study}"
    if not isinstance(sheet.get("rater"), str) or not sheet["rater"].strip():
        return "no rater is named"
    if not isinstance(sheet.get("votes"), list):
        return "no list of votes"
    if sheet["rater"].startswith(JUDGE_PREFIX):
        return ""
    slot = sheet.get("slot")
    known = isinstance(slot, int) and not isinstance(slot, bool) and 0 <= slot < len(key.slots)
    return "" if known else f"slot {slot!r} of {len(key.slots)} in the study"


def _wrong_ballot(ballot: Any, key: Key, slot: int | None) -> str:
    """Why a vote cannot count, "" where it can."""
    if not isinstance(ballot, dict) or not isinstance(ballot.get("trial"), str):
        return "a vote without a trial"
    if ballot["trial"] not in key.trials:
        return "the study has no such trial"
    if slot is not None and ballot["trial"] not in key.slots[slot]:
        return f"the trial is not one of slot {slot}"
    answers = ballot.get("answers")
    if not isinstance(answers, dict) or not answers:
        return "no answers"
    return ""


def _counted(rater: str, found: Sequence[tuple[dict[str, Any], str, int]], key: Key, odd: list[Odd]) -> Iterator[Vote]:
    """The votes of a rater on one trial, the last ones where there are several."""
    ordered = sorted(found, key=lambda one: _moment(one[0].get("at")) or 0.0)
    for ballot, source, slot in ordered[:-1]:
        same = ballot["answers"] == ordered[-1][0]["answers"]
        why = "cast twice with the same answers, counted once" if same else "cast again later with other answers, the last ones count"
        odd.append(_odd(source, rater, slot, ballot["trial"], reason=why))
    ballot, source, slot = ordered[-1]
    seconds, at = _seconds(ballot.get("seconds")), ballot.get("at")
    strange = [f"seconds are {ballot.get('seconds')!r}"] * (seconds is None) + [f"time is {at!r}"] * (_moment(at) is None)
    if strange and not rater.startswith(JUDGE_PREFIX):
        odd.append(_odd(source, rater, slot, ballot["trial"], reason="; ".join(strange)[:200], counted=True))
    known = {"seconds": seconds, "at": at if isinstance(at, str) else "", "watched": _watched(ballot.get("watched"), seconds, key)}
    for question, answer in ballot["answers"].items():
        reason = _wrong_answer(question, answer, key)
        if reason:
            odd.append(_odd(source, rater, slot, ballot["trial"], reason=reason))
        else:
            yield _vote(rater, slot, key.trials[ballot["trial"]], question, answer, key, known)
    lacking = [name for name in key.questions if name not in ballot["answers"]]
    if lacking and not rater.startswith(JUDGE_PREFIX):
        odd.append(_odd(source, rater, slot, ballot["trial"], reason=f"no answer to {', '.join(lacking)}", counted=True))


def _wrong_answer(question: Any, answer: Any, key: Key) -> str:
    if question not in key.questions:
        return f"the study has no question {str(question)[:40]!r}"
    return "" if answer in ANSWERS else f"{question}: answer {str(answer)[:40]!r}, expected one of {', '.join(ANSWERS)}"


def _vote(rater: str, slot: int, trial: Trial, question: str, answer: str, key: Key, known: Mapping[str, Any]) -> Vote:
    first, second = key.pair(trial)
    toward_left = {"left": 1, "same": 0, "right": -1}[answer]
    value = toward_left if trial.left == first else -toward_left
    return Vote(rater=rater, slot=slot, trial=trial, question=question, answer=answer, first=first, second=second, value=value, **known)


def _seconds(value: Any) -> float | None:
    """Seconds spent, None where no clock can have said so."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) and 0 <= value <= _LONGEST_S else None


def _moment(at: Any) -> float | None:
    """A time stamp in seconds, None where it is none, or lies before 2020 or ahead of now by more than a day."""
    try:
        moment = datetime.fromisoformat(at.replace("Z", "+00:00"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (AttributeError, ValueError):
        return None
    now = datetime.now(timezone.utc).timestamp()
    return moment.timestamp() if datetime(2020, 1, 1, tzinfo=timezone.utc).timestamp() < moment.timestamp() < now + 86400 else None


def _watched(watched: Any, seconds: float | None, key: Key) -> bool:
    """Whether both clips can have been seen to their end."""
    ends = isinstance(watched, (list, tuple)) and len(watched) == 2 and all(isinstance(one, (int, float)) and one >= 1 for one in watched)
    return (ends or watched is None) and not (seconds is not None and key.clip_s is not None and seconds < key.clip_s)


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
