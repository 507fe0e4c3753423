"""Texts that say the same of different cases: notes and reasons that differ by numbers alone are one.

In: texts. Out: their common form, with an ellipsis where numbers differ. A long hexadecimal word (a hash) counts as a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"(\b(?=[a-f]*\d)[0-9a-f]{8,}\b|\d+(?:\.\d+)?)")


def gist(text: str) -> str:
    """What texts are grouped by: the words, without the numbers."""
    return _NUMBER.sub("…", text)


def common_form(texts: Sequence[str]) -> str:
    """One text for `texts` of one gist: numbers that are the same in all stay."""
    parts = [_NUMBER.split(text) for text in dict.fromkeys(texts)]
    return "".join(words[0] if len(set(words)) == 1 else "…" for words in zip(*parts))


def forms(texts: Iterable[str]) -> list[tuple[str, int]]:
    """(form, how many texts have it), the commonest first."""
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(gist(text), []).append(text)
    return sorted(((common_form(group), len(group)) for group in groups.values()), key=lambda one: -one[1])


def unnamed(text: str, name: str) -> str:
    """`text` with an ellipsis where it says `name`, such as the case's own."""
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text)
