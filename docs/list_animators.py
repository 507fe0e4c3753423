"""Prints the table of docs/animators.md: what the module behind each name states of it.

python docs/list_animators.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from awbench.catalog import ANIMATORS  # noqa: E402
from models.capabilities import Capabilities  # noqa: E402
from models.stated import capabilities_of  # noqa: E402
from pipelines.capability_words import frame_words, input_words, size_words  # noqa: E402

KINDS = ("weightless", "local", "external", "hosted")


def table() -> list[str]:
    """Its lines, kinds in order, names within."""
    own = sorted(ANIMATORS.entries)  # what is installed beside them differs from machine to machine
    stated = {name: found for name in own if (found := capabilities_of(name, ANIMATORS)) is not None}
    ordered = sorted(stated, key=lambda name: (KINDS.index(stated[name].kind), name))
    head = ["| name | kind | needs (can use) | sizes, px | lengths | people | licence |", "| --- | --- | --- | --- | --- | --- | --- |"]
    return head + [_row(name, stated[name]) for name in ordered]


def _row(name: str, one: Capabilities) -> str:
    sizes = f"{len(one.size.sizes)} sizes" if len(one.size.sizes) > 3 else size_words(one.size)
    people = "any" if one.subjects is None else str(one.subjects)
    cells = [f"`{name}`", one.kind, input_words(one), sizes, frame_words(one.frames), people, one.licence]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print("\n".join(table()))
