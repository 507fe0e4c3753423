"""The `compare` verb: who beats whom in one sentence per pair of systems, or why nothing can say it, and one table that fits a terminal.

In: scored runs of one suite. Out: text; for machines one JSON file with the standings and every finding behind the sentences:
`{suite, cases, systems: [{system, kind, reason, answered, cases, mean_rank, decided, completeness}], verdicts: [{first, second, sentence,
findings}], notes}`.
"""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from awbench.report.answers import answer_notes
from awbench.report.comparison import Comparison
from awbench.report.comparison import compare as lay_side_by_side
from awbench.report.formats import coverage, order_note, row_number
from awbench.report.groups import ALL_CASES
from awbench.report.metric_facts import MetricFacts
from awbench.report.standing import DECIDES, Standing, decided_by_truth, standing_notes, standings
from awbench.report.table import BEST, SECOND, Row, mean_rows
from awbench.runs import Run
from awbench.verdicts import Verdict, tells_apart, untold_standings, verdicts
from models.artifacts import write_json
from models.types import require

if TYPE_CHECKING:
    from rich.table import Table

_NO_END = 10_000
"""Characters in a line of a file or pipe."""
_STYLES = {BEST: "bold", SECOND: "underline"}


def compare(paths: Sequence[str | Path], baseline: str | None = None, json: Path | None = None) -> None:
    """Print the sentences, what a reader must know, and the table. Raises ValueError for runs that do not fit together."""
    from rich.console import Console

    folders = [Path(path) for path in paths]
    require(len(folders) > 1, "compare", "runs", len(folders), "two or more run folders")
    comparison = lay_side_by_side([Run.open(folder) for folder in folders], folders)
    said = verdicts(comparison, baseline)
    if json is not None:
        write_json(json, record(comparison, said))
    told = {*standing_notes(comparison)} - {*untold_standings(comparison, said)}  # a sentence has said it already
    first = [comparison.unseen] if comparison.unseen else [verdict.sentence for verdict in said]
    for line in (*first, *(note for note in notes(comparison) if note not in {*first, *told})):
        print(line)
    console = Console()
    print(f"\n{title(comparison)}")
    for block in tables(comparison, console.width if console.is_terminal or "COLUMNS" in os.environ else _NO_END):
        Console(width=natural_width(block)).print(block)


def record(comparison: Comparison, said: Sequence[Verdict]) -> dict[str, Any]:
    """What machines read."""
    return {
        "suite": {"name": comparison.suite.name, "version": comparison.suite.version},
        "cases": len(comparison.cases),
        "systems": [asdict(standing) for standing in standings(comparison)],
        "verdicts": [verdict.record() for verdict in said],
        "notes": notes(comparison),
    }


def notes(comparison: Comparison) -> list[str]:
    """What a reader must know: that nobody is ranked, who else is not and why, what was done to answers, which metrics do not rank."""
    unseen = [comparison.unseen] if comparison.unseen else []
    rest = [note for note in comparison.notes if note not in unseen]
    return [*unseen, *standing_notes(comparison), *answer_notes(comparison), *rest]


def title(comparison: Comparison) -> str:
    """What the table shows, and in which order."""
    return f"{comparison.suite.name}: means over {len(comparison.cases)} cases; {order_note(comparison)}"


def tables(comparison: Comparison, width: int) -> list[Table]:
    """Metrics down, systems across in the order of their standings, in as many blocks as `width` characters ask for: no name is cut.

    Bold is best, underlined second, as in a report.
    """
    columns = _columns(comparison)
    systems = [standing.system for standing in standings(comparison)]
    blocks: list[list[str]] = [[]]
    for system in systems:
        wider = [*blocks[-1], system]
        if blocks[-1] and natural_width(_table(columns, wider)) > width:
            blocks.append([system])
        else:
            blocks[-1] = wider
    return [_table(columns, block) for block in blocks]


def natural_width(block: Table) -> int:
    """Characters that the table takes where nothing is cut or folded."""
    from rich.console import Console

    console = Console(width=_NO_END)
    return console.measure(block).maximum


def _columns(comparison: Comparison) -> dict[str, list[Any]]:
    """The cells of every system by its name, and under "" what stands before them."""
    placed, order = standings(comparison), _order_row(comparison)
    columns: dict[str, list[Any]] = {"": ["standing", *order, *(_title(comparison, metric) for metric in comparison.shown)]}
    rows = {(row.metric, row.system): row for row in mean_rows(replace(comparison, groups={ALL_CASES: comparison.cases}))}
    for standing in placed:
        cells = [_cell(comparison, rows[metric.name, standing.system]) for metric in comparison.shown]
        columns[standing.system] = [standing.kind, *[_place(standing)] * len(order), *cells]
    return columns


def _order_row(comparison: Comparison) -> list[str]:
    """The title of the row that gives the order; none where nothing does, or where the ssim shown does."""
    if not tells_apart(comparison):
        return []
    if not decided_by_truth(comparison):
        return ["mean rank"]
    return [f"{DECIDES} × answered"] * any(standing.order_note for standing in standings(comparison))


def _place(standing: Standing) -> str:
    """What the order is by."""
    if standing.decided is not None:
        return f"{standing.decided:.3f}"
    return "–" if standing.mean_rank is None else f"{standing.mean_rank:.1f}"


def _table(columns: Mapping[str, list[Any]], systems: Sequence[str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    found = Table(box=SIMPLE_HEAD)
    for name in ("", *systems):
        found.add_column(Text(name), no_wrap=True)
    for cells in zip(*(columns[name] for name in ("", *systems))):
        found.add_row(*cells)
    return found


def _title(comparison: Comparison, metric: MetricFacts) -> str:
    if not comparison.may_rank(metric.name):
        return f"{metric.title} (ranks nobody)"
    arrow = f"{metric.title} {'↑' if metric.higher_is_better else '↓'}"
    return f"{arrow} (not alone)" if comparison.unseen else arrow


def _cell(comparison: Comparison, row: Row) -> Any:
    from rich.text import Text

    covered = coverage(row, len(comparison.cases))
    mean = row_number(row.estimate.mean, row, comparison.metric(row.metric))
    return Text.assemble((mean, _STYLES.get(row.mark, "")), f" ({covered})" if covered else "")
