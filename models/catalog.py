"""Names on the command line -> objects, loaded only when asked for: the one registration mechanism.

A catalog is a table `name -> "module:attribute"`, plus the entry points outsiders install under its group, so that a
plug-in needs no fork. Nothing is imported until `load`. `name:argument` passes the argument to the loaded factory.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, metadata
from typing import Any, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`target`: "module:attribute"; `summary`: one line for `actorforge ls`."""

    target: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A lazy table of one kind of thing. `group`: the entry-point group that outsiders may use."""

    kind: str
    group: str
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def table(self) -> dict[str, Entry]:
        """Built-in entries and installed plug-ins, sorted by name; a plug-in may not replace a built-in."""
        table = dict(self.entries)
        for point in _plugged(self.group):
            if point.name in table:
                raise ValueError(
                    f"{self.kind} {point.name!r}: name taken twice, by {table[point.name].target} and {point.value}; rename one"
                )
            table[point.name] = Entry(target=point.value, summary=f"plug-in from {point.dist.name if point.dist else 'unknown'}")
        return dict(sorted(table.items()))

    def load(self, name: str) -> Any:
        """The object registered as `name`. Raises ValueError with the nearest known names."""
        table = self.table()
        if name not in table:
            near = difflib.get_close_matches(name, table, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(f"{self.kind}: got {name!r}, expected one of {', '.join(table)}{hint}")
        module, _, attribute = table[name].target.partition(":")
        return getattr(import_module(module), attribute)


@cache
def _plugged(group: str) -> tuple[metadata.EntryPoint, ...]:
    """What outsiders installed under a group. Asked once in a process: it goes through every installed package."""
    return tuple(metadata.entry_points(group=group))
