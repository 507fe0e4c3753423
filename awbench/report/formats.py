"""A report as text: csv and json carry every row, markdown and LaTeX print the table a README or a paper shows.

In: a `Comparison` (or plain records). Out: a string. The printed tables say n where it is not the whole suite, and what
failed; LaTeX uses booktabs. Everything a suite or a run brings is escaped.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from awbench.report.answers import answer_notes
from awbench.report.comparison import Comparison
from awbench.report.groups import KINDS, cell_tag
from awbench.report.metric_facts import MetricFacts
from awbench.report.standing import order_told, standing_notes, standings
from awbench.report.systems import cost_notes
from awbench.report.table import BEST, MARKS_NOTE, SECOND, Row, difference_rows, mean_rows, report_rows
from awbench.statistics import CONFIDENCE
from awbench.verdicts import tells_apart
from models.artifacts import to_json

FIELDS = ("system", "metric", "tag", "baseline", "mean", "low", "high", "n", "failed")
CSV_FIELDS = (*FIELDS, "standing", "ranks")
DAGGER_NOTE = "the metric also filtered this system's training pairs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one text format prints: escaping, emphasis and the frame of a table (title, header, body, notes)."""

    escape: Callable[[str], str]
    bold: str
    underline: str
    interval: str
    dagger: str
    up: str
    down: str
    frame: Callable[[str, Sequence[str], Sequence[Sequence[str]], Sequence[str]], str]


def as_json(comparison: Comparison, baseline: str | None = None) -> str:
    """The contract's list of rows."""
    return to_json([row.record() for row in report_rows(comparison, baseline)])


def as_csv(comparison: Comparison, baseline: str | None = None) -> str:
    """The same rows as csv, with the system's standing and whether the metric ranks here; null is an empty field."""
    kinds = {standing.system: standing.kind for standing in standings(comparison)}
    told = {metric.name: {"ranks": comparison.is_ranked(metric.name)} for metric in comparison.metrics}
    rows = report_rows(comparison, baseline)
    return records_as_csv([row.record() | {"standing": kinds[row.system]} | told[row.metric] for row in rows], CSV_FIELDS)


def as_markdown(comparison: Comparison, baseline: str | None = None) -> str:
    return _document(MARKDOWN, comparison, baseline)


def as_latex(comparison: Comparison, baseline: str | None = None) -> str:
    """Tables for a document that loads booktabs."""
    return "% needs \\usepackage{booktabs}\n" + _document(LATEX, comparison, baseline)


def records_as_csv(records: Sequence[dict[str, Any]], fields: Sequence[str]) -> str:
    """Null is an empty field. A text that a spreadsheet would take for a formula gets an apostrophe in front, numbers stay as they are."""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _csv_value(value) for key, value in record.items()} for record in records)
    return sink.getvalue()


