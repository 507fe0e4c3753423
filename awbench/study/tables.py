"""A study as text: markdown and LaTeX print the tables a README or a paper shows, json carries every row, csv every lead.

In: a `StudyReport`. Out: strings.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from awbench.report.formats import LATEX, MARKDOWN, Dialect, records_as_csv
from awbench.study.analysis import StudyReport, sentences
from awbench.study.sheets import Sheet, sheets
from models.artifacts import to_json

LEAD_FIELDS = (
    *("of", "question", "tag", "first", "second", "good", "same", "bad", "votes", "cases", "raters", "lead", "low", "high"),
    *("ratio", "ratio_low", "ratio_high", "p_sign", "p_adjusted", "detectable", "outcome"),
)


def as_markdown(report: StudyReport, *, public: bool = False) -> str:
    said = "\n".join(f"- {MARKDOWN.escape(sentence)}" for sentence in sentences(report))
    return f"{said}\n\n{_document(MARKDOWN, report, public)}"


def as_latex(report: StudyReport, *, public: bool = False) -> str:
    """Tables for a document that loads booktabs."""
    return "% needs \\usepackage{booktabs}\n" + _document(LATEX, report, public)


def _document(dialect: Dialect, report: StudyReport, public: bool) -> str:
    return "\n".join(_printed(dialect, sheet) for sheet in sheets(report, public=public))


def _printed(dialect: Dialect, sheet: Sheet) -> str:
    rows = [[dialect.escape(cell) for cell in row] for row in sheet.rows]
    header, notes = [dialect.escape(cell) for cell in sheet.header], [dialect.escape(note) for note in sheet.notes]
    return dialect.frame(dialect.escape(sheet.title), header, rows, notes)


def lead_records(report: StudyReport) -> list[dict[str, Any]]:
    """Every lead of the report, the main ones first."""
    return [lead.record() for lead in (*report.leads, *report.judge_leads, *report.tag_leads, *report.all_leads)]


def as_csv(report: StudyReport) -> str:
    return records_as_csv(lead_records(report), LEAD_FIELDS)


def as_json(report: StudyReport) -> str:
    """All rows of all kinds."""
    found = {
        "study": report.key.study,
        "systems": list(report.key.systems),
        "sentences": sentences(report),
        "leads": lead_records(report),
        "ranks": [{"question": ranking.question, **asdict(one)} for ranking in report.rankings for one in ranking.places],
        "agreement": [{"question": question, **asdict(one)} for question, one in report.agreements],
        "sides": [asdict(one) for one in report.sides],
        "raters": [{**asdict(one), "excluded": one.excluded} for one in report.raters],
        "odd": [asdict(one) for one in report.odd],
        "judges": [asdict(one) for one in report.likenesses],
        "detectable_lead": dict(report.key.detectable),
    }
    return to_json(found)
