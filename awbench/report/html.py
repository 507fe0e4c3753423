"""The page of a comparison: one static html file that needs nothing but the media folder beside it, or nothing at all.

In: a `Comparison`, the name of the page and where its media go. Out: the page, written last. The template escapes everything; style and
script are part of the page, so it opens from a disk, a mail or a web server alike. Table and sentences are there without the script.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from awbench.report.answers import answers_of, summary
from awbench.report.cells import lead_table, quadrant_table, wide_table
from awbench.report.columns import Column, columns, leading, leading_metric
from awbench.report.comparison import Comparison
from awbench.report.duels import win_matrix
from awbench.report.figures import radar_svg
from awbench.report.formats import DAGGER_NOTE, interval_method, order_note
from awbench.report.gallery import Known, answered_by_ranked, case_cards, opening_card, silent_systems, telling_case
from awbench.report.judge_notes import JudgeNotes, judge_notes
from awbench.report.media import InlineMedia, Media, media_of
from awbench.report.page_data import page_data
from awbench.report.profile import profile
from awbench.report.published import NOTE, published
from awbench.report.systems import suite_adaptation, system_cards
from awbench.report.table import MARKS_NOTE, difference_rows, failure_counts, mean_rows, ordered
from awbench.report.tags import tag_choices
from awbench.statistics import MIN_CLUSTERS
from awbench.study.analysis import StudyReport
from awbench.study.page import study_section
from awbench.verdicts import untold_standings, verdicts
from models.storage import write_bytes

SCRIPTS = ("tables.js", "cards.js", "clock.js", "enlarge.js")
SENTENCES = 6
"""How many sentences stand open; the others are a click away."""


def write_comparison(
    comparison: Comparison, page: Path, baseline: str | None = None, *, single_file: bool = False, study: StudyReport | None = None
) -> Path:
    """Write `page` and its media; `study`: what people preferred. Raises ValueError for an unknown baseline before anything is written."""
    differences = difference_rows(comparison, baseline) if baseline is not None else []
    media = media_of(page, inline=single_file)
    voted = None if study is None else study_section(study, [system.name for system in comparison.systems])
    context = _context(comparison, baseline, differences, media) | {"study": voted}
    return render_page("comparison.html.j2", page, context, media)


def render_page(template: str, page: Path, context: Mapping[str, Any], media: Media) -> Path:
    """Render a template of this package to `page`, whole or not at all."""
    videos = media.videos if isinstance(media, InlineMedia) else {}
    text = environment().get_template(template).render(**context, videos=videos)
    write_bytes(page, text.encode("utf-8", "replace"))
    return page


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Templates that escape everything they print and refuse unknown names."""
    found = Environment(
        loader=PackageLoader("awbench.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    folder = files("awbench.report") / "templates"
    found.globals["style"] = Markup((folder / "report.css").read_text(encoding="utf-8"))
    found.globals["script"] = Markup("\n".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS))
    return found


def flattened(config: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """`(path, value)` of every leaf of a run's settings, sorted by path."""
    if isinstance(config, Mapping) and config:
        for key in sorted(config, key=str):
            yield from flattened(config[key], f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, config if isinstance(config, str) else json.dumps(config, ensure_ascii=False, default=str)


def _context(comparison: Comparison, baseline: str | None, differences: Sequence[Any], media: Media) -> dict[str, Any]:
    found, means, said = columns(comparison), mean_rows(comparison), verdicts(comparison)
    chosen, notes = leading_metric(found), judge_notes(comparison)
    known = _known(comparison, notes)
    cards = case_cards(comparison, known, media)
    tables = _tables(comparison, baseline, means, differences)
    telling = telling_case(comparison, chosen, {card.title: card.moved for card in cards})
    opening = opening_card(cards, telling)
    return {
        **_facts(comparison, baseline),
        **tables,
        "lead": lead_table(comparison, leading(found), means),
        "columns": found,
        "chosen": chosen,
        "opening": opening,
        "clock": {"frames": comparison.grid.num_frames, "fps": comparison.grid.fps, "start": opening.moment or 0},
        "opening_is_whole": telling in answered_by_ranked(comparison),
        "silent": silent_systems(comparison),
        "sentences": said,
        "standing_notes": untold_standings(comparison, said),
        "shown_sentences": SENTENCES,
        "judges": notes,
        "wins": win_matrix(comparison, chosen, said) if chosen is not None else None,
        "radar": _radar(comparison, found),
        "summaries": [summary(system, len(comparison.cases), known[system.name].answers) for system in ordered(comparison)],
        "system_cards": system_cards(comparison),
        "suite_adaptation": suite_adaptation(comparison),
        "failures": failure_counts(comparison),
        "cards": cards,
        "filters": tag_choices(comparison),
        "data": page_data(comparison, found, list(tables.values())),
        "published": published(),
        "published_note": NOTE,
    }


def _known(comparison: Comparison, notes: JudgeNotes) -> dict[str, Known]:
    return {system.name: Known(answers=answers_of(comparison, system), said=notes.said[system.name]) for system in comparison.systems}


def _tables(comparison: Comparison, baseline: str | None, means: Sequence[Any], differences: Sequence[Any]) -> dict[str, Any]:
    return {
        "means": wide_table("means", comparison, means),
        "differences": wide_table("differences", comparison, differences) if baseline is not None else None,
        "quadrants": quadrant_table("quadrants", comparison, means),
        "quadrant_differences": quadrant_table("quadrant-differences", comparison, differences) if baseline is not None else None,
    }


def _radar(comparison: Comparison, found: Sequence[Column]) -> dict[str, Any] | None:
    drawn = profile(comparison, found)
    if drawn is None:
        return None
    drawing = radar_svg(drawn.axes, list(drawn.systems.values()), f"Profiles of {', '.join(drawn.systems)}")
    return {"drawing": drawing, "systems": list(drawn.systems), "left_out": drawn.left_out}


def _facts(comparison: Comparison, baseline: str | None) -> dict[str, Any]:
    names = {metric.name for metric in comparison.shown}
    systems = ordered(comparison)
    return {
        "suite": comparison.suite,
        "grid": comparison.grid,
        "baseline": baseline,
        "systems": systems,
        "metrics": comparison.metrics,
        "statistics": interval_method(comparison),
        "unseen": comparison.unseen,
        "notes": [note for note in comparison.notes if note != comparison.unseen],
        "order_note": order_note(comparison),
        "marks_note": MARKS_NOTE,
        "min_clusters": MIN_CLUSTERS,
        "dagger_note": DAGGER_NOTE if any(names & system.filters for system in systems) else "",
        "provenance": [(system.name, list(flattened(system.run.config))) for system in systems],
    }
