"""Which tags a page offers to choose by, and shows on its cards.

In: a `Comparison`. Out: tag names with their values. A name with one value parts nothing; one with many values, or with nearly as many as
there are cases, or with long ones, is a free text (a file, a note, a description) that names cases instead of grouping them. An address
(a url, a path, a repository, a commit) says where media come from, however many share it. All of these are told of a case on demand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from awbench.report.comparison import Comparison

MOST_VALUES, MOST_SHARE, MOST_CHARS = 16, 0.6, 40
"""Values of a tag, the same as a share of the cases, and characters of a value."""
_ADDRESS_NAMES = frozenset({"commit", "file", "hash", "path", "repo", "repository", "revision", "sha", "sha1", "sha256", "uri", "url"})
_ADDRESS = re.compile(r".*://.*|www\..*|(?=.*\d)(?=.*[a-f])[0-9a-f]{7,64}", re.IGNORECASE)


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
    return {name: values for name, values in found.items() if 1 < len(values) <= most and _are_words(name, values)}


def _are_words(name: str, values: list[Choice]) -> bool:
    address = name.lower().rpartition("_")[2] in _ADDRESS_NAMES or any(_ADDRESS.fullmatch(choice.value) for choice in values)
    return not address and all(len(choice.value) <= MOST_CHARS for choice in values)
