"""Names on the command line -> objects, loaded only when asked for: the one registration mechanism.

A catalog is a table `name -> "module:attribute"`, plus the entry points outsiders install under its group, so that a
plug-in needs no fork. Nothing is imported until `load`. `name:argument` passes the argument to the loaded factory.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module, metadata
from typing import Any, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`target`: "module:attribute"; `summary`: one line for `actorforge ls`; `argument`: whether one may follow the name and a colon.

    `refused`: why the name cannot be used, "" where it can.
    """

    target: str
    summary: str
    argument: bool = True
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A lazy table of one kind of thing. `group`: the entry-point group that outsiders may use."""

    kind: str
    group: str
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def table(self) -> dict[str, Entry]:
        """Built-in entries and installed plug-ins, sorted by name; a name that is taken twice is refused where it is asked for."""
        table = dict(self.entries)
        for point in _plugged(self.group):
            package = point.dist.name if point.dist else "unknown"
            plugged = Entry(target=point.value, summary=f"plug-in from {package}")
            first = table.setdefault(point.name, plugged)
            if first is not plugged:
                table[point.name] = _refused(first, f"package {package} ({point.value})", point.name in self.entries)
        return dict(sorted(table.items()))

    def entry(self, name: str) -> Entry | None:
        """None for a name that is not in the table. Raises ValueError for one that is taken twice."""
        entry = self.table().get(name)
        if entry is not None and entry.refused:
            raise ValueError(f"{self.kind} {name}: name: {entry.refused}")
        return entry

    def load(self, name: str) -> Any:
        """The object registered as `name`. Raises ValueError with the nearest known names."""
        entry = self.entry(name)
        if entry is None:
            table = self.table()
            near = difflib.get_close_matches(name, table, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(f"{self.kind}: got {name!r}, expected one of {', '.join(table)}{hint}")
        module, _, attribute = entry.target.partition(":")
        return getattr(import_module(module), attribute)


def _refused(entry: Entry, by: str, is_shipped: bool) -> Entry:
    if entry.refused:
        return entry
    first = "ActorForge itself" if is_shipped else entry.summary.removeprefix("plug-in from ")
    why = f"got it from {by} and from {first}, expected from one; uninstall the package, or ask its author for another name"
    return replace(entry, refused=why, summary=f"refused: {why}")


@cache
def _plugged(group: str) -> tuple[metadata.EntryPoint, ...]:
    """What outsiders installed under a group. Asked once in a process: it goes through every installed package."""
    return tuple(metadata.entry_points(group=group))
