"""What lies beside media and speaks of them: tables of labels, and NAME.txt, the prompt of NAME.mp4.

A table (clips.csv, manifest.csv, ... anywhere in the folder, or one above it) has a column `file` (or filename, path, uri, url), relative
to it; every other column is a label of that file under its own name. The deeper table has the last word on what two say. A whole path or
URL speaks of the file it leads to, also where the folder has moved and kept its name; of files that are not there only the last part of
it is told. Suites, the factory and training read labels by this road alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Iterable

from awbench.media.labels import label
from awbench.media.names import FileNames, plain_name
from awbench.media.tables import Labels, Row, Table, read_table, text_of
from models.storage import ask_each, exists, is_url, join, name_of, open_read, redacted

LABEL_FILES = frozenset({"clips.csv", "clips.tsv", "clips.parquet", "clips.jsonl", "manifest.csv"})
FILE_COLUMNS = ("file", "filename", "path", "uri", "url")
"""What the column is called that says which file a row is about; the first that a row has."""
MAX_PROMPT_CHARS = 2000
_MOST_B, _MOST_CHARS = 1 << 16, 400
_WHOLE = re.compile(r"/|[A-Za-z]:[/\\]|[A-Za-z][\w+.-]+://")
"""How a path begins that does not depend on where the table lies: on Windows, too."""


@dataclass(slots=True, kw_only=True)
class Remarks:
    """What was found: `labels` and `prompts` by file name; `missing`: what a table calls a file and where, `notes`: rows of no use."""

    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    missing: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def remarks_on(folder: str, media: Iterable[str], all_names: Iterable[str]) -> Remarks:
    """Labels and prompts of `media`, names below `folder`; `all_names`: of everything that lies there."""
    said, media, names = Remarks(), list(media), sorted(all_names)
    known = FileNames(names)
    above, _, own = folder.rstrip("/").rpartition("/")
    for table in sorted(LABEL_FILES) if above and own else ():
        if _there(join(above, table)):
            _read_above(join(above, table), folder, known, said)
    tables = [name for name in names if plain_name(name).rpartition("/")[2] in LABEL_FILES]
    for name in sorted(tables, key=lambda each: (each.count("/"), each)):
        _read_inside(folder, name, known, said)
    _prompts(folder, media, known, said)
    return said


def _there(location: str) -> bool:
    try:
        return exists(location)
    except OSError:  # a bucket's neighbours may be forbidden
        return False


def _table(location: str, said: Remarks) -> Table:
    try:
        table = read_table(location)
    except ValueError as error:
        said.notes.append(str(error))
        return Table(columns=(), rows=())
    except OSError as error:
        said.notes.append(f"{name_of(location)}: {error.strerror}")
        return Table(columns=(), rows=())
    said.notes.extend(table.notes)
    return table


def _read_inside(folder: str, table: str, known: FileNames, said: Remarks) -> None:
    prefix = table.rpartition("/")[0]
    for row in _table(join(folder, table), said).rows:
        written = file_of(row.cells)[1]
        if _WHOLE.match(written):
            _take(row, _below(written, folder) or name_of(plain_path(written)), known, said)
        else:
            _take(row, f"{prefix}/{written}" if prefix else written, known, said)


def _read_above(location: str, folder: str, known: FileNames, said: Remarks) -> None:
    """A table one folder up also speaks of other folders: only its rows below ours, and names without a folder, are looked at."""
    own = plain_name(name_of(folder))
    for row in _table(location, said).rows:
        written = file_of(row.cells)[1]
        first, slash, rest = plain_path(written).partition("/")
        if _WHOLE.match(written):
            rest = _below(written, folder)
            _take(row, rest, known, said) if rest else None
        elif not slash or plain_name(first) == own:
            _take(row, rest if slash else first, known, said)


def _below(written: str, folder: str) -> str:
    """What a whole path or URL calls a file below `folder`, or below one of its name somewhere else; "" for neither."""
    path, place = plain_path(written), plain_path(folder)
    if path.startswith(f"{place}/"):
        return path.removeprefix(f"{place}/")
    _, own, rest = f"/{path}".rpartition(f"/{name_of(folder)}/")
    return rest if own else ""


def plain_path(text: str) -> str:
    """A written path with `/` and without `./`; of a URL the address, without what signs it."""
    text = redacted(text).removeprefix("file://")
    return "/".join(part.strip() for part in text.replace("\\", "/").split("/") if part.strip() not in ("", "."))


def _take(row: Row, written: str, known: FileNames, said: Remarks) -> None:
    if not file_of(row.cells)[0]:
        said.notes.append(f"{row.place}: file: got none, expected the path of a file")
        return
    try:
        found = known.find(written)
    except ValueError as error:
        said.notes.append(f"{row.place}: {error}")
        return
    if found is None:
        said.missing.append((plain_path(written), row.place))
    else:
        _label(found, row, said)


def _label(name: str, row: Row, said: Remarks) -> None:
    """The row has the last word; where an earlier one said otherwise, it is told."""
    before, new = said.labels.setdefault(name, {}), labels_of(row.cells)
    for key in sorted(key for key in before.keys() & new.keys() if before[key] != new[key]):
        said.notes.append(f"{row.place}: {name}: {key}: {new[key]!r} in place of {before[key]!r}, which was said before"[:_MOST_CHARS])
    before.update(new)


def file_of(cells: Labels) -> tuple[str, str]:
    """The column that says which file a row is about, and what it says; "" for none."""
    return next(((column, cells[column]) for column in FILE_COLUMNS if column in cells), ("", ""))


def labels_of(cells: Labels) -> dict[str, str]:
    """The labels in a row: every column but that of the file, in the words of `awbench.media.labels.SAME`."""
    return {key: label(key, _without_place(key, text)) for key, text in cells.items() if key != file_of(cells)[0]}


def _without_place(key: str, text: str) -> str:
    """A label that tells neither what signs a URL nor, in a column of files, which folders a whole path leads through."""
    return name_of(plain_path(text)) if key in FILE_COLUMNS and _WHOLE.match(text) and not is_url(text) else redacted(text)


def _prompts(folder: str, media: list[str], known: FileNames, said: Remarks) -> None:
    """The column `prompt`, else the text beside; one that is too long, or no text, is left out and told."""
    asked = {name: text for name in media if "prompt" not in said.labels.get(name, {}) and (text := _text_of(name, known))}
    read = dict(zip(asked, ask_each(_read_prompt, [join(folder, text) for text in asked.values()])))
    for name in media:
        text, why = read.get(name) or (said.labels.get(name, {}).pop("prompt", ""), "")
        if not why and len(text) > MAX_PROMPT_CHARS:
            why = f"{name}: prompt: got {len(text)} characters, expected at most {MAX_PROMPT_CHARS}"
        if why:
            said.notes.append(f"{why}; left out")
        elif text:
            said.prompts[name] = text


def _text_of(name: str, known: FileNames) -> str | None:
    try:
        return known.find(f"{name.rpartition('.')[0]}.txt")
    except ValueError:
        return None


def _read_prompt(location: str) -> tuple[str, str]:
    """The text, and why there is none."""
    try:
        with open_read(location, block_b=_MOST_B) as file:
            data = file.read(_MOST_B)
        return " ".join(text_of(data, name_of(location)).split()), ""
    except ValueError as error:
        return "", str(error)
    except OSError as error:
        return "", f"{name_of(location)}: {error.strerror}"
