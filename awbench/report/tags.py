"""Which tags a page offers to choose by.

In: a `Comparison`. Out: tag names with their values. A name with one value parts nothing, and one that has nearly as many values as
there are cases (a file, a note) names cases instead of grouping them: those stand on the cards alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from awbench.report.comparison import Comparison

MOST_VALUES = 0.6
"""As a share of the cases."""


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
    most = max(2, MOST_VALUES * len(comparison.cases))
    return {name: values for name, values in found.items() if 1 < len(values) <= most}
