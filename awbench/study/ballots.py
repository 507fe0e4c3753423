"""Sheets of votes as the page sends them, checked against the key, and the database that keeps them.

A sheet: {"study", "rater", "slot", "votes": [{"trial", "answers", "seconds", "watched", "at", "correction"?}]}; it is taken whole or not at
all. The table `votes` has one row of each rater and trial: what counts. Another content for a row that is there is refused unless the vote
says `correction`; what it replaces moves to `revisions`. The same content again changes nothing, so a sheet whose receipt got lost can be
sent again. What `Ballots.take` has returned from has been committed with synchronous=FULL: it survives the process and the machine.

Many threads may call `take`; one writer commits what waits in one transaction, so that a hundred raters do not wait for a hundred discs.
"""

from __future__ import annotations

import json
import math
import queue
import sqlite3
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Mapping, Sequence

from awbench.study.votes import ANSWERS, JUDGE_PREFIX

MOST_VOTES, MOST_NAME, MOST_WATCHED, MOST_S = 1000, 100, 10_000, 7 * 86400.0
_COLUMNS = "study, rater, slot, trial, answers_json, seconds, watched_json, at, received"
_ROW = "study TEXT NOT NULL, rater TEXT NOT NULL, slot INTEGER NOT NULL, trial TEXT NOT NULL, answers_json TEXT NOT NULL, "
_ROW += "seconds REAL NOT NULL, watched_json TEXT NOT NULL, at TEXT NOT NULL, received TEXT NOT NULL"
_TABLES = f"""
CREATE TABLE IF NOT EXISTS votes ({_ROW}, PRIMARY KEY (rater, trial));
CREATE TABLE IF NOT EXISTS revisions ({_ROW});
"""


class Refused(ValueError):
    """A sheet that is not taken. `status`: 400 for what can never be, 409 for another content of a vote that is there."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a study allows: its id, questions, and the trials of each slot."""

    study: str
    questions: frozenset[str]
    slots: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, study: Mapping[str, Any]) -> Rules:
        """From study.json."""
        slots = tuple(frozenset(trial["trial"] for trial in slot) for slot in study["slots"])
        return cls(study=study["study"], questions=frozenset(question["id"] for question in study["questions"]), slots=slots)


Row = tuple[str, str, int, str, str, float, str, str]
"""What a vote says: `_COLUMNS` without `received`."""


def rows_of(sheet: Any, rules: Rules) -> list[tuple[Row, bool]]:
    """(row, whether it says that it corrects another) of each vote. Raises Refused."""
    _need(isinstance(sheet, dict), "expected an object")
    _need(sheet.get("study") == rules.study, "study: another one, or none")
    rater, slot, votes = sheet.get("rater"), sheet.get("slot"), sheet.get("votes")
    named = isinstance(rater, str) and 0 < len(rater) <= MOST_NAME and rater == rater.strip() and rater.isprintable()
    _need(named and not rater.startswith(JUDGE_PREFIX), f"rater: expected 1-{MOST_NAME} printable characters")
    _need(_whole(slot, len(rules.slots) - 1), f"slot: expected 0 to {len(rules.slots) - 1}")
    _need(isinstance(votes, list) and 0 < len(votes) <= MOST_VOTES, f"votes: expected 1 to {MOST_VOTES}")
    rows = [_row(vote, rater, slot, rules) for vote in votes]
    _need(len({row[3] for row, _ in rows}) == len(rows), "votes: a trial twice in one sheet")
    return rows


