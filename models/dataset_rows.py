"""The rows of a dataset folder, finished or in the making: one per attempted pair, whatever a run that goes on has come to.

    finished    manifest.parquet, where run.json stands
    unfinished  shard-UUUUUU.parquet of every sealed unit, and a record (`models.pair_records`) of every pair that is not sealed yet
Nothing is written here, nothing is unpacked, and what disappears while it is read (a unit is sealed meanwhile) is found where it went.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Iterator, Mapping, Sequence

from models import storage
from models.pair_records import is_record, read_pair_record, unit_of_record
from models.storage import FileFacts
from models.types import require

_SIDES, _OF_RECORDS = ("driving", "reference"), ("record", "sizes")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOf:
    """A dataset at a moment. `rows`: a mapping of columns each; of one without a seal `record` is where its members lie, below the folder.

    `planned`: how many pairs are planned in all, None where nothing tells it.
    """

    finished: bool
    rows: tuple[Mapping[str, Any], ...]
    planned: int | None = None


def read_rows(folder: str, columns: Sequence[str] = ()) -> RowsOf:
    """All rows of the dataset at a location, with these columns only (none: all). Raises ValueError where it is none, or cannot be read."""
    names = _names(folder)
    if _is_finished(names):
        rows = tuple(_table(storage.join(folder, "manifest.parquet"), tuple({*columns, *_SIDES}) if columns else ()))
        return RowsOf(finished=True, rows=rows, planned=sum(map(_is_pair, rows)))
    units = _sealed(folder, names, columns)
    for name in sorted(filter(is_record, names)):
        if (row := read_record(folder, name)) is not None:
            chosen = {column: row[column] for column in (*columns, *_OF_RECORDS) if column in row} if columns else row
            units.setdefault(unit_of_record(name), {})[str(row.get("key", name))] = chosen
    rows = tuple(row for _, found in sorted(units.items()) for row in found.values())
    return RowsOf(finished=False, rows=rows, planned=_planned(folder, names))


def is_finished(folder: str) -> bool:
    """Whether the dataset is finished. Raises ValueError where it is none."""
    return _is_finished(_names(folder))


def keys_of(folder: str) -> Iterator[str]:
    """The keys of all pairs, read as they are asked for: of a dataset of any size few are held. A key may come twice."""
    names = _names(folder)
    for table in _tables(names):
        yield from (row["key"] for row in _table(storage.join(folder, table), ("key", *_SIDES)) if _is_pair(row))
    if not _is_finished(names):
        yield from (storage.name_of(name).removesuffix(".tar") for name in sorted(filter(is_record, names)))


def row_of(folder: str, key: str) -> Mapping[str, Any] | None:
    """The row of one pair, its record's before its sidecar's; None where there is none."""
    names = _names(folder)
    if not _is_finished(names):
        held = (read_record(folder, name) for name in names if is_record(name) and name.endswith(f"/{key}.tar"))
        row = next(filter(None, held), None)
        if row is not None:
            return row
    found = (_matching(storage.join(folder, table), key) for table in _tables(names))
    return next((rows[0] for rows in found if rows), None)


def read_record(folder: str, name: str) -> dict[str, Any] | None:
    """The row in the record `name` of an unsealed pair, with `again` and `trouble`; None where it is gone, or no record.

    `record`: `name` where it has a sample, `sizes` then the bytes of each of MEMBERS.
    """
    try:
        found = read_pair_record(storage.join(folder, name))
    except OSError:
        return None
    if found is None:
        return None
    row = {**found.row, "again": bool(found.told.get("again")), "trouble": str(found.told.get("trouble") or "")}
    return {**row, "record": name, "sizes": [size for _, size in found.spans]} if found.spans else {**row, "record": ""}


def sidecar_of(shard: str) -> str:
    """The sidecar of the unit whose shard (or part of one) is called `shard`, below the dataset."""
    stem = storage.name_of(shard).removesuffix(".tar")
    head, dash, tail = stem.rpartition("-")
    return f"{head}{dash}{tail.partition('_')[0]}.parquet"


def sidecars(names: Mapping[str, FileFacts]) -> list[str]:
    """Which of the files of a dataset are sidecars of its units, in order."""
    return sorted(name for name in names if fnmatch(name, "shard-*.parquet") and "/" not in name)


def _names(folder: str) -> Mapping[str, FileFacts]:
    """What lies in the dataset. Raises ValueError where there is none."""
    names = dict(storage.walk(folder)) if storage.is_folder(folder) else {}
    known = _is_finished(names) or "work/plan.json" in names
    require(known, storage.redacted(folder), "dataset", "no run.json and no work/plan.json", "a folder that synthesize writes")
    return names


def _is_finished(names: Mapping[str, FileFacts]) -> bool:
    return "run.json" in names and "manifest.parquet" in names


def _tables(names: Mapping[str, FileFacts]) -> list[str]:
    """The tables that hold its rows."""
    return ["manifest.parquet"] if _is_finished(names) else sidecars(names)


def _is_pair(row: Mapping[str, Any]) -> bool:
    return bool(row.get("driving") and row.get("reference"))


def _sealed(folder: str, names: Mapping[str, FileFacts], columns: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Unit -> key -> row, of the units that are sealed."""
    wanted = tuple(dict.fromkeys(("key", *columns))) if columns else ()
    return {
        name.removeprefix("shard-").removesuffix(".parquet"): {row["key"]: row for row in _table(storage.join(folder, name), wanted)}
        for name in sidecars(names)
    }


def _planned(folder: str, names: Mapping[str, FileFacts]) -> int | None:
    """The length of the plan, by the footers of its tables."""
    import pyarrow.parquet as pq

    plans = [name for name in names if fnmatch(name, "work/generation-*.pairs.parquet")]
    try:
        return sum(pq.read_metadata(io.BytesIO(storage.read_bytes(storage.join(folder, name)))).num_rows for name in plans) or None
    except (OSError, ValueError):
        return None


def _table(location: str, columns: Sequence[str] = ()) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with storage.open_read(location) as file:
            for part in pq.ParquetFile(file).iter_batches(columns=list(columns) or None):
                yield from part.to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(location, error) from error


def _matching(location: str, key: str) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with storage.open_read(location) as file:
            return pq.read_table(file, filters=[("key", "==", key)]).to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(location, error) from error


def _unreadable(location: str, error: Exception) -> ValueError:
    what = f"dataset: {storage.name_of(location)}: unreadable"
    return ValueError(f"{what} ({type(error).__name__}: {error}); run the same synthesize command again")
