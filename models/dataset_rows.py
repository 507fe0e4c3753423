"""The rows of a dataset folder, finished or in the making: one per attempted pair, whatever a run that goes on has come to.

    finished    manifest.parquet, where run.json stands
    unfinished  shard-UUUUUU.parquet of every sealed unit, and work/made/UUUUUU/KEY.tar of every pair that is not sealed yet
A record is a tar: the four members of the sample, where it has one, then KEY.row.json {row, again, trouble}. Nothing is written here,
nothing is unpacked, and what disappears while it is read (a unit is sealed meanwhile) is found where it went.
"""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Iterator, Mapping, Sequence

from models import storage
from models.shards import MEMBERS
from models.storage import FileFacts
from models.types import require

MADE = "work/made/"
"""Where the records of pairs lie below a dataset, by unit."""
ROW = "row.json"
_MOST_B, _BLOCK_B = 4 << 30, 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOf:
    """A dataset at a moment. `rows`: a mapping of columns each; of one without a seal `record` is where its members lie, below the folder.

    `planned`: how many pairs are planned in all, None where nothing tells it.
    """

    finished: bool
    rows: tuple[Mapping[str, Any], ...]
    planned: int | None = None


def read_rows(folder: str) -> RowsOf:
    """All rows of the dataset at a location. Raises ValueError where it is none, or cannot be read."""
    names = dict(storage.walk(folder)) if storage.is_folder(folder) else {}
    if "run.json" in names and "manifest.parquet" in names:
        rows = tuple(_table(storage.join(folder, "manifest.parquet")))
        return RowsOf(finished=True, rows=rows, planned=sum(bool(row.get("driving") and row.get("reference")) for row in rows))
    advice = "a folder that synthesize writes"
    require("work/plan.json" in names, storage.redacted(folder), "dataset", "no run.json and no work/plan.json", advice)
    units = _sealed(folder, names)
    for name in sorted(names):
        if name.startswith(MADE) and name.endswith(".tar") and (row := read_record(folder, name)) is not None:
            units.setdefault(_unit_of(name), {})[str(row.get("key", name))] = row
    rows = tuple(row for _, found in sorted(units.items()) for row in found.values())
    return RowsOf(finished=False, rows=rows, planned=_planned(folder, names))


def read_record(folder: str, name: str) -> dict[str, Any] | None:
    """The row in the record `name` of an unsealed pair, with `again` and `trouble`; None where it is gone, or no record.

    `record`: `name` where it has a sample, `sizes` then the bytes of each of MEMBERS.
    """
    try:
        sizes, found = _read(folder, name, (ROW,))
        told = json.loads(found[ROW])
        row = dict(told["row"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    more = {"again": bool(told.get("again")), "trouble": str(told.get("trouble") or "")}
    if not set(MEMBERS) <= sizes.keys():
        return {**row, **more, "record": ""}
    return {**row, **more, "record": name, "sizes": [sizes[member] for member in MEMBERS]}


def members_of_record(folder: str, name: str) -> dict[str, bytes]:
    """The members of the sample in a record, by what follows the key. Raises OSError, and ValueError for what is no record."""
    _, found = _read(folder, name, MEMBERS)
    require(set(found) == set(MEMBERS), name, "members", ", ".join(sorted(found)) or "none", ", ".join(MEMBERS))
    return found


def _read(folder: str, name: str, wanted: Sequence[str]) -> tuple[dict[str, int], dict[str, bytes]]:
    """Size of every member of a record, and the bytes of those that are wanted: the others are passed over."""
    try:
        with storage.open_read(storage.join(folder, name), block_b=_BLOCK_B) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            headers = {header.name.partition(".")[2]: header for header in tar if header.isreg() and header.size <= _MOST_B}
            found = {member: tar.extractfile(headers[member]).read() for member in wanted if member in headers}
            return {member: header.size for member, header in headers.items()}, found
    except (tarfile.TarError, EOFError) as error:
        raise ValueError(f"{name}: not a readable record ({error})") from error


def sidecar_of(shard: str) -> str:
    """The sidecar of the unit whose shard (or part of one) is called `shard`, below the dataset."""
    stem = storage.name_of(shard).removesuffix(".tar")
    head, dash, tail = stem.rpartition("-")
    return f"{head}{dash}{tail.partition('_')[0]}.parquet"


def sidecars(names: Mapping[str, FileFacts]) -> list[str]:
    """Which of the files of a dataset are sidecars of its units, in order."""
    return sorted(name for name in names if fnmatch(name, "shard-*.parquet") and "/" not in name)


def _sealed(folder: str, names: Mapping[str, FileFacts]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Unit -> key -> row, of the units that are sealed."""
    return {
        name.removeprefix("shard-").removesuffix(".parquet"): {row["key"]: row for row in _table(storage.join(folder, name))}
        for name in sidecars(names)
    }


def _unit_of(record: str) -> str:
    return record.removeprefix(MADE).partition("/")[0]


def _planned(folder: str, names: Mapping[str, FileFacts]) -> int | None:
    """The length of the plan, by the footers of its tables."""
    import pyarrow.parquet as pq

    plans = [name for name in names if fnmatch(name, "work/generation-*.pairs.parquet")]
    try:
        return sum(pq.read_metadata(io.BytesIO(storage.read_bytes(storage.join(folder, name)))).num_rows for name in plans) or None
    except (OSError, ValueError):
        return None


def _table(location: str) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with storage.open_read(location) as file:
            for part in pq.ParquetFile(file).iter_batches():
                yield from part.to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        what = f"dataset: {storage.name_of(location)}: unreadable"
        raise ValueError(f"{what} ({type(error).__name__}: {error}); run the same synthesize command again") from error
