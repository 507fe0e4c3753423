"""What came of one pair, put away at once, whole or not at all, until its unit is sealed.

    work/made/000012/KEY.tar      KEY.driver.mp4  KEY.json  KEY.reference.png  KEY.target.mp4   as a shard has them; none without a sample
                                  KEY.row.json    {pair, row, content, again, trouble, filters}, the last member
A record with a content but without members says something new of a sample that stays where it lies: in a shard of its unit.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Iterator, Mapping

from bootstrap.planned import Known, Numbers
from bootstrap.shards.writer import ending, fragment, member
from models import storage
from models.artifacts import to_json
from models.pair_records import MADE, ROW, PairRecord, name_of_record, read_pair_record
from models.shards import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it was read. `place`: where the members of its sample lie, None where it has none."""

    location: str
    numbers: Numbers
    known: Known
    place: Place | None


def records_folder(out: str, unit: int) -> str:
    """Where the records of a unit lie."""
    return storage.join(out, MADE, f"{unit:06d}")


def put_away(out: str, unit: int, numbers: Numbers, known: Known, members: Mapping[str, bytes] | None = None, trouble: str = "") -> str:
    """Write the record of a pair; returns where. `trouble`: why an earlier verdict stands. Raises OSError where it cannot be written."""
    key = known.row["key"]
    row = {"pair": list(numbers), "row": dict(known.row), "content": known.content, "again": known.again, "filters": known.filters}
    data = (fragment(key, members) if members else b"") + member(f"{key}.{ROW}", to_json({**row, "trouble": trouble}).encode())
    location = storage.join(out, name_of_record(unit, key))
    storage.write_bytes(location, data + ending(len(data)))
    return location


def records_of(out: str, unit: int) -> Iterator[Record]:
    """The records of a unit that can be read. Raises OSError where the storage does not answer."""
    folder = records_folder(out, unit)
    if not storage.is_folder(folder):
        return
    for name, facts in storage.walk(folder):
        record = read_record(storage.join(folder, name)) if name.endswith(".tar") and not facts.fault else None
        if record is not None:
            yield record


def clear_records(out: str, unit: int) -> None:
    """Remove the records of a unit that is sealed."""
    _clear(records_folder(out, unit))


def clear_all_records(out: str) -> None:
    """Remove what is left of records once every unit is sealed: a worker that was tried out may have written one late."""
    _clear(storage.join(out, MADE))


def _clear(folder: str) -> None:
    if not storage.is_url(folder):
        shutil.rmtree(folder, ignore_errors=True)
    elif storage.is_folder(folder):
        for name, _ in storage.walk(folder):
            storage.delete(storage.join(folder, name))


def read_record(location: str) -> Record | None:
    """None for a damaged one: its pair is made again."""
    found = read_pair_record(location)
    try:
        return None if found is None else _record(location, found)
    except (ValueError, KeyError, TypeError):
        return None


def _record(location: str, found: PairRecord) -> Record:
    row, told = found.row, found.told
    window, identity = told["pair"]
    known = Known(row=row, content=told["content"], again=told["again"], filters=told["filters"])
    place = Place(shard=location, key=row["key"], spans=tuple(found.spans)) if found.spans else None
    return Record(location=location, numbers=(int(window), int(identity)), known=known, place=place)
