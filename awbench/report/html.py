"""The page of a comparison: one static html file that needs nothing but the media folder beside it.

In: a `Comparison` and the name of the page. Out: the page, written last. The template escapes everything; style and script are
part of the page, so it opens from a disk, a mail or a web server alike.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from awbench.report.comparison import Comparison
from awbench.report.figures import interval_svg, scale_of
from awbench.report.formats import DAGGER_NOTE, coverage, interval, resampling, row_number
from awbench.report.gallery import case_cards
from awbench.report.groups import KINDS, cell_tag
from awbench.report.media import MediaFolder
from awbench.report.metric_facts import MetricFacts
from awbench.report.table import MARKS_NOTE, Row, difference_rows, failure_counts, mean_rows
from awbench.statistics import MIN_CLUSTERS
from models.artifacts import write_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCell:
    """One cell as printed. `alarm`: something failed or is missing; `sort`: the number to sort by, None last;
    `lower_first`: lower is better."""

    mean: str
    interval: str
    coverage: str
    drawing: Markup
    alarm: bool = False
    mark: str = ""
    dagger: bool = False
    sort: float | None = None
    lower_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableGroup:
    """The rows of one selection (a tag, a metric): (row name, cells). `count`: cases behind it."""

    key: str
    label: str
    count: int
    rows: tuple[tuple[str, tuple[TableCell, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table whose body is chosen by a selector. `header`: column titles; `choice`: what is chosen."""

    id: str
    header: tuple[str, ...]
    choice: str
    groups: tuple[TableGroup, ...]


def write_comparison(comparison: Comparison, page: Path, baseline: str | None = None) -> Path:
    """Write `page` and its media folder. Raises ValueError for an unknown baseline before anything is written."""
    differences = difference_rows(comparison, baseline) if baseline is not None else []
    means = mean_rows(comparison)
    media = MediaFolder(page=page)
    cards = case_cards(comparison, media)
    context = {
        **_facts(comparison),
        "baseline": baseline,
        "means": wide_table("means", comparison, means),
        "differences": wide_table("differences", comparison, differences) if baseline is not None else None,
        "quadrants": quadrant_table("quadrants", comparison, means),
        "quadrant_differences": quadrant_table("quadrant-differences", comparison, differences) if baseline is not None else None,
        "failures": failure_counts(comparison),
        "cards": cards,
        "sorts": [metric.name for metric in comparison.shown],
        "filters": [tag for tag in comparison.groups if tag is not None],
        "clock": {"frames": comparison.grid.num_frames, "fps": comparison.grid.fps},
        "provenance": [(system.name, list(flattened(system.run.config))) for system in comparison.systems],
    }
    return render_page("comparison.html.j2", page, context)


def render_page(template: str, page: Path, context: Mapping[str, Any]) -> Path:
    """Render a template of this package to `page`, whole or not at all."""
    write_bytes(page, environment().get_template(template).render(**context).encode("utf-8", "replace"))
    return page


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Templates that escape everything they print and refuse unknown names."""
    found = Environment(
        loader=PackageLoader("awbench.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    folder = files("awbench.report") / "templates"
    found.globals["style"] = Markup((folder / "report.css").read_text(encoding="utf-8"))
    found.globals["script"] = Markup((folder / "report.js").read_text(encoding="utf-8"))
    return found


def wide_table(name: str, comparison: Comparison, rows: Sequence[Row]) -> Table:
    """Systems down, metrics across, one group per tag."""
    scales = {metric.name: _scale(metric, rows) for metric in comparison.shown}
    by_tag: dict[str | None, list[Row]] = {}
    for row in rows:
        by_tag.setdefault(row.tag, []).append(row)
    groups = []
    for tag, cases in comparison.groups.items():
        found = {(row.system, row.metric): row for row in by_tag.get(tag, ())}
        systems = dict.fromkeys(system for system, _ in found)
        lines = [(s, tuple(_cell(comparison, found[s, m.name], len(cases), scales[m.name]) for m in comparison.shown)) for s in systems]
        groups.append(TableGroup(key=tag or "", label=tag or "all cases", count=len(cases), rows=tuple(lines)))
    return Table(id=name, header=tuple(_title(metric) for metric in comparison.shown), choice="Cases", groups=tuple(groups))


def quadrant_table(name: str, comparison: Comparison, rows: Sequence[Row]) -> Table | None:
    """Driver kind x reference kind: systems down, the four cells across, one group per metric; None where tags do not say."""
    tags = {f"{driver} → {reference}": cell_tag(driver, reference) for driver in KINDS for reference in KINDS}
    tags = {title: tag for title, tag in tags.items() if tag in comparison.groups}
    if not tags or not rows:
        return None
    header = tuple(f"{title} ({len(comparison.groups[tag])})" for title, tag in tags.items())
    found = {(row.system, row.metric, row.tag): row for row in rows}
    systems = dict.fromkeys(row.system for row in rows)
    groups = []
    for metric in comparison.shown:
        scale = _scale(metric, rows)
        lines = [
            (s, tuple(_cell(comparison, found[s, metric.name, tag], len(comparison.groups[tag]), scale) for tag in tags.values()))
            for s in systems
        ]
        count = sum(len(comparison.groups[tag]) for tag in tags.values())
        groups.append(TableGroup(key=metric.name, label=_title(metric), count=count, rows=tuple(lines)))
    return Table(id=name, header=header, choice="Metric", groups=tuple(groups))


def flattened(config: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """`(path, value)` of every leaf of a run's settings, sorted by path."""
    if isinstance(config, Mapping) and config:
        for key in sorted(config, key=str):
            yield from flattened(config[key], f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, config if isinstance(config, str) else json.dumps(config, ensure_ascii=False, default=str)


def _facts(comparison: Comparison) -> dict[str, Any]:
    suite, grid, names = comparison.suite, comparison.grid, {metric.name for metric in comparison.shown}
    return {
        "suite": suite,
        "grid": grid,
        "systems": comparison.systems,
        "metrics": comparison.metrics,
        "statistics": resampling(comparison),
        "notes": comparison.notes,
        "marks_note": MARKS_NOTE,
        "min_clusters": MIN_CLUSTERS,
        "dagger_note": DAGGER_NOTE if any(names & system.filters for system in comparison.systems) else "",
    }


def _title(metric: MetricFacts) -> str:
    return f"{metric.name.replace('_', ' ')} {'↑' if metric.higher_is_better else '↓'}"


def _scale(metric: MetricFacts, rows: Sequence[Row]) -> tuple[float, float]:
    own = [row for row in rows if row.metric == metric.name]
    values = [value for row in own for value in (row.estimate.mean, row.estimate.low, row.estimate.high)]
    return scale_of(values, metric.span, include_zero=any(row.baseline is not None for row in own))


def _cell(comparison: Comparison, row: Row, cases: int, scale: tuple[float, float]) -> TableCell:
    found, is_difference, metric = row.estimate, row.baseline is not None, comparison.metric(row.metric)
    clear = "clear" if is_difference and found.clear and comparison.is_ranked(row.metric) else ""
    return TableCell(
        mean=row_number(found.mean, row, metric),
        interval=interval(row, metric) if found.n else "",
        coverage=coverage(row, cases),
        alarm=row.failed + row.missing > 0,
        drawing=interval_svg(found.mean, found.low, found.high, scale, zero=is_difference),
        mark=row.mark or clear,
        dagger=row.metric in comparison.system(row.system).filters,
        sort=found.mean,
        lower_first=not metric.higher_is_better,
    )