def _row(vote: Any, rater: str, slot: int, rules: Rules) -> tuple[Row, bool]:
    _need(isinstance(vote, dict), "vote: expected an object")
    trial, answers, watched = vote.get("trial"), vote.get("answers"), vote.get("watched")
    _need(isinstance(trial, str) and trial in rules.slots[slot], f"trial: not one of slot {slot}")
    _need(isinstance(answers, dict) and set(answers) == rules.questions, f"answers: expected {', '.join(sorted(rules.questions))}")
    _need(all(isinstance(answer, str) and answer in ANSWERS for answer in answers.values()), f"answers: expected {', '.join(ANSWERS)}")
    _need(
        isinstance(watched, list) and len(watched) == 2 and all(_whole(times, MOST_WATCHED) for times in watched),
        "watched: expected two counts",
    )
    seconds, correction = vote.get("seconds"), vote.get("correction", False)
    timed = isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds) and 0 <= seconds <= MOST_S
    _need(timed, "seconds: expected a number from 0 on")
    _need(isinstance(correction, bool), "correction: expected true or false")
    _need(_is_moment(vote.get("at")), "at: expected a moment such as 2026-01-31T12:00:00Z")
    words = (json.dumps(answers, sort_keys=True), float(seconds), json.dumps(watched), vote["at"])
    return (rules.study, rater, slot, trial, *words), correction


def _need(ok: bool, reason: str) -> None:
    if not ok:
        raise Refused(reason)


def _whole(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_moment(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) <= 40 and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


class Ballots:
    """The database of one study. Raises ValueError where another study's votes lie in the file."""

    def __init__(self, path: Path, rules: Rules) -> None:
        self.rules, self._queue = rules, queue.SimpleQueue[tuple[list[tuple[Row, bool]], Future[None]] | None]()
        self._closed = False
        self._data = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._data.execute("PRAGMA journal_mode=WAL")
        self._data.execute("PRAGMA synchronous=FULL")
        self._data.executescript(_TABLES)
        strange = self._data.execute("SELECT study FROM votes WHERE study != ? LIMIT 1", (rules.study,)).fetchone()
        if strange:
            raise ValueError(f"votes {path.name}: got votes of study {strange[0]}, expected {rules.study}; move that file away")
        self._writer = threading.Thread(target=self._write, name="ballots", daemon=True)
        self._writer.start()

    def take(self, sheet: Any) -> list[str]:
        """Keep a sheet; returns its trials once they are on disc. Raises Refused."""
        rows, done = rows_of(sheet, self.rules), Future[None]()
        if self._closed:
            raise RuntimeError("the database is closed")
        self._queue.put((rows, done))
        done.result(timeout=60)
        return [row[3] for row, _ in rows]

    def count(self) -> int:
        return int(self._data.execute("SELECT count(*) FROM votes").fetchone()[0])

    def close(self) -> None:
        self._closed = True
        self._queue.put(None)
        self._writer.join()
        self._data.close()

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            waiting = [first]
            while len(waiting) < 100 and not self._queue.empty():
                waiting.append(self._queue.get())
            self._commit([each for each in waiting if each])
            if None in waiting:
                return

    def _commit(self, waiting: Sequence[tuple[list[tuple[Row, bool]], Future[None]]]) -> None:
        told: list[tuple[Future[None], Exception | None]] = []
        try:
            self._data.execute("BEGIN IMMEDIATE")
            for rows, done in waiting:
                told.append((done, self._put(rows)))
            self._data.execute("COMMIT")
        except sqlite3.Error as error:  # a full disc: nothing of it is there, and nobody is told that it is
            if self._data.in_transaction:
                self._data.execute("ROLLBACK")
            told = [(done, error) for _, done in waiting]
        for done, error in told:
            done.set_exception(error) if error else done.set_result(None)

    def _put(self, rows: Sequence[tuple[Row, bool]]) -> Refused | None:
        """All of a sheet, or nothing and why."""
        new, replaced = [], []
        for row, correction in rows:
            query = f"SELECT {_COLUMNS} FROM votes WHERE rater = ? AND trial = ?"
            before = self._data.execute(query, (row[1], row[3])).fetchone()
            if before and before[:-1] == row:
                continue
            if before and not correction:
                return Refused(f"trial {row[3]}: voted on with another content; say correction to replace it", 409)
            replaced += [before] if before else []
            new.append(row)
        received, marks = datetime.now(timezone.utc).isoformat(), ", ".join("?" * 9)
        self._data.executemany(f"INSERT INTO revisions ({_COLUMNS}) VALUES ({marks})", replaced)
        self._data.executemany(f"INSERT OR REPLACE INTO votes ({_COLUMNS}) VALUES ({marks})", [(*row, received) for row in new])
        return None
