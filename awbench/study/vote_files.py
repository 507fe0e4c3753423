"""Where votes lie: json files that the page exported, folders of them, and the database of `study serve`, all read as sheets of votes.

In: paths. Out: (file name, sheet) of each, the sheet being what the page exports ({"format", "study", "rater", "slot", "votes": [...]}) or
whatever else a file holds: nothing is checked here but that it can be read. A sheet from the database says besides how many of its votes
replaced an earlier one ("corrected").
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

from awbench.study.key import KEY_FILE, SITE
from models.types import require

VOTES_FORMAT = "actorforge-votes-1"
DATABASES = (".db", ".sqlite", ".sqlite3")
_WAL = "; the file NAME-wal beside it may hold the votes, copy it too"
NOBODY = "a folder without votes files (*.json) or serve's database"
MOST_BYTES = 16 << 20
"""Of a json file: fifty times what a rater of a thousand pairs sends."""


def read_sheets(paths: Sequence[Path], odd: Callable[[str, str], None]) -> Iterator[tuple[str, Any]]:
    """All that the paths hold, folders in order of names; `odd` hears of (file name, reason) of what cannot be read.

    Raises ValueError for a path that is not there.
    """
    for path in paths:
        require(path.exists(), "votes", "path", f"{path.name}, which is not there", "a votes file, a folder of them, or serve's database")
        files = _inside(path) if path.is_dir() else [path]
        if not files:
            odd(path.name, NOBODY)
        for file in files:
            try:
                yield from [(file.name, sheet) for sheet in (_stored(file) if file.suffix.lower() in DATABASES else [_exported(file)])]
            except (ValueError, OSError, RecursionError, sqlite3.Error) as error:
                odd(file.name, f"cannot be read: {error}{_WAL * str(error).startswith('no such table')}")


def _inside(folder: Path) -> list[Path]:
    """Votes below `folder`; the key, the published site and a report's study.json are none."""
    found = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in (".json", *DATABASES) and file.is_file()]
    return [file for file in found if file.name not in (KEY_FILE, "study.json") and file.relative_to(folder).parts[0] != SITE]


def _exported(file: Path) -> Any:
    size = file.stat().st_size
    require(size <= MOST_BYTES, f"votes {file.name}", "size", f"{size} bytes", f"at most {MOST_BYTES}, the votes of one rater")
    return json.loads(file.read_bytes())  # as bytes: with a mark of their order, or as UTF-16, as some editors save


def _stored(file: Path) -> list[dict[str, Any]]:
    """Rows of `study serve` as sheets, one of each rater and slot. Raises ValueError, sqlite3.Error for another database."""
    sheets: dict[tuple[Any, Any, Any], dict[str, Any]] = {}
    connection = sqlite3.connect(f"file:{file.resolve().as_posix()}?mode=ro", uri=True)
    try:
        connection.row_factory = sqlite3.Row
        for row in map(dict, connection.execute("SELECT * FROM votes ORDER BY received, trial")):
            ballot = {name: row[name] for name in ("trial", "seconds", "at")}
            ballot |= {"answers": json.loads(row["answers_json"]), "watched": json.loads(row["watched_json"] or "null")}
            known = {"format": VOTES_FORMAT, "rater": row["rater"], "slot": row["slot"], "corrected": 0, "votes": []}
            whose = row.get("study"), row["rater"], row["slot"]
            sheets.setdefault(whose, known | ({} if whose[0] is None else {"study": whose[0]}))["votes"].append(ballot)
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'revisions'").fetchone():
            for *whose, count in connection.execute("SELECT study, rater, slot, count(*) FROM revisions GROUP BY study, rater, slot"):
                if tuple(whose) in sheets:
                    sheets[tuple(whose)]["corrected"] = count
    except (KeyError, TypeError) as error:
        raise ValueError(f"no database of `study serve`: {type(error).__name__}: {error}") from error
    finally:
        connection.close()
    return list(sheets.values())
