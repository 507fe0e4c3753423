"""Facts of many files: those the catalog remembers, and a look at each of the others, remembered as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterable, Iterator, Mapping, Sequence

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
    (facts,) = look_up_together([Wanted(entries=entries, kind=kind, remembered_as=remembered_as or kind)], inspect, catalog)
    return facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of some files, as `look_up` has it."""

    entries: Sequence[Entry]
    kind: str
    remembered_as: str


def look_up_together(wanted: Sequence[Wanted], inspect: Inspect, catalog: Catalog) -> list[dict[str, Facts]]:
    """The same for files of several kinds: `inspect`, which may start workers, is asked once, twice where a file is of two kinds."""
    facts = [catalog.known(one.entries, one.remembered_as) for one in wanted]
    first, second = dict[str, tuple[int, Entry]](), dict[str, tuple[int, Entry]]()
    for number, one in enumerate(wanted):
        for entry in one.entries:
            if entry.location not in facts[number]:
                into = first if first.get(entry.location, (number, None))[0] == number else second
                into[entry.location] = (number, entry)
    for files in filter(None, (first, second)):
        _look(files, wanted, inspect, catalog, facts)
    return facts


def _look(
    files: Mapping[str, tuple[int, Entry]], wanted: Sequence[Wanted], inspect: Inspect, catalog: Catalog, facts: Sequence[dict[str, Facts]]
) -> None:
    waiting: list[list[tuple[Entry, Facts]]] = [[] for _ in wanted]
    for location, found in inspect([(location, wanted[number].kind) for location, (number, _) in files.items()]):
        number, entry = files[location]
        facts[number][location] = found
        waiting[number].append((entry, found))
        if len(waiting[number]) == _SAVED_TOGETHER:
            catalog.put(waiting[number], wanted[number].remembered_as)
            waiting[number] = []
    for one, rest in zip(wanted, waiting):
        catalog.put(rest, one.remembered_as)


def inspect_here(files: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Facts]]:
    """Look at files one after another in this process."""
    from bootstrap.sources.inspection import inspect

    with Progress("look at files", total=len(files)) as bar:
        for location, kind in files:
            facts = inspect(location, kind)
            bar.step(failed=isinstance(facts, Unread))
            yield location, facts
