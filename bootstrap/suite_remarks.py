"""What a suite's media show that a training pair's must not: cuts, fades, black frames, nothing that moves, one picture twice.

A benchmark may want such cases, so these are remarks and no refusals. In: a suite in a folder; out: one line for each driver or reference.
Each file is looked at once and remembered, as the factory's are. A driver's window begins with its first frame.
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

OWN_FRAMES = "reference/first_frame/"
"""Where the self track keeps first frames of its drivers."""


def suite_remarks(suite: Suite) -> list[str]:
    """Remarks on the drivers and references of a suite in a folder, sorted; none on one that is rendered."""
    source = suite.source
    if not isinstance(source, FolderSource):
        return []
    files = [source.files[case.id] for case in suite.cases]
    drivers = _facts(source, {one.driver for one in files}, "clip", ClipFacts)
    references = _facts(source, {one.reference for one in files if not one.reference.startswith(OWN_FRAMES)}, "image", ImageFacts)
    said = [f"{name}: its window shows {', '.join(why)}" for name, facts in drivers.items() if (why := _of_driver(suite, facts))]
    said += [f"{name}: a {facts.flaw} picture" for name, facts in references.items() if facts.flaw]
    said += _twice(drivers, same_footage, "the same footage") + _twice(references, same_pictures, "the same picture")
    return sorted(said)


def _of_driver(suite: Suite, facts: ClipFacts) -> list[str]:
    return blemishes(facts, 0.0, suite.grid, WindowRules())


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
