"""Sheets of votes as the page sends them, checked against the key, and the database that keeps them.

A sheet: {"study", "rater", "slot", "votes": [{"trial", "answers", "seconds", "watched", "at", "correction"?}]}; it is taken whole or not at
all. The table `votes` has one row of each rater and trial: what counts. Another content for a row that is there is refused unless the vote
says `correction` and comes from the browser that sent what is there, which a cookie tells; what it replaces moves to `revisions`, which the
report counts. The same content again changes nothing, so a sheet whose receipt got lost can be sent again. What `Ballots.take` has returned
from has been committed with synchronous=FULL: it survives the process and the machine.

Many threads may call `take`; one writer commits what waits in one transaction, so that a hundred raters do not wait for a hundred discs.
"""

from __future__ import annotations

import json
import queue
import re
import sqlite3
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Sequence

from awbench.study.key import Key
from awbench.study.vote_rules import ANSWERS, JUDGE_PREFIX, MOST_NAME, is_name
from models.types import require

MOST_VOTES, MOST_WATCHED, MOST_S = 1000, 10_000, 7 * 86400.0
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_COLUMNS = "study, rater, slot, trial, answers_json, seconds, watched_json, at, sender, received"
_ROW = "study TEXT NOT NULL, rater TEXT NOT NULL, slot INTEGER NOT NULL, trial TEXT NOT NULL, answers_json TEXT NOT NULL, "
_ROW += "seconds REAL NOT NULL, watched_json TEXT NOT NULL, at TEXT NOT NULL, sender TEXT NOT NULL, received TEXT NOT NULL"
_TABLES = f"""
CREATE TABLE IF NOT EXISTS votes ({_ROW}, PRIMARY KEY (rater, trial));
CREATE TABLE IF NOT EXISTS revisions ({_ROW});
"""


class Refused(ValueError):
    """A sheet that is not taken. `status`: 400 for what can never be, 409 for another content of a vote that is there, 403 for a correction
    by another browser.
    """

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
    def of(cls, key: Key) -> Rules:
        return cls(study=key.study, questions=frozenset(key.questions), slots=tuple(map(frozenset, key.slots)))


Row = tuple[str, str, int, str, str, float, str, str]
"""What a vote says: `_COLUMNS` without `sender` and `received`."""


def rows_of(sheet: Any, rules: Rules) -> list[tuple[Row, bool]]:
    """(row, whether it says that it corrects another) of each vote. Raises Refused."""
    _need(isinstance(sheet, dict), "expected an object")
    _need(sheet.get("study") == rules.study, "study: another one, or none")
    rater, slot, votes = sheet.get("rater"), sheet.get("slot"), sheet.get("votes")
    _need(is_name(rater) and not rater.startswith(JUDGE_PREFIX), f"rater: expected 1-{MOST_NAME} printable characters")
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
    timed = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= MOST_S  # of no NaN is this true
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
        return isinstance(value, str) and bool(_MOMENT.fullmatch(value)) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


_Waiting = tuple[list[tuple[Row, bool]], str, Future[None]]
"""Rows of a sheet, its sender, who waits for it."""


class Ballots:
    """The database of one study. Raises ValueError where the file holds another study's votes, or none of ours, or cannot be opened."""

    def __init__(self, path: Path, rules: Rules) -> None:
        self.rules, self._queue = rules, queue.SimpleQueue[_Waiting | None]()
        self._closed, self._path = False, path
        try:
            self._data = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._data.execute("PRAGMA journal_mode=WAL")
            self._data.execute("PRAGMA synchronous=FULL")
            self._data.executescript(_TABLES)
            self._data.execute(f"SELECT {_COLUMNS} FROM votes LIMIT 1")
            strange = self._data.execute("SELECT study FROM votes WHERE study != ? LIMIT 1", (rules.study,)).fetchone()
        except sqlite3.Error as error:
            told = f"votes {path.name}: cannot be opened ({error}), expected votes of `study serve` that no other program holds"
            raise ValueError(f"{told}; move the file away, or end that program") from error
        require(not strange, f"votes {path.name}", "study", strange and strange[0], rules.study, "move that file away")
        self._file = path.stat().st_ino
        self._writer = threading.Thread(target=self._write, name="ballots", daemon=True)
        self._writer.start()

    def take(self, sheet: Any, sender: str = "") -> list[str]:
        """Keep a sheet; returns its trials once they are on disc. `sender`: what tells a browser from others. Raises Refused."""
        rows, done = rows_of(sheet, self.rules), Future[None]()
        if self._closed:
            raise RuntimeError("the database is closed")
        self._queue.put((rows, sender, done))
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

    def _commit(self, waiting: Sequence[_Waiting]) -> None:
        told: list[tuple[Future[None], Exception | None]] = []
        try:
            if not self._path.exists() or self._path.stat().st_ino != self._file:
                raise FileNotFoundError(f"{self._path.name} was moved away")  # else votes would go where nobody finds them
            self._data.execute("BEGIN IMMEDIATE")
            for rows, sender, done in waiting:
                told.append((done, self._put(rows, sender)))
            self._data.execute("COMMIT")
            if self._queue.empty():  # so that a copy of the one file alone has what was acknowledged
                self._data.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except Exception as error:  # noqa: BLE001  a full disc: nothing of it is there, nobody is told that it is, and the writer lives on
            with suppress(sqlite3.Error):
                self._data.rollback()
            told = [(done, error) for *_, done in waiting]
        for done, error in told:
            done.set_exception(error) if error else done.set_result(None)

    def _put(self, rows: Sequence[tuple[Row, bool]], sender: str) -> Refused | None:
        """All of a sheet, or nothing and why."""
        new, replaced = [], []
        for row, correction in rows:
            query = f"SELECT {_COLUMNS} FROM votes WHERE rater = ? AND trial = ?"
            before = self._data.execute(query, (row[1], row[3])).fetchone()
            if before and before[:-2] == row:
                continue
            if before and not correction:
                return Refused(f"trial {row[3]}: voted on with another content; say correction to replace it", 409)
            if before and (not sender or before[-2] != sender):  # of those without a cookie any may be any
                told = "another browser, or one without cookies, voted on it under this name; only that one can correct it"
                return Refused(f"trial {row[3]}: {told}", 403)
            replaced += [before] if before else []
            new.append(row)
        received, marks = datetime.now(timezone.utc).isoformat(), ", ".join("?" * 10)
        self._data.executemany(f"INSERT INTO revisions ({_COLUMNS}) VALUES ({marks})", replaced)
        self._data.executemany(f"INSERT OR REPLACE INTO votes ({_COLUMNS}) VALUES ({marks})", [(*row, sender, received) for row in new])
        return None
