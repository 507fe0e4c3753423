"""What is said of media beside them: tables of labels, `NAME.txt` prompts, and files found by the names that tables give them.

A table (clips.csv or manifest.csv in the media folder or one above) has a column `file`, relative to the table; every other column is a
label of that file, kept under its own name. Labels that mean the same become one word by `SAME`. "" and "unknown" are no label. A row
finds its file whatever its Unicode form, case, slashes, `./` and blanks; one that finds none is told.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator, Mapping

from models.types import require

LABEL_FILES = ("clips.csv", "manifest.csv")
SAME: dict[str, dict[str, str]] = {
    "subject": {
        "human": "person, people, humans, man, woman, men, women",
        "animal": "animals, pet",
        "cartoon": "cartoon character, animated character, animation, anime, toon",
        "object": "objects, thing",
    },
    "framing": {
        "face": "head, portrait, close up, closeup, talking head",
        "half": "half body, upper, upper body, bust, waist up, medium shot",
        "full": "full body, fullbody, whole body, full shot",
    },
    "count": {"1": "one, single, solo, 1 person", "2": "two, pair, couple", "3": "three", "many": "multi, multiple, several, group, crowd"},
    "age": {"child": "kid, children, kids", "young adult": "young, young adults", "elderly": "old, senior, elder, aged"},
    "activity": {"dance": "dancing", "talk": "talking, speech, speaking", "daily activity": "daily activities, daily life, daily"},
    "camera": {"static": "fixed, still, tripod, stationary", "moving": "tracked, tracking, handheld, hand held, pan, panning, dynamic"},
    "mode": {"one_to_one": "one to one, 1 to 1, 1:1", "one_to_many": "one to many, 1 to n", "many_to_many": "many to many, n to n"},
}
"""Column -> one word -> what else is written for it, in lower case with single blanks for blanks, - and _."""
_WORD = {column: {other: word for word, text in same.items() for other in text.split(", ")} for column, same in SAME.items()}

Labels = Mapping[str, str]


def label(column: str, text: str) -> str:
    """The word for what is written in `column`: by `SAME` in its columns, elsewhere the text without outer blanks."""
    text = text.strip()
    if column not in _WORD:
        return text
    plain = re.sub(r"[\s_-]+", " ", text).strip().casefold()
    return _WORD[column].get(plain, plain)


def plain_name(name: str) -> str:
    """A relative path as it is compared: composed Unicode, `/`, no `.` parts, no blanks around parts, case folded."""
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    return "/".join(part.strip().casefold() for part in parts if part.strip() not in ("", "."))


class FileNames:
    """The files of one folder, found by what somebody wrote for them."""

    def __init__(self, base: Path, files: Iterable[Path]) -> None:
        self._exact = {path.relative_to(base).as_posix(): path for path in files}
        self._plain: dict[str, list[Path]] = {}
        self._tails: dict[str, list[Path]] = {}
        for name, path in self._exact.items():
            self._plain.setdefault(plain_name(name), []).append(path)
            for tail in _tails(plain_name(name)):
                self._tails.setdefault(tail, []).append(path)

    def find(self, name: str) -> Path | None:
        """The file of that path. Raises ValueError where several are meant by it."""
        return self._exact.get(name) or self._one(name, self._plain.get(plain_name(name), []))

    def find_by_part(self, name: str) -> Path | None:
        """The file of that path, or the only one whose path ends so, with or without folders and ending. Raises ValueError for several."""
        found = self.find(name)
        parts = plain_name(name).split("/")
        for first in range(len(parts)):
            found = found or self._one(name, self._tails.get("/".join(parts[first:]), []))
        return found

    def _one(self, name: str, paths: list[Path]) -> Path | None:
        shown = ", ".join(sorted(str(path.name) for path in paths)[:3])
        require(len(paths) < 2, f"file {name!r}", "meaning", f"{len(paths)} files ({shown})", "one", "write its whole path")
        return paths[0] if paths else None


def _tails(name: str) -> set[str]:
    parts = name.split("/")
    tails = {"/".join(parts[first:]) for first in range(len(parts))}
    return tails | {re.sub(r"(?<=[^/])\.[^./]*$", "", tail) for tail in tails}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a table: cells by column, blank ones left out. `place`: table and line, for messages."""

    place: str
    cells: Labels


