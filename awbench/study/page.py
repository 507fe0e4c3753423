"""What the templates print of a study: on a page of its own, or as a section of a comparison, where no rater is named."""

from __future__ import annotations

from typing import Any, Collection

from awbench.report.figures import interval_svg
from awbench.study.analysis import StudyReport, sentences
from awbench.study.sheets import sheets


def study_page(report: StudyReport, *, public: bool = False) -> dict[str, Any]:
    """All of it; `public`: without what names a rater."""
    return {
        "id": report.key.study,
        "systems": report.key.systems,
        "sentences": sentences(report),
        "sheets": sheets(report, public=public),
        "drawings": [interval_svg(one.found.lead.mean, one.found.lead.low, one.found.lead.high, (-1.0, 1.0), True) for one in report.leads],
        "raters": len(report.raters),
        "excluded": len(report.excluded),
        "cases": report.cases,
        "votes": report.votes,
    }


def study_section(report: StudyReport, compared: Collection[str]) -> dict[str, Any]:
    """The part of a comparison of the systems `compared`: without the raters' names, with why some were excluded, and with what only one of
    study and comparison has.
    """
    page = study_page(report, public=True)
    why = sorted(reason.split(" (")[0] for rater in report.excluded for reason in rater.why[:1])
    told = f"{page['raters']} raters voted on pairs of {', '.join(page['systems'])} on {page['cases']} cases, blind and in random order; "
    told += f"{page['excluded']} excluded" + (f": {'; '.join(why)}." if why else ".")
    strange, unasked = [sorted(set(report.key.systems) - set(compared)), sorted(set(compared) - set(report.key.systems))]
    told += f" Not compared here: {', '.join(strange)}." if strange else ""
    told += f" Nobody was asked about {', '.join(unasked)}." if unasked else ""
    return page | {"told": told}
