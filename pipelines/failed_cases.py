"""Why cases of a run failed: what is one cause, and the lines that `generate` prints of them."""

from __future__ import annotations

import re
from collections import defaultdict

from awbench.runs import Row, Run, recorded_rows

_HASH, _NUMBER = re.compile(r"\b[0-9a-f]{16,}\b"), re.compile(r"\d+(\.\d+)?")
_LAST_WORDS = re.compile(r"; last words: .*?(?=; log |$)")
"""What a repository said before it failed, where nothing of it speaks of an error: `models.baselines.external.runs.reason`."""


def cause_of(row: Row) -> str:
    """Why a case failed, in the same words for every case; "" where it did not. Hashes and last words that tell no cause are left out."""
    if row["status"] == "ok":
        return ""
    case = re.compile(f"(?<![A-Za-z0-9]){re.escape(row['case'])}(?![A-Za-z0-9])")
    return _LAST_WORDS.sub("", _HASH.sub("HASH", case.sub("CASE", row["reason"])))


def failures(run: Run, most: int = 5) -> list[str]:
    """What failed and why, most frequent first, one line a cause, told by its first case; numbers alone make no other cause."""
    causes: dict[str, list[Row]] = defaultdict(list)
    for row in recorded_rows(run):
        if row["status"] == "failed":
            causes[_NUMBER.sub("0", cause_of(row))].append(row)
    told = sorted(causes.values(), key=len, reverse=True)[:most]
    lines = [f"{len(rows)} failed: {rows[0]['reason']} (first: {rows[0]['case']}{_trace(run, rows[0]['case'])})" for rows in told]
    left = len(causes) - len(lines)
    mixed = run.config.get("code") and any(row["status"] == "ok" for row in recorded_rows(run))
    other = ", with another --out where it was the animator's module" if mixed else ""
    again = [f"once mended, the same command tries them anew{other}"] if lines else []
    return (
        lines + [f"and {left} more causes: column `reason` of generation.parquet, or `actorforge report` of the run"] * bool(left) + again
    )


def _trace(run: Run, case_id: str) -> str:
    """Where its traceback lies, where an animator's own code raised."""
    path = run.traceback_path(case_id)
    return f", traceback in {path.relative_to(run.path).as_posix()} of the run" if path.is_file() else ""
