"""Numbers that papers print of their own benchmarks, as reported: never measured here, never beside what was measured.

The data is published.json: title, source, columns, rows of texts as printed. Limit: other clips, judges and prompts than any run's, and
than each other's: one system's imaging quality is 4.05 in one paper and 3.80 in another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

NOTE = (
    "Reported by papers on clips, with judges and prompts of their own: not measured here, and comparable neither with this page nor with "
    "each other (one system's imaging quality is 4.05 in one and 3.80 in another)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A table as a paper prints it; a row is the system's name and its numbers as texts."""

    title: str
    source: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=1)
def published() -> tuple[Published, ...]:
    """The tables, in the file's order."""
    records = json.loads((files("awbench.report") / "published.json").read_text(encoding="utf-8"))
    return tuple(_table(record) for record in records)


def _table(record: dict) -> Published:
    rows = tuple(tuple(row) for row in record["rows"])
    return Published(title=record["title"], source=record["source"], columns=tuple(record["columns"]), rows=rows)
