"""Tables of a page as plain texts, ready to print: cells with their drawings, the leading table, and tables with a choice.

In: a `Comparison` and its rows. Out: `LeadTable` and `Table`s. Of a table with a choice the page prints the first body; the others go
into the page's data as short lists (`table_data`), and the script prints what is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from markupsafe import Markup

from awbench.report.columns import Column, columns
from awbench.report.comparison import Comparison
from awbench.report.figures import interval_svg, marks_on, scale_of
from awbench.report.formats import coverage, interval, row_number
from awbench.report.groups import ALL_CASES, KINDS, cell_tag
from awbench.report.metric_facts import MetricFacts
from awbench.report.standing import RANKED, Standing, standings
from awbench.report.table import Row
from awbench.report.tags import tag_choices
from awbench.verdicts import tells_apart

WORST = "worst"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCell:
    """One cell as printed. `alarm`: something failed or is missing; `sort`: the number to sort by, None last; `lower_first`: lower is
    better; `mark`: best | second | better | worse | level | worst (nothing can be worse) | blind | alone (both of its column) | "";
    `places`: low, mean, high and, in a difference, 0 on a drawing 100 wide."""

    mean: str
    interval: str
    coverage: str
    drawing: Markup
    alarm: bool = False
    mark: str = ""
    dagger: bool = False
    sort: float | None = None
    lower_first: bool = False
    places: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableGroup:
    """The rows of one selection (a tag, a metric): (row name, cells). `count`: cases behind it."""

    key: str
    label: str
    count: int
    rows: tuple[tuple[str, tuple[TableCell, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table whose body is chosen by a selector. `header`: (title, hint, mark) of each column; `choice`: what is chosen."""

    id: str
    header: tuple[tuple[str, str, str], ...]
    choice: str
    groups: tuple[TableGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRow:
    """`place`: from "1" among the ranked, "=" where none of them can be told apart, an en dash for who is not ranked; `note`: why it is not
    ranked, or where its place comes from."""

    place: str
    standing: Standing
    cells: tuple[TableCell, ...]

    @property
    def note(self) -> str:
        """What stands under the name; the bounds that were looked at are left to its title."""
        return self.standing.order_note if self.standing.kind == RANKED else self.standing.reason.partition(" (")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTable:
    """The first table: systems down in their order, the leading metrics across."""

    columns: tuple[Column, ...]
    rows: tuple[LeadRow, ...]


def lead_table(comparison: Comparison, chosen: Sequence[Column], rows: Sequence[Row]) -> LeadTable:
    """The means of the leading metrics over all cases."""
    found = {(row.system, row.metric): row for row in rows if row.tag is None}
    scales = {column.metric.name: _scale(column.metric, list(found.values())) for column in chosen}
    lines, place, told = [], 0, tells_apart(comparison)
    for standing in standings(comparison):
        place += standing.kind == RANKED
        cells = [
            _cell(comparison, found[standing.system, column.metric.name], len(comparison.cases), scales[column.metric.name], column)
            for column in chosen
        ]
        number = str(place) if told else "="
        lines.append(LeadRow(place=number if standing.kind == RANKED else "–", standing=standing, cells=tuple(cells)))
    return LeadTable(columns=tuple(chosen), rows=tuple(lines))


def wide_table(name: str, comparison: Comparison, rows: Sequence[Row]) -> Table:
    """Systems down, all metrics across, one group for all cases and one for each tag to choose by."""
    shown = columns(comparison)
    scales = {column.metric.name: _scale(column.metric, rows) for column in shown}
    by_tag: dict[str | None, list[Row]] = {}
    for row in rows:
        by_tag.setdefault(row.tag, []).append(row)
    groups = []
    chosen = [ALL_CASES, *(choice.tag for choices in tag_choices(comparison).values() for choice in choices)]
    for tag in chosen:
        cases = comparison.groups[tag]
        found = {(row.system, row.metric): row for row in by_tag.get(tag, ())}
        lines = []
        for system in dict.fromkeys(system for system, _ in found):
            own = [(found[system, column.metric.name], scales[column.metric.name], column) for column in shown]
            lines.append((system, tuple(_cell(comparison, row, len(cases), scale, column) for row, scale, column in own)))
        groups.append(TableGroup(key=tag or "", label=tag or "all cases", count=len(cases), rows=tuple(lines)))
    header = tuple((column.title, column.hint, column.look) for column in shown)
    return Table(id=name, header=header, choice="Cases", groups=tuple(groups))


def quadrant_table(name: str, comparison: Comparison, rows: Sequence[Row]) -> Table | None:
    """Driver kind x reference kind: systems down, the four cells across, one group per metric; None where tags do not say."""
    tags = {f"{driver} → {reference}": cell_tag(driver, reference) for driver in KINDS for reference in KINDS}
    tags = {title: tag for title, tag in tags.items() if tag in comparison.groups}
    if not tags or not rows:
        return None
    header = tuple((f"{title} ({len(comparison.groups[tag])})", "", "") for title, tag in tags.items())
    found = {(row.system, row.metric, row.tag): row for row in rows}
    systems = dict.fromkeys(row.system for row in rows)
    count = sum(len(comparison.groups[tag]) for tag in tags.values())
    groups = []
    for column in columns(comparison):
        scale, metric = _scale(column.metric, rows), column.metric.name
        lines = [
            (s, tuple(_cell(comparison, found[s, metric, tag], len(comparison.groups[tag]), scale, column) for tag in tags.values()))
            for s in systems
        ]
        groups.append(TableGroup(key=metric, label=column.title, count=count, rows=tuple(lines)))
    return Table(id=name, header=header, choice="Metric", groups=tuple(groups))


def table_data(table: Table) -> dict[str, Any]:
    """The bodies of a table for the script: key -> rows of [name, cells], a cell as
    [mean, interval, coverage, classes, low, place, high, zero]."""
    return {group.key: [[name, [_cell_data(cell) for cell in cells]] for name, cells in group.rows] for group in table.groups}


def _cell_data(cell: TableCell) -> list[Any]:
    flags = ((cell.mark, cell.mark), ("dagger", cell.dagger), ("alarm", cell.alarm), ("lower", cell.lower_first))
    classes = " ".join(name for name, on in flags if on)
    places = [_whole(place) for place in cell.places]
    return [cell.mean, cell.interval, cell.coverage, classes, *(places if places[-1] is not None else places[:-1])]


def _whole(place: float | None) -> int | None:
    return None if place is None else round(place)


def _scale(metric: MetricFacts, rows: Sequence[Row]) -> tuple[float, float]:
    own = [row for row in rows if row.metric == metric.name]
    values = [value for row in own for value in (row.estimate.mean, row.estimate.low, row.estimate.high)]
    return scale_of(values, metric.span, include_zero=any(row.baseline is not None for row in own))


def _cell(comparison: Comparison, row: Row, cases: int, scale: tuple[float, float], column: Column) -> TableCell:
    found, is_difference, metric = row.estimate, row.baseline is not None, column.metric
    mark = column.look or (row.verdict if is_difference else row.mark or (WORST if _is_worst(row, metric) else ""))
    return TableCell(
        mean=row_number(found.mean, row, metric),
        interval=interval(row, metric) if found.n else "",
        coverage=coverage(row, cases),
        alarm=row.failed + row.missing > 0,
        drawing=interval_svg(found.mean, found.low, found.high, scale, zero=is_difference),
        mark=mark,
        dagger=row.metric in comparison.system(row.system).filters,
        sort=found.mean,
        lower_first=not metric.higher_is_better,
        places=marks_on(found.mean, found.low, found.high, scale, zero=is_difference),
    )


def _is_worst(row: Row, metric: MetricFacts) -> bool:
    """Whether nothing can be worse."""
    return row.estimate.mean is not None and metric.worst is not None and abs(row.estimate.mean - metric.worst) <= metric.margin
