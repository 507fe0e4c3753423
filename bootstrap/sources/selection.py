"""Which of the listed files are used, and why the others are not: doubles once, clips by their windows, nothing black.

In: entries (`awbench.media.listing`), their facts by location, grid and rules; out: a `Listing`. Nothing is read: 60 000 take seconds.
Of equal files the first by name is used; of footage that comes again what was used before (`prior`), then the longest, the largest, the
first by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from awbench.media.listing import Entry, of_another_kind
from bootstrap.sources.doubles import pictures_of, same_footage, same_pictures, stand_ins
from bootstrap.sources.facts import ClipFacts, Facts, ImageFacts, PeopleFacts, Still, Unread
from bootstrap.sources.source import Listing, Source, Unusable
from bootstrap.sources.windows import WindowRules, window_starts
from models.types import Grid

_NOT_INSPECTED = Unread(reason="not inspected", transient=True)
_Known = tuple[Entry, ClipFacts | ImageFacts]


def select_clips(
    entries: Sequence[Entry],
    facts: Mapping[str, Facts],
    grid: Grid,
    rules: WindowRules,
    prior: Collection[str] = (),
    people: Mapping[str, Facts] | None = None,
) -> Listing:
    """The clips that hold windows, each with their starts. `prior`: sha256 of clips that are in use already; `people`: by location."""
    stills = {entry.id for entry in entries if isinstance(facts.get(entry.location), Still)}
    known, unusable, notes = _readable([entry for entry in entries if entry.id not in stills], facts)
    notes = (*of_another_kind(stills), *notes)
    chosen: list[tuple[Source, ClipFacts]] = []
    for entry, found in known:
        starts = _starts(found, grid, rules, (people or {}).get(entry.location))
        if isinstance(starts, str):
            unusable.append(Unusable(id=entry.id, reason=starts))
        else:
            chosen.append((_source(entry, found, starts), found))
    if rules.near_doubles:
        return _listing([source for source, _ in chosen], unusable, notes)
    return _once(chosen, unusable, same_footage, prior, "the same footage", notes)


def _starts(found: ClipFacts, grid: Grid, rules: WindowRules, people: Facts | None) -> tuple[float, ...] | str:
    if isinstance(people, Unread):
        return f"people: {people.reason}"
    return window_starts(found, grid, rules, people if isinstance(people, PeopleFacts) else None)


def select_images(
    entries: Sequence[Entry], facts: Mapping[str, Facts], prior: Collection[str] = (), *, near_doubles: bool = False
) -> Listing:
    """The pictures that show anything, each once, `near_doubles` each time. `prior`: sha256 of pictures that are in use already."""
    known, unusable, notes = _readable(entries, facts)
    unusable += [Unusable(id=entry.id, reason=f"{found.flaw} picture") for entry, found in known if found.flaw]
    chosen = [(_source(entry, found, ()), found) for entry, found in known if not found.flaw]
    if near_doubles:
        return _listing([source for source, _ in chosen], unusable, notes)
    return _once(chosen, unusable, same_pictures, prior, "the same picture", notes)


def own_pictures(
    clips: Listing, images: Listing, of_clips: Mapping[str, Facts], of_images: Mapping[str, Facts]
) -> tuple[tuple[str, str], ...]:
    """(clip id, image id) where the image is a moment of the clip: together they would teach copying."""
    seen = [of_clips[source.location] for source in clips.usable]
    shown = [of_images[source.location] for source in images.usable]
    return tuple((clips.usable[clip].id, images.usable[image].id) for image, clip in pictures_of(shown, seen))


def _readable(entries: Sequence[Entry], facts: Mapping[str, Facts]) -> tuple[list[_Known], list[Unusable], tuple[str, ...]]:
    """What could be looked at, each content once, in the order of ids; the rest with its reason; and labels that equal files contradict.

    Of equal files the first also has the labels and the prompt that only the others have.
    """
    known: dict[str, _Known] = {}
    unusable: list[Unusable] = []
    notes: list[str] = []
    for entry in sorted(entries, key=lambda entry: entry.id):
        found = facts.get(entry.location, _NOT_INSPECTED)
        if isinstance(found, Unread):
            unusable.append(Unusable(id=entry.id, reason=found.reason))
        elif found.sha256 in known:
            first = known[found.sha256][0]
            unusable.append(Unusable(id=entry.id, reason=f"double of {first.id}: the same bytes"))
            known[found.sha256] = _with_labels_of(entry, first, notes), found
        else:
            known[found.sha256] = entry, found
    return list(known.values()), unusable, tuple(notes)


def _with_labels_of(double: Entry, first: Entry, notes: list[str]) -> Entry:
    """The first of two equal files with what only the other one's labels say; where both speak and differ, its own stay and it is told."""
    for name in sorted(first.tags.keys() & double.tags.keys()):
        if first.tags[name] != double.tags[name]:
            notes.append(f"{first.id}: {name}: {first.tags[name]!r} is used, its double {double.id} says {double.tags[name]!r}")
    return replace(first, tags={**double.tags, **first.tags}, prompt=first.prompt or double.prompt)


def _once(
    chosen: list[tuple[Source, Any]],
    unusable: list[Unusable],
    alike: Callable,
    prior: Collection[str],
    how: str,
    notes: tuple[str, ...] = (),
) -> Listing:
    """Leave out what shows the same as something that is used."""

    def preference(position: int) -> tuple:
        source, found = chosen[position]
        return source.sha256 not in prior, -getattr(found, "end_s", 0.0), -source.size[0] * source.size[1], source.id

    matches = alike([found for _, found in chosen])
    left_out = stand_ins(matches, sorted(range(len(chosen)), key=preference)) if matches else {}
    for position, used in left_out.items():
        unusable.append(Unusable(id=chosen[position][0].id, reason=f"double of {chosen[used][0].id}: {how}"))
    told = f"{len(left_out)} file(s) left out as doubles of others by what they show; --windows.near-doubles uses each"
    usable = [source for position, (source, _) in enumerate(chosen) if position not in left_out]
    return _listing(usable, unusable, (*notes, told) if left_out else notes)


def _source(entry: Entry, facts: ClipFacts | ImageFacts, starts: tuple[float, ...]) -> Source:
    tags = {**entry.tags, "prompt": entry.prompt} if entry.prompt else dict(entry.tags)
    return Source(id=entry.id, location=entry.location, sha256=facts.sha256, size=facts.size, starts_s=starts, notes=facts.notes, tags=tags)


def _listing(usable: list[Source], unusable: list[Unusable], notes: tuple[str, ...]) -> Listing:
    return Listing(usable=tuple(usable), unusable=tuple(sorted(unusable, key=lambda one: one.id)), notes=notes)