def read_rows(table: Path) -> Iterator[Row]:
    """The rows of a csv table; column names in lower case with _ for blanks. Raises ValueError for what is no table in UTF-8."""
    try:
        with open(table, newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, restkey="", restval="")
            reader.fieldnames = [re.sub(r"[\s-]+", "_", name.strip()).casefold() for name in reader.fieldnames or ()]
            for row in reader:
                require(not row.pop("", None), f"{table.name} line {reader.line_num}", "cells", "more than columns", "one for each column")
                cells = {key: value.strip() for key, value in row.items() if value.strip().casefold() not in ("", "unknown")}
                yield Row(place=f"{table.name} line {reader.line_num}", cells=cells)
    except (UnicodeDecodeError, csv.Error) as error:
        advice = "save it as CSV in UTF-8"
        raise ValueError(f"{table}: content: got {' '.join(str(error).split())[:200]}, expected a table in UTF-8; {advice}") from error


def read_labels(folder: Path, files: Iterable[Path]) -> tuple[dict[Path, Labels], list[str]]:
    """Labels of `files`, which lie below `folder`, by file; and one line for each row that finds none of them.

    A table one folder up also speaks of other folders: only its rows below `folder`, and names without a folder, are looked at.
    """
    labels: dict[Path, Labels] = {}
    notes: list[str] = []
    files = list(files)
    inside = FileNames(folder, files)
    for base in (folder.parent, folder):
        names = FileNames(base, files)
        for table in (base / name for name in LABEL_FILES):
            for row in read_rows(table) if table.is_file() else ():
                parts = plain_name(row.cells.get("file", "")).split("/")
                found, note = _file_of(row, names if len(parts) > 1 else inside)
                elsewhere = base != folder and parts[0] != plain_name(folder.name)
                if found is not None:
                    known = labels.get(found, {})  # another table's row of the same file; what both say is the later one's
                    labels[found] = known | {key: label(key, text) for key, text in row.cells.items() if key != "file"}
                elif not elsewhere:
                    notes.append(note)
    return labels, notes


def _file_of(row: Row, names: FileNames) -> tuple[Path | None, str]:
    if "file" not in row.cells:
        return None, f"{row.place}: file: got none, expected the path of a file"
    try:
        found = names.find(row.cells["file"])
    except ValueError as error:
        return None, f"{row.place}: {error}"
    return found, "" if found else f"{row.place}: file: got {row.cells['file']!r}, expected a file of that name"


def prompt_beside(path: Path) -> str:
    """The text of NAME.txt beside NAME.mp4, "" where there is none. Raises ValueError for what is no text in UTF-8."""
    text = path.with_suffix(".txt")
    if not text.is_file():
        return ""
    try:
        return " ".join(text.read_text(encoding="utf-8-sig").split())
    except UnicodeDecodeError as error:
        raise ValueError(f"{text.name}: content: got bytes that are no UTF-8, expected a prompt; save it as UTF-8") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """A pair needs the label `name`: equal on both sides, or `driver` on the driver and `reference` on the reference."""

    name: str
    driver: str = ""
    reference: str = ""

    @classmethod
    def parse(cls, text: str) -> TagRule:
        """`NAME` or `NAME=DRIVER:REFERENCE`."""
        name, equals, rest = text.partition("=")
        sides = [label(name.strip(), side) for side in rest.split(":")] if equals else ["", ""]
        good = bool(name.strip()) and len(sides) == 2 and (not equals or all(sides))
        require(good, "suite", "by-tag", repr(text)[:80], "NAME or NAME=DRIVER:REFERENCE, such as framing or framing=half:full")
        return cls(name=name.strip(), driver=sides[0], reference=sides[1])

    def allows(self, driver: Labels, reference: Labels) -> bool:
        shown = driver.get(self.name, ""), reference.get(self.name, "")
        return shown == (self.driver, self.reference) if self.driver else shown[0] == shown[1] != ""


def told_labels(name: str, labels: Iterable[Labels]) -> str:
    """How often each label of that name occurs, for messages: `full 3, none 2`."""
    counts = Counter(each.get(name, "none") for each in labels)
    return ", ".join(f"{value} {count}" for value, count in sorted(counts.items())) or "none"
