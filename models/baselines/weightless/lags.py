"""Declared lags of recorded answers: the moment of the driver that an answer's first frame shows, as of a service that cuts a second off.

lags.csv in the folder of answers      case,offset_s
                                       dance_girl,1.0

Semicolons will do, as some spreadsheets write them.
"""

from __future__ import annotations

import csv
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Mapping

from models.types import require

LAGS_FILE = "lags.csv"
_COLUMNS = ("case", "offset_s")
_MAX_BYTES, MAX_OFFSET_S = 1 << 24, 3600.0


def read_lags(folder: Path) -> Mapping[str, float]:
    """Case, in small letters -> seconds; empty where the folder has no such file. Raises ValueError naming the line."""
    file = folder / LAGS_FILE
    if not file.is_file():
        return MappingProxyType({})
    size = file.stat().st_size
    require(size <= _MAX_BYTES, LAGS_FILE, "size", f"{size} bytes", f"at most {_MAX_BYTES}")
    lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    semicolons = bool(lines) and ";" in lines[0] and "," not in lines[0]
    rows = csv.DictReader(lines, delimiter=";" if semicolons else ",")
    columns = tuple((name or "").strip() for name in rows.fieldnames or ())
    require(set(_COLUMNS) <= set(columns), LAGS_FILE, "columns", ", ".join(columns)[:80] or "none", " and ".join(_COLUMNS))
    rows.fieldnames = list(columns)
    lags: dict[str, float] = {}
    for row in rows:
        item = f"{LAGS_FILE} line {rows.line_num}"
        case = (row["case"] or "").strip().casefold()
        require(bool(case) and case not in lags, item, "case", repr(row["case"])[:60], "a case, once")
        lags[case] = checked_offset(row["offset_s"], item)
    return MappingProxyType(lags)


def checked_offset(value: object, item: str) -> float:
    """Seconds. Raises ValueError naming `item` for what is no number within an hour."""
    try:
        offset_s = float(value)
    except (TypeError, ValueError):
        offset_s = float("nan")
    require(
        isfinite(offset_s) and abs(offset_s) <= MAX_OFFSET_S, item, "offset_s", repr(value)[:40], f"seconds, at most {MAX_OFFSET_S:.0f}"
    )
    return offset_s
