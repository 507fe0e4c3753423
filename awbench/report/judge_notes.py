"""What the judges of some runs said, and how far they may be believed.

In: a `Comparison` of runs with a `judge` folder, or without. Out: warnings in sentences, what each judge covered, the counts of pairwise
verdicts, and the rationales by case. Rationales are those of the scores shown: another judge's or an older rubric's are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from awbench.judging.answers import read_answers
from awbench.judging.identity import filtered_by, used_judges
from awbench.judging.pairwise import Gsb, count_gsb
from awbench.judging.rubrics import PREFIX
from awbench.judging.selftest_result import selftest_warnings
from awbench.judging.work import Coverage, coverage
from awbench.report.comparison import Comparison, System


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer of a judge: `score` 1-5 as text, `why` its rationale."""

    metric: str
    score: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeNotes:
    """`warnings`: sentences, most important first; `covered`, `duels`: (system, ...) in the order of the systems;
    `said`: system -> case -> answers."""

    warnings: tuple[str, ...]
    covered: tuple[tuple[str, Coverage], ...]
    duels: tuple[tuple[str, Gsb], ...]
    said: dict[str, dict[str, list[Said]]]


def judge_notes(comparison: Comparison) -> JudgeNotes:
    """What is to be told of the judges of all systems."""
    systems = comparison.systems
    warnings = [said for system in systems for read in (selftest_warnings, filtered_by) for said in read(system.run)]
    return JudgeNotes(
        warnings=tuple(_sentence(text) for text in dict.fromkeys(warnings)),
        covered=tuple((system.name, one) for system in systems for one in coverage(system.run)),
        duels=tuple((system.name, one) for system in systems for one in _duels(system)),
        said={system.name: _rationales(comparison, system) for system in systems},
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _duels(system: System) -> list[Gsb]:
    asked = [used for used in used_judges(system.run) if used.protocol == "pairwise"]
    return [one for used in asked for rival in used.rivals for one in count_gsb(system.run, used.version, rival)]


def _rationales(comparison: Comparison, system: System) -> dict[str, list[Said]]:
    versions = {metric.name: metric.version for metric in comparison.metrics}
    found: dict[str, list[Said]] = {}
    for row in read_answers(system.run).to_dict("records"):
        if row["status"] == "ok" and row["metric_version"] == versions.get(row["metric"]) and row["case"] in comparison.cases:
            found.setdefault(row["case"], []).append(_said(row))
    return found


def _said(row: dict[str, Any]) -> Said:
    title = row["metric"].removeprefix(PREFIX).replace("_", " ")
    return Said(metric=title, score=f"{row['score']:g}", why=" ".join(str(row["rationale"]).split()))
