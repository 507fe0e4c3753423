"""Facts of many files: those the catalog remembers, and a look at each of the others, remembered as it comes."""

from __future__ import annotations

from typing import Callable, Iterable, Iterator, Sequence

from awbench.media.listing import Entry
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.facts import Facts, Unread
from models.progress import Progress

Inspect = Callable[[Sequence[tuple[str, str]]], Iterable[tuple[str, Facts]]]
"""(location, what is asked for) of many files -> (location, facts), in any order, as they come."""
_SAVED_TOGETHER = 32


def look_up(entries: Sequence[Entry], kind: str, inspect: Inspect, catalog: Catalog, remembered_as: str = "") -> dict[str, Facts]:
    """Facts by location; only files that are new or have changed are looked at.

    `kind`: "clip", "image" or what else `inspection.inspect` is asked for; `remembered_as`: the catalog's word for it, where it is another.
    """
    kept = remembered_as or kind
    facts = catalog.known(entries, kept)
    unknown = {entry.location: entry for entry in entries if entry.location not in facts}
    waiting: list[tuple[Entry, Facts]] = []
    for location, found in inspect([(location, kind) for location in unknown]) if unknown else ():
        facts[location] = found
        waiting.append((unknown[location], found))
        if len(waiting) == _SAVED_TOGETHER:
            catalog.put(waiting, kept)
            waiting = []
    catalog.put(waiting, kept)
    return facts


def inspect_here(files: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Facts]]:
    """Look at files one after another in this process."""
    from bootstrap.sources.inspection import inspect

    with Progress("look at files", total=len(files)) as bar:
        for location, kind in files:
            facts = inspect(location, kind)
            bar.step(failed=isinstance(facts, Unread))
            yield location, facts
