"""One thing that was pointed at -> the files behind it: a folder, a glob, a table of locations, or a single file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Iterable, Iterator, Mapping

from awbench.media.beside import FILE_COLUMNS, file_of, labels_of, remarks_on
from awbench.media.kinds import no_media
from awbench.media.names import FileNames
from awbench.media.tables import Row, is_table, read_table
from models.storage import FileFacts, ask_each, exists, facts_of, is_folder, is_url, join, name_of, redacted, resolve, walk
from models.types import require

_GLOB = re.compile(r"[*?\[]")
_NOTHING = FileFacts(size_b=0, mark="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """`base`: a folder, file or table; `pattern`: which names below it, "" for all."""

    base: str
    pattern: str = ""

    @classmethod
    def parse(cls, text: str, flag: str) -> Input:
        """Raises ValueError, naming the flag, for what is neither there nor a glob."""
        location = resolve(text)
        if text.endswith("/") and is_url(location) and not is_folder(location) and _is_prefix(location):
            return cls(base=location, pattern="**")
        if exists(location) or is_folder(location):
            return cls(base=location)
        parts = location.split("/")
        globs = [number for number, part in enumerate(parts) if _GLOB.search(part)]
        first = next((number for number in globs if not is_folder("/".join(parts[: number + 1]))), globs[-1] if globs else None)
        require(first is not None, flag, "location", redacted(location), "an existing folder, file or table, or a glob")
        base = "/".join(parts[:first]) or "/"
        require(_is_prefix(base), flag, "folder", redacted(base), "an existing folder before the first * of a glob")
        return cls(base=base, pattern="/".join(parts[first:]))

    @property
    def name(self) -> str:
        return name_of(self.base)


def _is_prefix(location: str) -> bool:
    """Whether files lie below a location: in a bucket also where an object has the same name."""
    return is_folder(location) or (is_url(location) and next(walk(location), None) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file behind an input, and what is said of it. `reason`: why it cannot be had."""

    name: str
    location: str
    facts: FileFacts = _NOTHING
    tags: Mapping[str, str] = field(default_factory=dict)
    prompt: str = ""
    reason: str = ""


def found_in(source: Input, notes: list[str]) -> Iterator[Found]:
    """Everything behind an input; rows of tables that lead nowhere are found with a reason. Raises ValueError for an unreadable table."""
    if source.pattern or is_folder(source.base):
        return _in_folder(source, notes)
    return _in_table(source, notes) if is_table(source.base) else _single(source, notes)


def _in_folder(source: Input, notes: list[str]) -> Iterator[Found]:
    first = source.pattern.partition("/")[0]
    enter = partial(may_hold, pattern=source.pattern) if source.pattern and "**" not in first else None
    every = dict(walk(source.base, enter))
    names = [name for name in every if matches(name, source.pattern)] if source.pattern else list(every)
    yield from _described(source.base, {name: every[name] for name in names}, every, notes, strict=not source.pattern)


def _described(base: str, files: Mapping[str, FileFacts], every: Iterable[str], notes: list[str], strict: bool) -> Iterator[Found]:
    """Files below `base` with what lies beside them; `strict`: rows about files that are not there are told."""
    said = remarks_on(base, [name for name in files if not no_media(name)], every)
    notes.extend(said.notes)
    for name, facts in sorted(files.items()):
        known = {"tags": said.labels.get(name, {}), "prompt": said.prompts.get(name, "")}
        yield Found(name=name, location=join(base, name), facts=facts, **known)
    for name, place in said.missing if strict else ():
        yield Found(name=name, location="", reason=f"listed in {place} but missing")


def matches(name: str, pattern: str) -> bool:
    """Whether a glob means a file or a folder above it."""
    from fsspec.utils import glob_translate

    parts, whole = name.split("/"), re.compile(glob_translate(pattern))
    return any(whole.fullmatch("/".join(parts[: count + 1])) for count in range(len(parts)))


