"""Who was compared, and on which terms: a system's kind and licence, its options, what its answers cost, how requests were adapted to it.

In: a `Comparison` whose runs say so (run.json, generation.parquet). Out: a `SystemCard` for each system; what a run does not say is empty.
What the suite did to its media, the same for every system, is told once (`suite_adaptation`) and is no part of a card.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from awbench.report.alike import forms
from awbench.report.answers import AnswerSummary, answers_of, summary
from awbench.report.comparison import Comparison, System
from awbench.report.table import ordered
from awbench.suites.snapshot import stored_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCard:
    """`adaptation`: the most frequent note of its own, without the numbers that differ, that of `alike` of `answers`; `offset`: what was
    declared of a lag; `usd`: what `priced` cases cost together, None if none says."""

    name: str
    kind: str
    licence: str
    options: str
    adaptation: str
    alike: int
    answers: int
    offset: str
    usd: float | None
    priced: int

    @property
    def cost(self) -> str:
        """Such as "3.36 USD for 16 cases"."""
        return "" if self.usd is None else f"{self.usd:.2f} USD for {self.priced} case{'s' * (self.priced != 1)}"


def system_cards(comparison: Comparison) -> tuple[SystemCard, ...]:
    """The systems in the page's order."""
    return tuple(_card(comparison, system) for system in ordered(comparison))


def cost_notes(comparison: Comparison) -> tuple[str, ...]:
    """One line for each system whose answers cost something."""
    return tuple(f"{card.name}: {card.cost}." for card in system_cards(comparison) if card.cost)


def suite_adaptation(comparison: Comparison) -> list[tuple[str, int]]:
    """(what the suite did to its media, without places and sizes, on how many cases), the commonest first."""
    notes = next((found for system in comparison.systems if (found := _suite_notes(system))), {})
    parts = (_SIZES.sub("", part) for case in comparison.cases for part in notes.get(case, "").split("; ") if part)
    return sorted(Counter(parts).items(), key=lambda one: -one[1])


_SIZES = re.compile(r" (?:to \([\d, -]*\)|from \d[\d.]*(?:x\d+)?)")
"""Boxes, sizes and rates that every case has of its own."""


@lru_cache(maxsize=64)  # by identity: the snapshot is one file for all cases
def _suite_notes(system: System) -> Mapping[str, str]:
    """Case -> what the suite did to its media before any system, by the run's own snapshot; {} where it keeps none."""
    folder = getattr(system.run, "path", None)
    if folder is None:
        return {}
    return {case: str(entry.get("adaptation", "")) for case, entry in stored_entries(Path(folder) / "suite").items()}


def _own(note: object, suite: str) -> str:
    """What of `note` the suite has not said."""
    text = note if isinstance(note, str) else ""
    return text.removeprefix(suite).removeprefix("; ") if suite else text


def _card(comparison: Comparison, system: System) -> SystemCard:
    cases = set(comparison.cases)
    rows = [row for row in system.run.generation().to_dict("records") if row["case"] in cases]
    answers = [row for row in rows if row["status"] == "ok"]
    known = _suite_notes(system)
    own = (_own(row.get("adaptation"), known.get(row["case"], "")) for row in answers)
    notes = forms(note for note in own if note)
    note, alike = notes[0] if notes else ("", 0)
    costs = [cost for row in rows if isinstance(cost := row.get("cost_usd"), (int, float)) and math.isfinite(cost)]
    terms, options = _mapping(system.run.config.get("terms")), dict(_mapping(system.run.config.get("options")))
    counted = summary(system, len(cases), answers_of(comparison, system))
    if counted.declared and options.get("offset_s", "") is None:
        del options["offset_s"]  # said by lags.csv instead: "none" would read as no offset at all
    return SystemCard(
        name=system.name,
        kind=terms.get("kind", ""),
        licence=terms.get("licence", ""),
        options=", ".join(f"{name} = {_shown(value)}" for name, value in sorted(options.items())),
        adaptation=note,
        alike=alike,
        answers=len(answers),
        offset=_offset(counted),
        usd=sum(costs) if costs else None,
        priced=len(costs),
    )


def _offset(counted: AnswerSummary) -> str:
    return f"{counted.offset_told}, {counted.declared} of {counted.answers} answers" if counted.declared else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "none" if value is None else str(value)
    return (text if len(text) <= 60 else f"{text[:57]}...") or "–"
