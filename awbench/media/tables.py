"""One reader of tables: csv (`,` `;` or tab, UTF-8 or UTF-16), parquet, JSON lines -> rows of text with their place.

    file;Subject;licence             column names in lower case, _ for blanks and -
    a.mp4;person;CC0-1.0        ->   Row(place="clips.csv line 2", cells={"file": "a.mp4", "subject": "person", "licence": "CC0-1.0"})

"" and "unknown" say nothing and are left out. A broken row is a note and costs no other row; what is no table at all raises ValueError.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from models.storage import facts_of, name_of, open_read, read_bytes
from models.types import require

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MAX_B, _MAX_ROWS, _MAX_BROKEN, _MAX_COLUMNS = 1 << 28, 5_000_000, 100, 1000
_MAX_CELL = 1 << 14
"""Characters; a path has 4096 at most."""
_BATCH = 1024

_SPELLED = {"license": "licence", "licence_name": "licence", "license_name": "licence"}

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a table: cells by column, blank ones left out. `place`: table and line, for messages."""

    place: str
    cells: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`columns` in their order; `notes`: one line for each row that could not be read."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def is_table(name: str) -> bool:
    return name.lower().endswith(TABLE_SUFFIXES)


def read_table(location: str) -> Table:
    """All rows of a table, no cell longer than _MAX_CELL. Raises ValueError for what is no table, OSError where it cannot be read."""
    name = name_of(location)
    size_b = facts_of(location).size_b
    require(size_b <= _MAX_B, name, "size", f"{size_b} bytes", f"at most {_MAX_B}", "split it")
    lower = name.lower()
    if lower.endswith(".parquet"):
        return _parquet(location, name)
    text = text_of(read_bytes(location), name)
    return _json_lines(text, name) if lower.endswith((".jsonl", ".ndjson")) else _csv(text, name)


def text_of(data: bytes, name: str) -> str:
    """Text in UTF-8, or in UTF-16 as spreadsheets save it. Raises ValueError."""
    coding = next((coding for bom, coding in _BOMS if data.startswith(bom)), "utf-8")
    try:
        return data.decode(coding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: content: got bytes that are no {coding} ({error.reason}), expected text; save it in UTF-8") from error


def column_name(text: str) -> str:
    """Lower case, _ for blanks and -; what means the same under another spelling has one name."""
    name = re.sub(r"[\s-]+", "_", text.strip()).casefold()
    return _SPELLED.get(name, name)


def _csv(text: str, name: str) -> Table:
    lines = list(io.StringIO(text, newline=None))
    told = re.fullmatch(r"sep=(.)\n?", lines[0], re.IGNORECASE) if lines else None
    top = 1 if told else 0
    require(bool(lines[top:]) and "\0" not in text, name, "content", "nothing" if "\0" not in text else "zero bytes", "a table in UTF-8")
    comma = told[1] if told else max(",;\t", key=lambda each: _columns_by(each, lines[top], name))
    notes: list[str] = []
    records = _records(lines, top, comma, name, notes)
    columns = tuple(map(column_name, next(records, ("", []))[1]))
    require(len(columns) <= _MAX_COLUMNS, name, "columns", len(columns), f"at most {_MAX_COLUMNS}")
    rows = []
    for place, cells in records:
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            notes.append(f"{place}: cells: got {len(cells)}, expected one for each of {len(columns)} columns; left out")
        elif any(cells):
            rows.append(Row(place=place, cells=_said(dict(zip(columns, cells)))))
    return Table(columns=tuple(filter(None, columns)), rows=tuple(rows), notes=tuple(notes))


def _columns_by(comma: str, header: str, name: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=comma)))
    except csv.Error as error:
        raise ValueError(f"{name} line 1: {error}") from error


def _records(lines: list[str], at: int, comma: str, name: str, notes: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The records of a csv, each with its place; after a broken one, such as a quote that is never closed, from the next line on."""
    while at < len(lines):
        reader = csv.reader((lines[i] for i in range(at, len(lines))), delimiter=comma, strict=True)
        start = at
        try:
            for cells in reader:
                yield f"{name} line {at + 1}", cells
                at = start + reader.line_num
        except csv.Error as error:
            notes.append(f"{name} line {at + 1}: {error}; left out")
            at += 1
        if len(notes) > _MAX_BROKEN:
            notes.append(f"{name}: more than {_MAX_BROKEN} broken rows: nothing is read after line {at}")
            return


def _json_lines(text: str, name: str) -> Table:
    rows, notes, columns = [], [], dict[str, None]()
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{name} line {number}"
        try:
            cells = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            cells = None
        if not isinstance(cells, dict):
            notes.append(f"{place}: content: got no object of columns and values; left out")
            continue
        if cells:
            said = _said({column_name(key): _text(value) for key, value in cells.items()})
            columns |= dict.fromkeys(said)
            rows.append(Row(place=place, cells=said))
    return Table(columns=tuple(columns), rows=tuple(rows), notes=tuple(notes))


def _parquet(location: str, name: str) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_read(location) as file:
            table = pq.ParquetFile(file)
            require(table.metadata.num_rows <= _MAX_ROWS, name, "rows", table.metadata.num_rows, f"at most {_MAX_ROWS}", "split it")
            wanted = [each.name for each in table.schema_arrow if not _is_bulk(each.type)]
            records = [cells for batch in table.iter_batches(_BATCH, columns=wanted) for cells in _short(batch, name)]
    except pa.ArrowException as error:
        raise ValueError(f"{name}: content: got {' '.join(str(error).split())[:200]}, expected a parquet table") from error
    rows = [
        Row(place=f"{name} row {number}", cells=_said({column_name(key): _text(value) for key, value in cells.items()}))
        for number, cells in enumerate(records, 1)
    ]
    return Table(columns=tuple(map(column_name, wanted)), rows=tuple(rows))


def _short(batch: Any, name: str) -> list[dict[str, Any]]:
    """The rows of a batch. Raises ValueError where a dictionary or an encoding has blown a small file up."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for column, cells in zip(batch.schema.names, batch.columns):
        if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
            longest = pc.max(pc.utf8_length(cells)).as_py() or 0
            require(longest <= _MAX_CELL, name, f"column {column}", f"a text of {longest} characters", f"at most {_MAX_CELL}")
    return batch.to_pylist()


def _is_bulk(kind: Any) -> bool:
    """Pictures and arrays in a table are no labels."""
    import pyarrow as pa

    return pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _said(cells: Mapping[str, str]) -> dict[str, str]:
    plain = {key: value.encode(errors="replace").decode().strip() for key, value in cells.items() if key}
    return {key: value for key, value in plain.items() if value.casefold() not in ("", "unknown")}
