"""The media a suite is made of: what can be read of what was pointed at, and its copies inside the suite.

In: folders, globs, URLs or tables (`awbench.media.listing`). Out: `Media`, each with the place its copy has in the suite. What lies in
the suite already is not read again (`same_file`); a file whose name lies there with other bytes is refused, since cases would change.
"""

from __future__ import annotations

import posixpath
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Collection, Iterable, Mapping, Sequence

from awbench.media.kinds import is_still
from awbench.media.listing import Entry, list_media, of_another_kind
from models.artifacts import sha256_file
from models.images import encode_image
from models.progress import Progress
from models.storage import facts_of, open_read, publish, write_bytes
from models.types import require
from models.video import frames_of

FIRST_FRAMES = "reference/first_frame"
A_STILL = "a still picture, expected a clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A usable file. `id`: its name below what was pointed at; `place`: where its copy lies in the suite; `tags`: its labels."""

    id: str
    location: str
    place: str
    tags: Mapping[str, str] = field(default_factory=dict)
    prompt: str = ""

    @property
    def part(self) -> str:
        """driving or reference."""
        return self.place.partition("/")[0]

    @property
    def first_frame(self) -> str:
        """Where the suite keeps a clip's own first frame."""
        return f"{FIRST_FRAMES}/{self.place.removeprefix('driving/')}.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """All of one side, in order of ids. `unusable`, `others`: why a file of that id gives nothing, the latter as it is of the other kind;
    `notes`: what else to know."""

    files: tuple[Medium, ...]
    unusable: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def skipped(self) -> tuple[str, ...]:
        """One line for each file that cannot be used."""
        return tuple(f"{name}: {why}" for name, why in self.unusable.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Looks at media for a suite in `out`: at each window of a clip and each picture once, and not at what is a case's already.

    `read_window` (of a location and a start, s), `read_image`: raise ValueError or OSError for what is of no use. `there`: driver and
    start of the suite's cases.
    """

    out: Path
    read_window: Callable[[str, float], Any]
    read_image: Callable[[str], Any]
    there: Collection[tuple[Any, float]] = ()
    _seen: dict[tuple[str, str, float], str] = field(default_factory=dict)

    def fault(self, one: Medium, start_s: float = 0.0) -> str:
        """Why it is of no use, of a clip for the window from that moment on; "" where it can be used."""
        key = one.part, one.location, start_s
        if key not in self._seen:
            try:
                self._seen[key] = self._look(one, start_s)
            except (ValueError, OSError) as error:
                self._seen[key] = str(error) or type(error).__name__
        return self._seen[key]

    def _look(self, one: Medium, start_s: float) -> str:
        if one.part == "driving" and is_still(one.location):
            return A_STILL
        if (start_s and (one.place, start_s) not in self.there) or not same_file(one.location, self.out / one.place):
            self.read_window(one.location, start_s) if one.part == "driving" else self.read_image(one.location)
        return ""


def listed_media(given: Sequence[str | Path], part: str) -> Media:
    """What was pointed at, not yet looked at. `part`: "driving", clips, or "reference", pictures."""
    kind, flag = ("clip", "--driving") if part == "driving" else ("image", "--references")
    listing = list_media(given, kind, flag=flag)
    good, bad, others = [], {file.id: file.reason for file in listing.unusable}, {}
    for entry in listing.entries:
        if part == "reference" and entry.kind != "image":
            others[entry.id] = "a clip, expected a picture"
            continue
        try:
            place = _place(entry, part)
        except ValueError as error:
            bad[entry.id] = str(error)
        else:
            good.append(Medium(id=entry.id, location=entry.location, place=place, tags=entry.tags, prompt=entry.prompt))
    return Media(files=tuple(good), unusable=bad, others=others, notes=tuple(f"{part}: {line}" for line in listing.notes))


def usable_media(media: Media, part: str, look: Look) -> Media:
    """Those of `media` that can be used from their start on; a still picture among clips is of the other kind."""
    good, bad, stills = [], {}, {}
    with Progress(f"suite: reading {part}", total=len(media.files)) as bar:
        for one in media.files:
            why = look.fault(one)
            if not why:
                good.append(one)
            else:
                (stills if why == A_STILL else bad)[one.id] = why
            bar.step(failed=one.id in bad)
    told = [*of_another_kind(list(stills))] + [f"{len(media.others)} clip(s) passed over: a reference is a picture"] * bool(media.others)
    notes = (*media.notes, *(f"{part}: {line}" for line in told))
    return Media(files=tuple(good), unusable={**media.unusable, **bad}, others={**media.others, **stills}, notes=notes)


def _place(entry: Entry, part: str) -> str:
    """PART/ID. Raises ValueError for a name, such as a table may give, that leads elsewhere."""
    inside = posixpath.normpath(entry.id) == entry.id and not entry.id.startswith(("/", "../"))
    require(inside, "entry", "id", repr(entry.id), "a relative path without ..")
    return f"{part}/{entry.id}"


def same_file(location: str, other: Path) -> bool:
    """Whether `other` is there and has the same bytes."""
    if not other.is_file() or other.stat().st_size != facts_of(location).size_b:
        return False
    return sha256_file(location) == sha256_file(other)


def copy_media(out: Path, places: Iterable[str], media: Iterable[Medium]) -> None:
    """Bring those media into the suite. Raises ValueError, before anything is written, where another file has the name."""
    wanted, media = set(places), list(media)
    new = {one.place: one for one in media if one.place in wanted and not same_file(one.location, out / one.place)}
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