def _csv_value(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def records_as_table(
    dialect: Dialect, title: str, records: Sequence[dict[str, Any]], fields: Sequence[str], notes: Sequence[str] = ()
) -> str:
    """Plain records as a printed table."""
    body = [[dialect.escape(_plain(record[field])) for field in fields] for record in records]
    return dialect.frame(dialect.escape(title), [dialect.escape(field) for field in fields], body, [dialect.escape(note) for note in notes])


def _plain(value: object) -> str:
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def number(value: float | None, *, sign: bool = False) -> str:
    """Three decimals below 10, two from there on; an en dash where there is no value."""
    if value is None:
        return "–"
    digits = 2 if abs(value) >= 10 else 3
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("+-")


def row_number(value: float | None, row: Row, metric: MetricFacts) -> str:
    """A mean or a bound of `row`: signed in a difference; a share in percent, and differences of shares in percentage points."""
    is_difference = row.baseline is not None
    if value is None or not metric.is_share:
        return number(value, sign=is_difference)
    percent = round(100 * value, 1) + 0.0  # no minus zero
    text = f"{percent:+.1f} pp" if is_difference else f"{percent:.1f} %"
    return text.replace("-", "−")


def interval(row: Row, metric: MetricFacts) -> str:
    """`[low, high]`, or why there is none."""
    found = row.estimate
    return "no interval" if found.low is None else f"[{row_number(found.low, row, metric)}, {row_number(found.high, row, metric)}]"


def coverage(row: Row, cases: int) -> str:
    """What a reader must know of the cases behind a mean: n where it is not all, then what failed or is missing."""
    parts = [f"n={row.estimate.n}"] if row.estimate.n != cases else []
    parts += [f"{count} {word}" for count, word in ((row.failed, "failed"), (row.missing, "missing")) if count]
    return ", ".join(parts)


def _document(dialect: Dialect, comparison: Comparison, baseline: str | None) -> str:
    rows = mean_rows(comparison)
    suite, grid = comparison.suite, comparison.grid
    raster = f"{grid.width}x{grid.height} px, {grid.num_frames} frames, {grid.fps:g} fps"
    title = f"{suite.name} v{suite.version}: {len(comparison.cases)} cases, {raster}"
    notes = [comparison.unseen] if comparison.unseen else []
    notes += [_interval_note(comparison), f"Systems: {order_note(comparison)}.", MARKS_NOTE, *standing_notes(comparison)]
    notes += [*answer_notes(comparison), *cost_notes(comparison), *(note for note in comparison.notes if note != comparison.unseen)]
    tables = [_wide(dialect, comparison, rows, title, None, notes)]
    if baseline is not None:
        rows = difference_rows(comparison, baseline)
        tables.append(_wide(dialect, comparison, rows, f"Paired difference to {baseline}, case by case", None, []))
    of_what = "mean" if baseline is None else f"paired difference to {baseline}"
    for driver in KINDS:
        for reference in KINDS:
            tag = cell_tag(driver, reference)
            if tag in comparison.groups:
                tables.append(_wide(dialect, comparison, rows, f"{driver} driver, {reference} reference: {of_what}", tag, []))
    return "\n".join(tables)


def _interval_note(comparison: Comparison) -> str:
    return f"Mean [{interval_method(comparison)}]; n={len(comparison.cases)} unless stated."


def order_note(comparison: Comparison) -> str:
    """What gives the order of systems, where anything does."""
    if comparison.unseen:
        return "no order: nobody is ranked"
    return order_told(comparison) if tells_apart(comparison) else "no order: no two systems can be told apart"


def interval_method(comparison: Comparison) -> str:
    """How the intervals were made, and of what."""
    drivers, references = (len(set(side.values())) for side in (comparison.drivers, comparison.references))
    who = f"{drivers} driver{'s' * (drivers != 1)} and {references} reference{'s' * (references != 1)}"
    return f"{CONFIDENCE:.0%} interval by two-way cluster-robust variance over {who}, Student's t"


def _wide(dialect: Dialect, comparison: Comparison, rows: Sequence[Row], title: str, tag: str | None, notes: Sequence[str]) -> str:
    """One row per system, one column per metric."""
    shown = {(row.system, row.metric): row for row in rows if row.tag == tag}
    systems = [comparison.system(name) for name in dict.fromkeys(name for name, _ in shown)]
    cases = len(comparison.groups[tag])
    header = ["system"] + [dialect.escape(metric.name) + _arrow(dialect, metric) for metric in comparison.shown]
    body, flagged = [], False
    for system in systems:
        cells = [_cell(dialect, shown[system.name, metric.name], metric, cases) for metric in comparison.shown]
        marks = [dialect.dagger * (metric.name in system.filters) for metric in comparison.shown]
        flagged = flagged or any(marks)
        body.append([dialect.escape(system.name)] + [cell + mark for cell, mark in zip(cells, marks)])
    footnotes = [dialect.escape(note) for note in notes] + [f"{dialect.dagger} {dialect.escape(DAGGER_NOTE)}"] * flagged
    return dialect.frame(dialect.escape(f"{title} (n={cases})" if tag else title), header, body, footnotes)


def _arrow(dialect: Dialect, metric: MetricFacts) -> str:
    return "" if metric.informative else f" {dialect.up if metric.higher_is_better else dialect.down}"


def _cell(dialect: Dialect, row: Row, metric: MetricFacts, cases: int) -> str:
    mean = dialect.escape(row_number(row.estimate.mean, row, metric))
    emphasis = {BEST: dialect.bold, SECOND: dialect.underline}.get(row.mark, "{}")
    parts = [emphasis.replace("{}", mean)]
    parts += [dialect.interval.replace("{}", dialect.escape(interval(row, metric)))] if row.estimate.n else []
    covered = coverage(row, cases)
    return " ".join(parts + ([dialect.interval.replace("{}", dialect.escape(f"({covered})"))] if covered else []))


def _escape_markdown(text: str) -> str:
    flat = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_|~\[\]])", r"\\\1", flat)


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in re.sub(r"\s+", " ", text))


def _markdown_frame(title: str, header: Sequence[str], body: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    lines = [f"**{title}**", "", f"| {' | '.join(header)} |", "|" + " --- |" * len(header)]
    lines += [f"| {' | '.join(row)} |" for row in body]
    return "\n".join(lines + [f"\n{note}" for note in notes]) + "\n"


def _latex_frame(title: str, header: Sequence[str], body: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    caption = " ".join(f"{text.rstrip('.')}." for text in [title, *notes])
    rows = [" & ".join(row) + r" \\" for row in body]
    top = [r"\begin{table}", r"\centering", f"\\caption{{{caption}}}", f"\\begin{{tabular}}{{l{'c' * (len(header) - 1)}}}", r"\toprule"]
    head = [" & ".join(header) + r" \\", r"\midrule"]
    return "\n".join([*top, *head, *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


MARKDOWN = Dialect(
    escape=_escape_markdown, bold="**{}**", underline="<u>{}</u>", interval="{}", dagger="†", up="↑", down="↓", frame=_markdown_frame
)
LATEX = Dialect(
    escape=_escape_latex,
    bold=r"\textbf{{}}",
    underline=r"\underline{{}}",
    interval=r"{\scriptsize {}}",
    dagger=r"$^\dagger$",
    up=r"$\uparrow$",
    down=r"$\downarrow$",
    frame=_latex_frame,
)
