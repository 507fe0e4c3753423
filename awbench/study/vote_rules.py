"""What a sheet of votes, and a vote in it, may say: every rule gives the reason why not, "" where nothing is wrong.

Sheets come from people's browsers, editors and scripts: any field may be missing, of another type, huge, or nested as deep as JSON may be.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from awbench.study.key import Key
from awbench.study.vote_files import VOTES_FORMAT

ANSWERS = ("left", "same", "right")
MOST_NAME = 100
JUDGE_PREFIX = "judge:"
"""A rater whose name starts so is a model: its votes stand beside the people's, never among them."""
_LONGEST_S = 24 * 3600.0
_MOST_TIMES, _MOST_ANSWERS = 10, 100
"""Votes on each trial of a slot, answers in a vote: more than any page sends."""


def shown(value: Any) -> str:
    """A value from anywhere as part of a reason; of what nests, only what it is."""
    return repr(value)[:60] if isinstance(value, str | int | float | None) else type(value).__name__


def is_name(value: Any) -> bool:
    """Whether a rater may be called so."""
    return isinstance(value, str) and 0 < len(value) <= MOST_NAME and value == value.strip() and value.isprintable()


def wrong_sheet(sheet: Any, key: Key) -> str:
    """Why no vote of a sheet can count."""
    if not isinstance(sheet, dict) or sheet.get("format") != VOTES_FORMAT:
        return f"no votes file: expected format {VOTES_FORMAT}"
    if sheet.get("study", key.study) != key.study:
        return f"votes of another study ({shown(sheet.get('study'))}), expected {key.study}"
    rater, slot, skipped = sheet.get("rater"), sheet.get("slot"), sheet.get("skipped") or {}
    if not isinstance(rater, str) or not is_name(rater.strip()):
        return f"no rater is named: got {shown(rater)}, expected 1-{MOST_NAME} printable characters"
    if not isinstance(sheet.get("votes"), list) or not isinstance(skipped, dict):
        return "no list of votes"
    is_judge = rater.strip().startswith(JUDGE_PREFIX)
    known = isinstance(slot, int) and not isinstance(slot, bool) and 0 <= slot < len(key.slots)
    if not is_judge and not known:
        return f"slot {shown(slot)} of {len(key.slots)} in the study"
    most = _MOST_TIMES * len(key.trials if is_judge else key.slots[slot])
    return f"{len(sheet['votes'])} votes, expected at most {most}" if max(len(sheet["votes"]), len(skipped)) > most else ""


def wrong_ballot(ballot: Any, key: Key, slot: int | None) -> str:
    """Why a vote cannot count, "" where it can."""
    if not isinstance(ballot, dict) or not isinstance(ballot.get("trial"), str):
        return "a vote without a trial"
    if ballot["trial"] not in key.trials:
        return "the study has no such trial"
    if slot is not None and ballot["trial"] not in key.slots[slot]:
        return f"the trial is not one of slot {slot}"
    answers = ballot.get("answers")
    if not isinstance(answers, dict) or not 0 < len(answers) <= _MOST_ANSWERS:
        return "no answers"
    return ""


def wrong_answer(question: str, answer: str, key: Key) -> str:
    """Why an answer cannot count."""
    if question not in key.questions:
        return f"the study has no question {shown(question)}"
    return "" if answer in ANSWERS else f"{question}: answer {shown(answer)}, expected one of {', '.join(ANSWERS)}"


def seconds_of(value: Any) -> float | None:
    """Seconds spent, None where no clock can have said so."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= _LONGEST_S else None  # of no NaN is this true


def moment_of(at: Any) -> float | None:
    """A time stamp in seconds, None where it is none, or lies before 2020 or ahead of now by more than a day."""
    try:
        moment = datetime.fromisoformat(at.encode("ascii").decode().replace("Z", "+00:00"))  # any character may stand between day and hour
        moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (AttributeError, ValueError, OverflowError):
        return None
    now = datetime.now(timezone.utc).timestamp()
    return moment.timestamp() if datetime(2020, 1, 1, tzinfo=timezone.utc).timestamp() < moment.timestamp() < now + 86400 else None


def watched_to_the_end(watched: Any, seconds: float | None, key: Key) -> bool:
    """Whether both clips can have been seen to their end."""
    ends = isinstance(watched, (list, tuple)) and len(watched) == 2 and all(isinstance(one, (int, float)) and one >= 1 for one in watched)
    return (ends or watched is None) and not (seconds is not None and key.clip_s is not None and seconds < key.clip_s)
