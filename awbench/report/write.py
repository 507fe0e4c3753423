"""The `report` and `preview` verbs: run folders or one dataset folder in, one file out.

The file appears whole or not at all, after the media beside it. Wrong use raises ValueError before anything is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Sequence

from awbench.report import formats
from awbench.report.comparison import Comparison, compare
from awbench.report.dataset import DatasetReport, check_yields, open_dataset, open_preview, reason_counts, yield_records
from awbench.report.figures import histogram_svg
from awbench.report.html import flattened, render_page, write_comparison
from awbench.report.inputs import NAMED, input_groups, why_nothing
from awbench.report.media import media_of
from awbench.report.pairs import card_choices, clock_of, evenly, kept_aside, pair_cards, switch_of
from awbench.runs import Run
from awbench.study.join import joined
from awbench.study.tables import as_latex, as_markdown
from models.artifacts import to_json
from models.shards import is_dataset
from models.storage import write_bytes
from models.types import require

TEXT: dict[str, Callable[[Comparison, str | None], str]] = {
    "csv": formats.as_csv,
    "json": formats.as_json,
    "latex": formats.as_latex,
    "markdown": formats.as_markdown,
}
FORMATS = ("html", *TEXT)
SHOWN_ROWS = 60
MAIL_MIB = 25
STUDY_ADVICE = "its rows have other fields: run `actorforge study report`"
_YIELD_FIELDS = ("step", "tried", "passed", "share")


def write_report(
    paths: Sequence[str | Path],
    out: str | Path,
    format: str = "html",
    baseline: str | None = None,
    *,
    single_file: bool = False,
    study: str | Path | None = None,
) -> Path:
    """Report on runs of one suite, or on one dataset; returns the file written. `single_file`: the page holds its media itself.
    `study`: a folder of `study make` with votes in it, or votes in such a folder: what people preferred gets a section.

    Raises ValueError when the folders do not fit together, are not scored, or the baseline is unknown.
    """
    folders, out = [Path(path) for path in paths], Path(out)
    require(format in FORMATS, "report", "format", repr(format), f"one of {', '.join(FORMATS)}")
    require(format == "html" or not single_file, "report", "single-file", f"format {format}", "format html", "texts are one file anyway")
    require(len(folders) > 0, "report", "paths", "none", "run folders or one dataset folder")
    known = {".csv": "csv", ".json": "json", ".tex": "latex", ".md": "markdown", ".html": "html", ".pdf": "no format of these"}
    meant = known.get(out.suffix.lower(), format)
    require(meant == format, "report", "out", out.name, f"a name that fits format {format}", f"give --format {meant}, or another name")
    require(not out.is_dir(), "report", "out", f"the folder {out}", "a file name such as report.html")
    datasets = [folder for folder in folders if is_dataset(str(folder))]
    require(study is None or format not in ("csv", "json"), "report", "study", f"format {format}", "html, markdown or latex", STUDY_ADVICE)
    require(study is None or not datasets, "report", "study", "a dataset", "runs")
    if not datasets:
        return _write_runs(folders, out, format, baseline, single_file, study)
    require(
        len(folders) == 1, "report", "paths", f"{len(folders)} folders with the dataset {datasets[0]}", "one dataset alone, or runs only"
    )
    require(baseline is None, "report", "baseline", repr(baseline), "none for a dataset")
    return _write_dataset(open_dataset(folders[0]), out, format, single_file)


def write_preview(dataset: str | Path, page: Path, *, single_file: bool = False) -> Path:
    """The page of a dataset, finished or in the making; returns the file written. Raises ValueError where there is no dataset."""
    return _write_dataset_page(open_preview(dataset), page, single_file)


def size_warning(page: Path) -> str:
    """What to know before mailing `page`, "" where it is small enough."""
    size_mib = page.stat().st_size / 2**20
    advice = "report fewer cases, or without --single-file"
    return f"{page} has {size_mib:.0f} MiB, more than the {MAIL_MIB} that most mail servers take: {advice}" if size_mib > MAIL_MIB else ""


def _write_runs(folders: Sequence[Path], out: Path, format: str, baseline: str | None, single_file: bool, study: str | Path | None) -> Path:
    comparison = compare([Run.open(folder) for folder in folders], folders)
    if baseline is not None:
        comparison.system(baseline)  # a wrong name is said before the work
    voted = None if study is None else joined(study, comparison)
    if format == "html":
        return write_comparison(comparison, out, baseline, single_file=single_file, study=voted)
    tables = {"markdown": as_markdown, "latex": as_latex}
    text = TEXT[format](comparison, baseline) + ("" if voted is None else "\n" + tables[format](voted, public=True))
    write_bytes(out, text.encode())
    return out


def _write_dataset(report: DatasetReport, out: Path, format: str, single_file: bool) -> Path:
    if format == "html":
        return _write_dataset_page(report, out, single_file)
    records = yield_records(report)
    title = f"Yields of {report.name}"
    text = {
        "csv": lambda: formats.records_as_csv(records, _YIELD_FIELDS),
        "json": lambda: to_json(records),
        "markdown": lambda: formats.records_as_table(formats.MARKDOWN, title, records, _YIELD_FIELDS, why_nothing(report)),
        "latex": lambda: formats.records_as_table(formats.LATEX, title, records, _YIELD_FIELDS, why_nothing(report)),
    }
    write_bytes(out, text[format]().encode())
    return out


def _write_dataset_page(report: DatasetReport, page: Path, single_file: bool) -> Path:
    media = media_of(page, inline=single_file)
    cards = pair_cards(report, media)
    checks = check_yields(report)
    drawings = [histogram_svg(found.values, found.passed, found.threshold, f"values of {found.check}") for found in checks]
    context = {
        "name": report.name,
        "making": report.making,
        "counts": {status: len(report.with_status(status)) for status in ("kept", "rejected", "failed")},
        "pairs": len(report.pairs),
        "teachers": sorted({attempt.teacher for attempt in report.pairs if attempt.teacher}),
        "yields": yield_records(report),
        "checks": list(zip(checks, drawings)),
        "reasons": reason_counts(report),
        "turned_down": evenly([*report.with_status("rejected"), *report.with_status("failed")], SHOWN_ROWS),
        "inputs": input_groups(report),
        "named": NAMED,
        "given_up": len(report.unreadable),
        "why_nothing": why_nothing(report),
        "switch": switch_of(cards),
        "cards": cards,
        "choices": card_choices(cards),
        "kept_aside": len(kept_aside(report)),
        "clock": clock_of(report),
        "provenance": [("plan.json" if report.making else "run.json", list(flattened(report.config)))] if report.config else [],
    }
    return render_page("dataset.html.j2", page, context, media)
