"""What lies beside media and speaks of them: tables of labels, and NAME.txt, the prompt of NAME.mp4.

A table (clips.csv, manifest.csv, ... anywhere in the folder, or one above it) has a column `file` (or filename, path, uri, url), relative
to it; every other column is a label of that file under its own name. The deeper table has the last word on what two say. Suites, the
factory and training read labels by this road alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable

from awbench.media.labels import label
from awbench.media.names import FileNames, plain_name
from awbench.media.tables import Labels, Row, Table, read_table, text_of
from models.storage import ask_each, exists, join, name_of, open_read

LABEL_FILES = frozenset({"clips.csv", "clips.tsv", "clips.parquet", "clips.jsonl", "manifest.csv"})
FILE_COLUMNS = ("file", "filename", "path", "uri", "url")
"""What the column is called that says which file a row is about; the first that a row has."""
MAX_PROMPT_CHARS = 2000
_MOST_B = 1 << 16


@dataclass(slots=True, kw_only=True)
class Said:
    """What was found: `labels` and `prompts` by file name; `missing`: what a table calls a file and where, `notes`: rows of no use."""

    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    missing: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def said_of(folder: str, media: Iterable[str], all_names: Iterable[str]) -> Said:
    """Labels and prompts of `media`, names below `folder`; `all_names`: of everything that lies there."""
    said, media, names = Said(), list(media), sorted(all_names)
    known = FileNames(names)
    above, _, own = folder.rstrip("/").rpartition("/")
    for table in sorted(LABEL_FILES) if above and own else ():
        if _there(join(above, table)):
            _read_above(join(above, table), own, known, said)
    tables = [name for name in names if plain_name(name).rpartition("/")[2] in LABEL_FILES]
    for name in sorted(tables, key=lambda each: (each.count("/"), each)):
        _read_inside(join(folder, name), name.rpartition("/")[0], known, said)
    _prompts(folder, media, known, said)
    return said


def _there(location: str) -> bool:
    try:
        return exists(location)
    except OSError:  # a bucket's neighbours may be forbidden
        return False


def _table(location: str, said: Said) -> Table:
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


def _read_inside(location: str, prefix: str, known: FileNames, said: Said) -> None:
    for row in _table(location, said).rows:
        written = file_of(row.cells)[1]
        _take(row, f"{prefix}/{written}" if prefix else written, known, said)


def _read_above(location: str, own: str, known: FileNames, said: Said) -> None:
    """A table one folder up also speaks of other folders: only its rows below ours, and names without a folder, are looked at."""
    for row in _table(location, said).rows:
        first, slash, rest = plain_path(file_of(row.cells)[1]).partition("/")
        if not slash or plain_name(first) == plain_name(own):
            _take(row, rest if slash else first, known, said)


def plain_path(text: str) -> str:
    """A written path with `/` and without leading `./`."""
    return "/".join(part.strip() for part in text.replace("\\", "/").split("/") if part.strip() not in ("", "."))


def _take(row: Row, written: str, known: FileNames, said: Said) -> None:
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
        said.labels.setdefault(found, {}).update(labels_of(row.cells))


def file_of(cells: Labels) -> tuple[str, str]:
    """The column that says which file a row is about, and what it says; "" for none."""
    return next(((column, cells[column]) for column in FILE_COLUMNS if column in cells), ("", ""))


def labels_of(cells: Labels) -> dict[str, str]:
    """The labels in a row: every column but that of the file, in the words of `awbench.media.labels.SAME`."""
    return {key: label(key, text) for key, text in cells.items() if key != file_of(cells)[0]}


def _prompts(folder: str, media: list[str], known: FileNames, said: Said) -> None:
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
