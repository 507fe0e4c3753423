"""What lies behind a flag -> clips with windows, or identities: list, look at what is not known yet, select.

    list_media -> Entries -> Catalog (facts of files that have not changed) -> inspection of the others -> select -> Listing
A file is looked at once, whatever the grid; a rerun looks at what changed. Looking is the costly part: it is handed in as a function, so
that it may run on workers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Collection, Mapping, Sequence

from awbench.media.inputs import Input, matches
from awbench.media.listing import Entry, MediaListing, list_media
from bootstrap.generations import DRIVING, REFERENCE
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.facts import Facts
from bootstrap.sources.lookup import Inspect, Wanted, look_up, look_up_together
from bootstrap.sources.selection import own_pictures, select_clips, select_images
from bootstrap.sources.source import Listing, Unusable
from bootstrap.sources.windows import WindowRules
from models import storage
from models.types import Grid, require


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What the flags point at: folders, globs, URLs or tables; and which windows of the clips are used."""

    driving: tuple[str, ...]
    references: tuple[str, ...]
    windows: WindowRules = field(default_factory=WindowRules)

    @property
    def names(self) -> tuple[str, ...]:
        """What was given, without the folders above it."""
        return tuple(storage.name_of(storage.resolve(text)) for text in (*self.driving, *self.references))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """What was found. `apart`: contents (sha256) of clips and identities that show the same moment: together they would teach copying."""

    driving: Listing
    references: Listing
    apart: tuple[tuple[str, str], ...] = ()


def survey(
    footage: Footage, grid: Grid, inspect: Inspect, catalog: Catalog, prior: Mapping[str, Collection[str]] | None = None
) -> Surveyed:
    """The clips that hold windows of `grid`, and the identities. `prior`: role -> contents in use already, which doubles give way to.

    Raises ValueError where something given is not there.
    """
    used, rules = prior or {}, footage.windows
    counted_as = _remembered_as(rules.estimator) if rules.estimator else ""
    clips, images = list_media(footage.driving, "clip", "--driving"), list_media(footage.references, "image", "--references")
    both = [Wanted(entries=media.entries, kind=kind, remembered_as=kind) for media, kind in ((clips, "clip"), (images, "image"))]
    of_clips, of_images = look_up_together(both, inspect, catalog)
    people = _people(clips.entries, of_clips, grid, rules, counted_as, inspect, catalog) if rules.subjects else None
    driving = select_clips(clips.entries, of_clips, grid, rules, used.get(DRIVING, ()), people)
    references = select_images(images.entries, of_images, used.get(REFERENCE, ()), near_doubles=rules.near_doubles)
    apart = _same_moment(driving, references, of_clips, of_images)
    return Surveyed(driving=_merged(clips, driving), references=_merged(images, references), apart=apart)


def _remembered_as(estimator: str) -> str:
    from bootstrap.sources.people import remembered_as  # an estimator may need torch, most surveys do not

    return remembered_as(estimator)


def _people(
    entries: Sequence[Entry],
    facts: Mapping[str, Facts],
    grid: Grid,
    rules: WindowRules,
    counted_as: str,
    inspect: Inspect,
    catalog: Catalog,
) -> dict[str, Facts]:
    """How many people the clips show that hold windows by the other rules, by location."""
    from bootstrap.sources.people import asked_of

    others = replace(rules, subjects=0, estimator="")
    held = {entry.id for entry in select_clips(entries, facts, grid, replace(others, near_doubles=True)).usable}
    return look_up([entry for entry in entries if entry.id in held], asked_of(rules.estimator), inspect, catalog, counted_as)


def refuse_nesting(given: Sequence[str], out: str, flag: str) -> None:
    """A dataset inside its own sources would be read as a source by the next run. Raises ValueError."""
    mine = _real(out)
    for text in given:
        source = Input.parse(text, flag)
        theirs = _real(source.base)
        nested = f"{theirs}/".startswith(f"{mine}/") or (storage.is_folder(theirs) and _reaches(theirs, source.pattern, mine))
        got = f"{storage.redacted(out)} with {flag} {storage.redacted(text)}"
        require(not nested, "synthesize", "out", got, "neither inside the other")


def _reaches(folder: str, pattern: str, out: str) -> bool:
    """Whether files of a dataset at `out` would be found below `folder`, by the glob where there is one."""
    if not f"{out}/".startswith(f"{folder.rstrip('/')}/"):
        return False
    below = out[len(folder.rstrip("/")) + 1 :]
    names = [f"{below}/{name}".lstrip("/") for name in ("shard-000000.tar", "manifest.parquet", "work/plan.json")]
    return not pattern or any(matches(name, pattern) for name in names)


def _real(location: str) -> str:
    return location.rstrip("/") if storage.is_url(location) else os.path.realpath(location)


def _same_moment(
    driving: Listing, references: Listing, of_clips: Mapping[str, Facts], of_images: Mapping[str, Facts]
) -> tuple[tuple[str, str], ...]:
    clips, images = ({source.id: source.sha256 for source in listing.usable} for listing in (driving, references))
    return tuple((clips[clip], images[image]) for clip, image in own_pictures(driving, references, of_clips, of_images))


def _merged(media: MediaListing, selected: Listing) -> Listing:
    unlisted = [Unusable(id=row.id, reason=row.reason) for row in media.unusable]
    unusable = tuple(sorted([*unlisted, *selected.unusable], key=lambda item: item.id))
    return replace(selected, unusable=unusable, notes=(*media.notes, *selected.notes))
