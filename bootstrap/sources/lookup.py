"""Facts of many files: those the catalog remembers, and a look at each of the others, remembered as it comes."""

from __future__ import annotations

from typing import Callable, Iterable, Iterator, Sequence

from awbench.media.kinds import Kind
from awbench.media.listing import Entry
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.facts import Facts, Unread
from models.progress import Progress

Inspect = Callable[[Sequence[tuple[str, Kind]]], Iterable[tuple[str, Facts]]]
"""(location, kind) of many files -> (location, facts), in any order, as they come."""
_SAVED_TOGETHER = 32


def look_up(entries: Sequence[Entry], kind: Kind, inspect: Inspect, catalog: Catalog) -> dict[str, Facts]:
    """Facts by location; only files that are new or have changed are looked at."""
    facts = catalog.known(entries, kind)
    unknown = {entry.location: entry for entry in entries if entry.location not in facts}
    waiting: list[tuple[Entry, Facts]] = []
    for location, found in inspect([(location, kind) for location in unknown]) if unknown else ():
        facts[location] = found
        waiting.append((unknown[location], found))
        if len(waiting) == _SAVED_TOGETHER:
            catalog.put(waiting, kind)
            waiting = []
    catalog.put(waiting, kind)
    return facts


def inspect_here(files: Sequence[tuple[str, Kind]]) -> Iterator[tuple[str, Facts]]:
    """Look at files one after another in this process."""
    from bootstrap.sources.inspection import inspect

    with Progress("look at files", total=len(files)) as bar:
        for location, kind in files:
            facts = inspect(location, kind)
            bar.step(failed=isinstance(facts, Unread))
            yield location, facts
