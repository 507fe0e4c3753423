"""Who was compared, and on which terms: a system's kind and licence, its options, what its answers cost, how requests were adapted to it.

In: a `Comparison` whose runs say so (run.json, generation.parquet). Out: a `SystemCard` for each system; what a run does not say is empty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awbench.report.alike import forms
from awbench.report.answers import AnswerSummary, answers_of, summary
from awbench.report.comparison import Comparison, System
from awbench.report.table import ordered


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCard:
    """`adaptation`: the most frequent note, without the numbers that differ, that of `alike` of `answers`; `offset`: what was declared of a
    lag; `usd`: what `priced` cases cost together, None if none says."""

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


def _card(comparison: Comparison, system: System) -> SystemCard:
    cases = set(comparison.cases)
    rows = [row for row in system.run.generation().to_dict("records") if row["case"] in cases]
    answers = [row for row in rows if row["status"] == "ok"]
    notes = forms(note for row in answers if isinstance(note := row.get("adaptation"), str) and note)
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