def may_hold(folder: str, pattern: str) -> bool:
    """Whether something below a folder of that name may be meant by a glob."""
    parts, wanted = folder.split("/"), pattern.split("/")
    for part, glob in zip(parts, wanted):
        if "**" in glob:
            return True
        if not matches(part, glob):
            return False
    return True  # it leads to what is meant, or is it: it stands for all below


def _single(source: Input, notes: list[str]) -> Iterator[Found]:
    base, _, name = source.base.rpartition("/")
    beside = f"{name.rpartition('.')[0]}.txt"
    every = [name, beside] if exists(join(base, beside)) else [name]
    return _described(base, {name: facts_of(source.base)}, every, notes, strict=False)


def _in_table(source: Input, notes: list[str]) -> Iterator[Found]:
    table = read_table(source.base)
    got, expected = ", ".join(table.columns[:8]), f"one of {', '.join(FILE_COLUMNS)}"
    require(
        bool(set(FILE_COLUMNS) & set(table.columns)),
        source.name,
        "columns",
        got,
        expected,
        "name the column that says where each file lies",
    )
    notes.extend(table.notes)
    folder = source.base.rpartition("/")[0]
    rows = [row for row in table.rows if file_of(row.cells)[0]]
    notes.extend(f"{row.place}: file: got none, expected a location" for row in table.rows if not file_of(row.cells)[0])
    places = _Places(folder)
    for row, (location, known) in zip(rows, ask_each(places.known, [places.of(file_of(row.cells)[1]) for row in rows])):
        yield _of_row(row, location, folder, known)


class _Places:
    """Where the files of a table's rows lie: URLs and whole paths as they stand, others below the table's folder, found as names are."""

    def __init__(self, folder: str) -> None:
        self._folder, self._found, self._one = folder, list[FileNames](), Lock()

    def _names(self) -> FileNames:
        """What lies below the folder, listed once, when it is first needed."""
        with self._one:
            self._found = self._found or [FileNames(name for name, _ in walk(self._folder))]
        return self._found[0]

    def of(self, written: str) -> str:
        if is_url(written) or written.startswith(("/", "file://")):
            return written if is_url(written) else os.path.abspath(written.removeprefix("file://"))
        return join(self._folder, written) if is_url(self._folder) else os.path.normpath(join(self._folder, written))

    def known(self, location: str) -> tuple[str, FileFacts | Exception]:
        """The location, or that of the file that is meant by it, and its facts or why there are none."""
        try:
            return location, facts_of(location)
        except FileNotFoundError as error:
            missing = error
            if not location.startswith(f"{self._folder}/"):
                return location, missing
        except (OSError, ValueError) as error:
            return location, error
        try:
            meant = self._names().find(location.removeprefix(f"{self._folder}/"))
            if meant is None:
                return location, missing
            location = join(self._folder, meant)
            return location, facts_of(location)
        except (OSError, ValueError) as error:
            return location, error


def _of_row(row: Row, location: str, folder: str, known: FileFacts | Exception) -> Found:
    named = row.cells.get("id") or _name_in(location, folder)
    tags = {key: text for key, text in labels_of(row.cells).items() if key not in ("id", "prompt")}
    if isinstance(known, Exception):
        why = "no such file" if isinstance(known, FileNotFoundError) else " ".join(_said(known).split())[:200]
        return Found(name=named, location=location, reason=f"{row.place}: {file_of(row.cells)[0]}: {why}")
    return Found(name=named, location=location, facts=known, tags=tags, prompt=row.cells.get("prompt", ""))


def _said(error: Exception) -> str:
    """What went wrong, without the path that str(error) has: rows tell nobody where things lie."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _name_in(location: str, folder: str) -> str:
    """A name that tells no more than it must: below the table's folder, of a URL bucket and path, else the file's own name."""
    if location.startswith(f"{folder}/"):
        return location.removeprefix(f"{folder}/")
    return redacted(location).partition("://")[2] if is_url(location) else name_of(location)
