"""What was found out about files is remembered, so that a rerun looks only at what is new or has changed.

    known(entries, kind) -> {location: facts}       put([(entry, facts), ...], kind)

Facts of a file asked for as `kind` hold for a location, size and mark (etag or modification time), and for one INSPECTION_VERSION; that a
file cannot be read holds for the decoders that could not, too: another version of them looks again. The
catalog is one SQLite file in the cache folder: a killed process loses its last batch at most, several may use it at once. It is a
convenience: where it cannot be kept (a home without locks, a full disk) everything works without it, and a damaged one is begun anew;
`notes` say so. Deleting it forgets everything and breaks nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Callable, Iterable, TypeVar

from awbench.media.listing import Entry
from bootstrap.sources.facts import INSPECTION_VERSION, Facts, Unread, facts_from_json, facts_to_json
from models.artifacts import cache_folder
from models.storage import redacted
from models.versions import installed_versions

T = TypeVar("T")
_TABLE = """CREATE TABLE IF NOT EXISTS facts (
    location TEXT, kind TEXT, version TEXT, size_b INTEGER, mark TEXT, record TEXT, PRIMARY KEY (location, kind)) WITHOUT ROWID"""
_DECODERS = ("av", "opencv-python-headless", "pillow")
_WAIT_S = 20.0
"""How long another process may be writing."""


class Catalog:
    """Facts by file. `path`: the SQLite file (default: catalog.sqlite in the cache folder); `notes`: what went wrong with it."""

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = Path(path) if path is not None else cache_folder() / "catalog.sqlite"
        self._usable = True
        self.notes: list[str] = []

    def known(self, entries: Iterable[Entry], kind: str) -> dict[str, Facts]:
        """What is remembered of those entries that are as they were, by location."""
        asked = {redacted(entry.location): entry for entry in entries}
        found = self._do(lambda db: {asked[place].location: _facts(text) for place, text in _rows(db, asked, kind)}) or {}
        return {location: facts for location, facts in found.items() if facts is not None}

    def put(self, found: Iterable[tuple[Entry, Facts]], kind: str) -> None:
        """Remember what was found out, in one transaction, but for what may pass, and for files whose storage tells no mark."""
        rows = [
            (redacted(entry.location), kind, _version(facts), entry.facts.size_b, entry.facts.mark, json.dumps(facts_to_json(facts)))
            for entry, facts in found
            if entry.facts.mark and not (isinstance(facts, Unread) and facts.transient)
        ]
        self._do(lambda db: db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?)", rows) and None)

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do it in one transaction, once more in a new file where this one is damaged; nothing where it cannot be kept."""
        for _ in range(2):
            if not self._usable:
                return None
            try:
                return self._attempt(work)
            except (sqlite3.OperationalError, OSError) as error:
                self._usable = False
                self.notes.append(f"{self._path.name}: {error}: works without it, every file is looked at again the next time")
            except sqlite3.DatabaseError as error:
                self._begin_anew(error)
        return None

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as db, db:
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(_TABLE)
            return work(db)

    def _begin_anew(self, error: Exception) -> None:
        self.notes.append(f"{self._path.name}: damaged ({error}): begun anew, every file is looked at again")
        try:
            for ending in ("-journal", ""):
                aside = Path(f"{self._path}{ending}")
                if aside.exists():
                    os.replace(aside, f"{self._path}{ending}.damaged")
        except OSError:
            self._usable = False


def _rows(db: sqlite3.Connection, asked: dict[str, Entry], kind: str) -> Iterable[tuple[str, str]]:
    db.execute("CREATE TEMP TABLE asked (location TEXT, size_b INTEGER, mark TEXT)")
    rows = ((place, entry.facts.size_b, entry.facts.mark) for place, entry in asked.items())
    db.executemany("INSERT INTO asked VALUES (?, ?, ?)", rows)
    same = "facts.location = asked.location AND facts.size_b = asked.size_b AND facts.mark = asked.mark"
    query = f"SELECT facts.location, record FROM asked JOIN facts ON {same} WHERE kind = ? AND version IN (?, ?)"
    return db.execute(query, (kind, INSPECTION_VERSION, _unread_version()))


def _version(facts: Facts) -> str:
    return _unread_version() if isinstance(facts, Unread) else INSPECTION_VERSION


def _unread_version() -> str:
    return f"{INSPECTION_VERSION} {_decoders()}"


@cache
def _decoders() -> str:
    return " ".join(f"{name} {version}" for name, version in installed_versions(_DECODERS).items())


def _facts(text: str) -> Facts | None:
    """None for what nobody here wrote."""
    try:
        return facts_from_json(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
