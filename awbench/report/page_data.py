"""What the script of a page reads: the scores of every case and the tables that are not shown at first, as one compact JSON.

In: a `Comparison`, its columns and its tables. Out: plain values. Numbers are texts as they are printed, so that they are formatted in
one place; a reason stands once in `reasons` and is pointed to by its place.
"""

from __future__ import annotations

from typing import Any, Sequence

from awbench.report.cells import Table, table_data
from awbench.report.columns import Column
from awbench.report.comparison import Comparison, System
from awbench.report.formats import number
from awbench.report.gallery import disagreement
from awbench.report.standing import RANKED, standings
from awbench.report.table import ordered


def page_data(comparison: Comparison, found: Sequence[Column], tables: Sequence[Table | None]) -> dict[str, Any]:
    """`scores`: case -> one list per system in their order, an entry per metric: a text, or the place of a reason. `apart`: for each
    system why its numbers rank nobody, "" for those that are ranked."""
    reasons: dict[str, int] = {}
    systems = ordered(comparison)
    apart = {one.system: "" if one.kind == RANKED else one.note or one.reason or comparison.unseen for one in standings(comparison)}
    return {
        "systems": [system.name for system in systems],
        "apart": [apart[system.name] for system in systems],
        "metrics": [{"name": column.metric.name, "title": column.title, "blind": column.blind} for column in found],
        "scores": {
            case: [[_score(system, column.metric.name, case, reasons) for column in found] for system in systems]
            for case in comparison.cases
        },
        "gaps": {case: [_gap(comparison, column, case) for column in found] for case in comparison.cases},
        "tables": {table.id: table_data(table) for table in tables if table is not None},
        "reasons": list(reasons),
    }


def _score(system: System, metric: str, case: str, reasons: dict[str, int]) -> str | int:
    cell = system.cells.get(metric, {}).get(case)
    if cell is not None and cell.status == "ok":
        return number(cell.value)
    said = "not scored" if cell is None else f"{cell.status}: {cell.reason}"
    return reasons.setdefault(said, len(reasons))


def _gap(comparison: Comparison, column: Column, case: str) -> float:
    return float(f"{disagreement(comparison, column.metric, case):.4g}")
