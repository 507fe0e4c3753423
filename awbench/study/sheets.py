"""The tables of a study's report as plain cells, so that page and texts say the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from awbench.preference import MIN_RATERS, Preference
from awbench.statistics import CONFIDENCE, MIN_CLUSTERS
from awbench.study.analysis import AHEAD, BEHIND, Lead, StudyReport, percent

_HEADER = ("question", "pair", "G / S / B", "lead", "(G+S)/(B+S)", "p", "p adjusted", "cases", "raters", "said")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table to print: `name` for links, `notes` below it. Cells are text as shown."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


MOST_ODD = 500
"""Rows of what was odd that a table shows."""
PRIVATE = ("raters", "odd", "all")
"""Tables that name raters or need them: for those who run the study, not for its readers."""


def sheets(report: StudyReport, *, public: bool = False) -> list[Sheet]:
    """All tables of a report in the order of reading; empty ones are left out but the first. `public`: those that name no rater."""
    made = [
        _leads("preference", f"Preference, {_counted(report)}", report.leads, LEAD_NOTES),
        _rankings(report),
        _leads("judges", "Models' pairwise votes, the same table", report.judge_leads, JUDGE_NOTES, of=True),
        _likenesses(report),
        _leads("tags", f"By tag, on {report.key.questions[0]}", _large(report.tag_leads), TAG_NOTES, tag=True),
        _agreements(report),
        _sides(report),
        _raters(report),
        _leads("all", "Without any exclusion", report.all_leads, ALL_NOTES),
        _odd(report),
    ]
    return [sheet for place, sheet in enumerate(made) if (sheet.rows or not place) and not (public and sheet.name in PRIVATE)]


LEAD_NOTES = (
    "G, S, B: votes for the first system, for neither, for the second. Lead = (G − B) / (G + S + B) in points, with its "
    f"{CONFIDENCE:.0%} interval by two-way cluster-robust variance over cases and raters.",
    "p: exact sign test over cases, each case one sign; adjusted after Holm over the pairs of systems, question by question: "
    "the first is what the study is about, the others tell why.",
    f"Ahead or behind: the interval is off 0, the adjusted p below 5 %, at least {MIN_CLUSTERS} cases and {MIN_RATERS} raters.",
)
ALL_NOTES = ("Every vote that can be read, of excluded raters and on clips not watched too. No verdict is drawn from it.",)
TAG_NOTES = (f"For looking: not adjusted, no verdict is drawn from it. Tags of fewer than {MIN_CLUSTERS} cases stand in csv and json.",)
JUDGE_NOTES = ("A model is one rater: its interval speaks of other cases, not of other models. `judge` asks no question overall.",)


def _large(leads: Sequence[Lead]) -> list[Lead]:
    return [lead for lead in leads if lead.found.cases >= MIN_CLUSTERS]


def _counted(report: StudyReport) -> str:
    raters = len(report.raters) - len(report.excluded)
    return f"{raters} of {len(report.raters)} raters counted, {report.cases} cases"


def _leads(name: str, title: str, leads: Sequence[Lead], notes: Sequence[str], *, of: bool = False, tag: bool = False) -> Sheet:
    extra = ("judge",) * of + ("tag",) * tag
    verdict = any(lead.outcome for lead in leads)
    header = (*extra, *(_HEADER if verdict else (column for column in _HEADER if column not in ("p adjusted", "said"))))
    rows = tuple((*((lead.of,) * of + (lead.tag,) * tag), *_lead_cells(lead, verdict)) for lead in leads)
    return Sheet(name=name, title=title, header=header, rows=rows, notes=tuple(notes))


def _lead_cells(lead: Lead, verdict: bool) -> tuple[str, ...]:
    found = lead.found
    tests = (_p(found.p_sign) if found.votes else "–", *((_p(lead.p_adjusted), _said(lead)) if verdict else ()))
    counts = f"{found.good} / {found.same} / {found.bad}"
    shown = (lead.question, f"{lead.first} vs {lead.second}", counts, lead_text(found), _ratio(found))
    return (
        (*shown, *tests[:-1], str(found.cases), str(found.raters), tests[-1])
        if verdict
        else (*shown, *tests, str(found.cases), str(found.raters))
    )


def _said(lead: Lead) -> str:
    return {AHEAD: f"{lead.first} ahead", BEHIND: f"{lead.second} ahead"}.get(
        lead.outcome, "cannot tell" if lead.found.votes else "no votes"
    )


def lead_text(found: Preference) -> str:
    """A lead with its interval, in points."""
    if found.lead.mean is None:
        return "–"
    span = "no interval" if found.lead.low is None else f"{percent(found.lead.low)}, {percent(found.lead.high)}"
    return f"{percent(found.lead.mean)} [{span}]"


def _ratio(found: Preference) -> str:
    if found.ratio is None:
        return "–"
    span = "" if found.ratio_low is None else f" [{found.ratio_low:.2f}, {found.ratio_high:.2f}]"
    return f"{found.ratio:.2f}{span}"


def _p(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _rankings(report: StudyReport) -> Sheet:
    rows = tuple(
        (
            ranking.question,
            str(one.rank),
            _span(one.rank_low, one.rank_high),
            one.system,
            _signed(one.strength, one.low, one.high),
            str(one.votes),
        )
        for ranking in report.rankings
        for one in ranking.places
    )
    notes = (
        "Strength: Bradley-Terry log-odds against the mean of the systems, a tie half a win for each, one tie more between every two. "
        f"Intervals and rank ranges: {CONFIDENCE:.0%} of resamples of cases and raters.",
    )
    header = ("question", "rank", "rank range", "system", "strength", "votes")
    return Sheet(name="ranks", title="Ranks", header=header, rows=rows, notes=notes)


def _span(low: int | None, high: int | None) -> str:
    if low is None:
        return "–"
    return str(low) if low == high else f"{low}–{high}"


def _signed(value: float, low: float | None, high: float | None) -> str:
    span = "" if low is None else f" [{low:+.2f}, {high:+.2f}]"
    return f"{value:+.2f}{span}".replace("-", "−")


def _likenesses(report: StudyReport) -> Sheet:
    rows = []
    for one in report.likenesses:
        found = one.agreed
        span = f" [{100 * found.low:.0f}, {100 * found.high:.0f}]" if found.low is not None else ""
        agreed = "–" if found.mean is None else f"{100 * found.mean:.0f} %{span}"
        rows.append((one.judge, one.question, agreed, str(found.n), _share(one.decided), str(one.decided_n), _share(one.people)))
    header = (
        "judge",
        "question",
        "says what most people say",
        "pairs",
        "same winner where both decide",
        "of pairs",
        "a person with the others",
    )
    notes = ("Chance is about a third of pairs for the first, half for the second; the last column is the most to be asked for.",)
    return Sheet(name="likeness", title="Models beside people", header=header, rows=tuple(rows), notes=notes)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _agreements(report: StudyReport) -> Sheet:
    rows = tuple(
        (question, one.scale, "–" if one.alpha is None else _signed(one.alpha, one.low, one.high), str(one.units), str(one.raters))
        for question, one in report.agreements
        if one.units
    )
    notes = (
        "1: all say the same; 0: no more than chance. Raw: votes as cast, ordinal; rater-normalised: each rater's own mean and spread "
        "taken off, interval scale.",
    )
    header = ("question", "votes", "alpha", "pairs with two votes", "raters")
    return Sheet(name="agreement", title="Do raters agree? Krippendorff's alpha", header=header, rows=rows, notes=notes)


def _sides(report: StudyReport) -> Sheet:
    rows = tuple((one.question, str(one.left), str(one.right), _p(one.p)) for one in report.sides if one.left + one.right)
    notes = ("Decided votes for what stood left and right; exact binomial test that no side is favoured, over all counted raters.",)
    return Sheet(name="sides", title="Is a side favoured?", header=("question", "left", "right", "p"), rows=rows, notes=notes)


def _raters(report: StudyReport) -> Sheet:
    header = (
        "rater",
        "pairs",
        "attention",
        "repeats alike",
        "left / same / right",
        "not watched",
        "median s",
        "p side",
        "p random",
        "excluded",
    )
    rows = tuple(
        (
            one.name,
            f"{one.trials} of {one.due}",
            f"{one.attention_right} of {one.attention}",
            f"{one.consistent} of {one.repeats}",
            f"{one.left} / {one.same} / {one.right}",
            str(one.unwatched),
            "–" if one.median_s is None else f"{one.median_s:.0f}",
            _p(one.p_side),
            _p(one.p_random),
            "; ".join(one.why) or "no",
        )
        for one in report.raters
    )
    note = f"{report.unwatched} vote{'s' * (report.unwatched != 1)} of counted raters left out: clips not watched to the end."
    return Sheet(name="raters", title="Raters", header=header, rows=rows, notes=(note,) * bool(report.unwatched))


def _odd(report: StudyReport) -> Sheet:
    rows = tuple(
        (
            one.source or "–",
            one.rater or "–",
            "–" if one.slot is None else str(one.slot),
            one.trial or "–",
            one.reason,
            "yes" if one.counted else "no",
        )
        for one in report.odd[:MOST_ODD]
    )
    more = len(report.odd) - len(rows)
    notes = (f"{more} more stand in json.",) * (more > 0)
    header = ("file", "rater", "slot", "trial", "what", "counted")
    return Sheet(name="odd", title="Odd votes and files", header=header, rows=rows, notes=notes)
