"""Which tags a page offers to choose by.

In: a `Comparison`. Out: tag names with their values. A name with one value parts nothing; one with many values, or with nearly as many as
there are cases, or with long ones, is a free text (a file, a note, a description) that names cases instead of grouping them: those stand
on the cards alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from awbench.report.comparison import Comparison

MOST_VALUES, MOST_SHARE, MOST_CHARS = 16, 0.6, 40
"""Values of a tag, the same as a share of the cases, and characters of a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of a tag: `tag` is the text `name=value`, `count` its cases."""

    tag: str
    value: str
    count: int


def tag_choices(comparison: Comparison) -> dict[str, list[Choice]]:
    """Tag name -> its values."""
    found: dict[str, list[Choice]] = {}
    for tag, cases in comparison.groups.items():
        if tag is not None:
            name, _, value = tag.partition("=")
            found.setdefault(name, []).append(Choice(tag=tag, value=value, count=len(cases)))
    most = min(MOST_VALUES, max(2, MOST_SHARE * len(comparison.cases)))
    return {name: values for name, values in found.items() if 1 < len(values) <= most and _are_words(values)}


def _are_words(values: list[Choice]) -> bool:
    return all(len(choice.value) <= MOST_CHARS for choice in values)
