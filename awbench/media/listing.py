"""What people point at -> media by name, with the labels and prompts that lie beside them. Nothing is decoded.

    list_media(["clips/", "s3://bucket/more/**/*.mp4", "wanted.parquet"], "clip")

`given`: folders, globs (`*`, `?`, `[]`, `**`), single files, and tables of locations (column file, filename, path, uri or url, relative to
the table; a column `id` names the entry; every other one is a label). All of them may be local or URLs. An entry's id is its name below
what was given: it is the same wherever that lies. Of two inputs with the same name, the first keeps it and the later one's is prefixed.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import Collection, Iterator, Mapping, Sequence

from awbench.media.inputs import Found, Input, found_in
from awbench.media.kinds import Kind, fault_of, no_media, wanted_kind
from models.endings import BVH_ADVICE, kind_of, suffix_of
from models.storage import FileFacts, name_of

_MANY = 3
"""A reason that so many files share is told once beside their rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file that may be used. `id`: its name, NFC; `tags`: what tables say of it, in the words of `awbench.media.labels`."""

    id: str
    location: str
    kind: Kind
    facts: FileFacts
    tags: Mapping[str, str] = field(default_factory=dict)
    prompt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableFile:
    """A file that gives nothing, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaListing:
    """Everything found, each part sorted by id. `notes`: what else to tell."""

    entries: tuple[Entry, ...]
    unusable: tuple[UnusableFile, ...] = ()
    notes: tuple[str, ...] = ()


def list_media(given: Sequence[str | Path], kind: Kind, flag: str = "media") -> MediaListing:
    """List `given` for somebody who wants clips, or images (of clips, their first frames).

    Raises ValueError for what is not there, naming the `flag` that it was given for.
    """
    listed = _Listed(kind)
    for text in given:
        source = Input.parse(str(text), flag)
        for found in found_in(source, listed.notes):
            listed.take(found, source)
    return listed.done()


class _Listed:
    """Entries as they come in; each location once, each id once."""

    def __init__(self, kind: Kind) -> None:
        self._kind, self._entries, self._unusable = kind, dict[str, Entry](), dict[str, UnusableFile]()
        self._seen, self._others, self.notes = set[str](), list[str](), list[str]()
        self._motions: list[str] = []

    def take(self, found: Found, source: Input) -> None:
        if found.location and found.location in self._seen:
            return
        self._seen.add(found.location)
        if not found.reason and no_media(found.name):
            self._motions += [legible(found.name)] if suffix_of(found.name) == ".bvh" else []
            return
        named = _named(found)
        reason = found.reason or fault_of(named, found.facts)
        kind = None if reason else wanted_kind(named, self._kind)
        if not reason and kind is None:
            self._others.append(legible(found.name))
            return
        id_ = self._free_id(legible(found.name), source)
        if reason:
            self._unusable[id_] = UnusableFile(id=id_, reason=reason)
        else:
            known = {"facts": found.facts, "tags": found.tags, "prompt": found.prompt}
            self._entries[id_] = Entry(id=id_, location=found.location, kind=kind, **known)

    def _free_id(self, name: str, source: Input) -> str:
        ids = chain((name, f"{legible(source.name)}/{name}"), (f"{name}~{number}" for number in count(2)))
        return next(id_ for id_ in ids if id_ not in self._entries and id_ not in self._unusable)

    def _motion_alone(self) -> Iterator[str]:
        """One line about BVH files where clips are wanted; one beside a clip of its name is that clip's motion."""
        stems = {PurePosixPath(id_).stem for id_ in self._entries}
        alone = [name for name in self._motions if PurePosixPath(name).stem not in stems] if self._kind == "clip" else []
        if alone:
            yield f"{len(alone)} file(s) of motion passed over, first {min(alone)}: {BVH_ADVICE}"

    def done(self) -> MediaListing:
        by_id = sorted(self._entries.values(), key=lambda entry: entry.id), sorted(self._unusable.values(), key=lambda row: row.id)
        notes = [*self.notes, *_shared_reasons(by_id[1]), *of_another_kind(self._others), *self._motion_alone()]
        return MediaListing(entries=tuple(by_id[0]), unusable=tuple(by_id[1]), notes=tuple(notes))


def _named(found: Found) -> str:
    """The name whose ending tells what it is: the file's; an id may lack it, a URL that a service makes up may too."""
    own = name_of(found.location)
    return found.name if not own or kind_of(own) == "unknown" else own


def legible(name: str) -> str:
    """A name as it is written down: NFC, what is no character replaced."""
    text = unicodedata.normalize("NFC", name.encode(errors="surrogateescape").decode(errors="replace"))
    return text if text.isprintable() else "".join(each if each.isprintable() else "\ufffd" for each in text)


def _shared_reasons(rows: Sequence[UnusableFile]) -> Iterator[str]:
    for reason, files in Counter(row.reason for row in rows).most_common():
        if files >= _MANY:
            yield f"{files} files: {reason}"


def of_another_kind(names: Collection[str]) -> Iterator[str]:
    """One line about media that were not asked for, none where there are none."""
    if names:
        counts = ", ".join(f"{suffix} {files}" for suffix, files in sorted(Counter(map(suffix_of, names)).items()))
        yield f"{len(names)} file(s) of another kind passed over: {counts}; first {min(names)}"
