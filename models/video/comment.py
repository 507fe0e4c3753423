"""The comment of a file we wrote whose even raster shows a picture of odd size."""

from __future__ import annotations

import re

_SHOWN = re.compile(r"actorforge: show (\d{1,5})x(\d{1,5}) px")


def comment_for(size: tuple[int, int]) -> str:
    """What the file's comment says for a picture of (W,H) px."""
    return "actorforge: show {}x{} px".format(*size)


def shown_size(comment: str, size: tuple[int, int]) -> tuple[int, int]:
    """The (W,H) px that a file with that comment shows of its raster `size`: that without the filled-up row and column."""
    found = _SHOWN.search(comment or "")
    shown = (int(found[1]), int(found[2])) if found else size
    return shown if all(most - 1 <= side <= most for side, most in zip(shown, size)) else size
