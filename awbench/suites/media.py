"""The media a suite is made of: what can be read of what was pointed at, and its copies inside the suite.

In: folders, globs, URLs or tables (`awbench.media.listing`). Out: `Media`, each with the place its copy has in the suite. A file that
lies in the suite already is not read again; one whose name lies there with other bytes is refused, since cases would change.
"""

from __future__ import annotations

import posixpath
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Sequence

from awbench.media.kinds import is_still
from awbench.media.listing import Entry, list_media, of_another_kind
from models.artifacts import sha256_file
from models.images import encode_image
from models.progress import Progress
from models.storage import facts_of, open_read, publish, write_bytes
from models.types import require
from models.video import frames_of

FIRST_FRAMES = "reference/first_frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A usable file. `id`: its name below what was pointed at; `place`: where its copy lies in the suite; `tags`: its labels."""

    id: str
    location: str
    place: str
    tags: Mapping[str, str] = field(default_factory=dict)
    prompt: str = ""

    @property
    def first_frame(self) -> str:
        """Where the suite keeps a clip's own first frame."""
        return f"{FIRST_FRAMES}/{self.place.removeprefix('driving/')}.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """All of one side, in order of ids. `skipped`: one line for each file that cannot be used; `notes`: what else to know."""

    files: tuple[Medium, ...]
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def suite_media(given: Sequence[str | Path], part: str, read: Callable[[str], Any], out: Path) -> Media:
    """What is usable for a suite in `out`. `part`: "driving", clips, or "reference", pictures; `read` raises for a file of no use."""
    kind, flag = ("clip", "--driving") if part == "driving" else ("image", "--references")
    listing = list_media(given, kind, flag=flag)
    entries = [entry for entry in listing.entries if part == "driving" or entry.kind == "image"]
    good, bad, stills = [], [f"{file.id}: {file.reason}" for file in listing.unusable], []
    with Progress(f"suite: reading {part}", total=len(entries)) as bar:
        for entry in entries:
            found = _medium(entry, part, read, out)
            (bad if isinstance(found, str) else good if found else stills).append(found or entry.id)
            bar.step(failed=isinstance(found, str))
    others = len(listing.entries) - len(entries)
    told = [*listing.notes, *of_another_kind(stills)] + [f"{others} clip(s) passed over: a reference is a picture"] * bool(others)
    return Media(files=tuple(good), skipped=tuple(bad), notes=tuple(f"{part}: {line}" for line in told))


def _medium(entry: Entry, part: str, read: Callable[[str], Any], out: Path) -> Medium | str | None:
    """The medium, or why there is none; None for a still picture among clips."""
    try:
        if part == "driving" and is_still(entry.location):
            return None
        place = _place(entry, part)
        if not _same_file(entry.location, out / place):
            read(entry.location)
    except (ValueError, OSError) as error:
        return f"{entry.id}: {error}"
    return Medium(id=entry.id, location=entry.location, place=place, tags=entry.tags, prompt=entry.prompt)


def _place(entry: Entry, part: str) -> str:
    """PART/ID. Raises ValueError for a name, such as a table may give, that leads elsewhere."""
    inside = posixpath.normpath(entry.id) == entry.id and not entry.id.startswith(("/", "../"))
    require(inside, "entry", "id", repr(entry.id), "a relative path without ..")
    return f"{part}/{entry.id}"


def _same_file(location: str, other: Path) -> bool:
    if not other.is_file() or other.stat().st_size != facts_of(location).size_b:
        return False
    return sha256_file(location) == sha256_file(other)


def copy_media(out: Path, places: Iterable[str], media: Iterable[Medium]) -> None:
    """Bring those media into the suite. Raises ValueError, before anything is written, where another file has the name."""
    wanted, media = set(places), list(media)
    new = {one.place: one for one in media if one.place in wanted and not _same_file(one.location, out / one.place)}
    for place in new:
        advice = "the cases that use it would change; give the new one another name"
        require(not (out / place).exists(), f"suite {out}", place, "another file than the suite's", "the same bytes", advice)
    frames = {one.first_frame: one for one in media if one.first_frame in wanted and not (out / one.first_frame).exists()}
    with Progress("suite: copying", total=len(new) + len(frames)) as bar:
        for place, one in new.items():
            with publish(out / place) as draft, open_read(one.location) as source, open(draft, "wb") as copy:
                shutil.copyfileobj(source, copy)
            bar.step()
        for place, one in frames.items():
            with closing(frames_of(one.location)) as film:
                write_bytes(out / place, encode_image(next(iter(film)).image))
            bar.step()
