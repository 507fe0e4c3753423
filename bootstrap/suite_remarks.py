"""What a suite's media show that a training pair's must not: cuts, fades, black frames, nothing that moves, one picture twice.

A benchmark may want such cases, so these are remarks and no refusals. In: a suite in a folder; out: one line for each driver or reference.
Each file is looked at once and remembered, as the factory's are. A driver's windows begin where its cases do.
"""

from __future__ import annotations

from typing import Callable

from awbench.cases import Suite
from awbench.media.kinds import Kind
from awbench.media.listing import list_media
from awbench.suites.case_media import FolderSource
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.doubles import same_footage, same_pictures
from bootstrap.sources.facts import ClipFacts, Facts, ImageFacts
from bootstrap.sources.lookup import inspect_here, look_up
from bootstrap.sources.windows import WindowRules, blemishes


def suite_remarks(suite: Suite) -> list[str]:
    """Remarks on the drivers and references of a suite in a folder, sorted; none on one that is rendered."""
    source = suite.source
    if not isinstance(source, FolderSource):
        return []
    others = [case for case in suite.cases if case.track != "self"]  # whose references are no frames of their drivers
    windows = sorted({(source.files[case.id].driver, source.files[case.id].driver_start_s) for case in suite.cases})
    drivers = _facts(source, {name for name, _ in windows}, "clip", ClipFacts)
    references = _facts(source, {source.files[case.id].reference for case in others}, "image", ImageFacts)
    shown = {(name, start): blemishes(drivers[name], start, suite.grid, WindowRules()) for name, start in windows if name in drivers}
    late = {start: f" from {start:g} s on" * (start > 0) for _, start in windows}
    said = [f"{name}: its window{late[start]} shows {', '.join(why)}" for (name, start), why in shown.items() if why]
    said += [f"{name}: a {facts.flaw} picture" for name, facts in references.items() if facts.flaw]
    said += _twice(drivers, same_footage, "the same footage") + _twice(references, same_pictures, "the same picture")
    return sorted(said)


def _facts(source: FolderSource, names: set[str], kind: Kind, wanted: type) -> dict[str, Facts]:
    """Facts by name of those that can be read; what cannot is said elsewhere."""
    entries = [entry for entry in list_media([str(source.folder)], kind).entries if entry.id in names]
    found = look_up(entries, kind, inspect_here, Catalog())
    return {entry.id: found[entry.location] for entry in entries if isinstance(found[entry.location], wanted)}


def _twice(facts: dict[str, Facts], same: Callable[[list], list[tuple[int, int]]], what: str) -> list[str]:
    """One line for each set of names that show the same, by way of others too."""
    sets = {name: {name} for name in facts}
    names = list(facts)
    for i, j in same(list(facts.values())):
        joined = sets[names[i]] | sets[names[j]]
        sets |= dict.fromkeys(joined, joined)
    return sorted({f"{', '.join(sorted(one))}: {what}" for one in sets.values() if len(one) > 1})
