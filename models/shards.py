"""The form of a dataset's shards: plain WebDataset tars with the same members for every key, found by one walk over the headers.

    KEY.driver.mp4  KEY.json  KEY.reference.png  KEY.target.mp4
The factory writes them (`bootstrap.shards.writer`), training and reports read them; nothing is unpacked or trusted here: sizes are held
against the shard's own, and a damaged shard or sample is handed to `on_damage` as a `DamagedShard` that names both (default: raise).
After a broken tar the rest of that shard is lost, after a broken sample only that sample.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from itertools import groupby
from typing import Any, BinaryIO, Callable, Iterable, Iterator, Sequence

from models.storage import exists, facts_of, join, open_read, read_range, redacted

MEMBERS = ("driver.mp4", "json", "reference.png", "target.mp4")
"""What every sample holds."""
_MARKS = ("manifest.parquet", "work/plan.json", "shard-000000.tar")
_MAX_MEMBER_BYTES = 4 << 30
_HEADER_B = 8192
"""Read at a time where headers are looked for: much more would read into the members."""
_BETWEEN_B = 1 << 16
"""Headers and filling between the members of one sample take less than this."""


class DamagedShard(ValueError):
    """A shard or sample that cannot be read; the message names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sample lies: `spans` are (offset, size) in bytes of each member, in the order of `MEMBERS`."""

    shard: str
    key: str
    spans: Sequence[tuple[int, int]]


def stop(error: DamagedShard) -> None:
    """The default policy: damage ends the reading."""
    raise error


def is_dataset(folder: str) -> bool:
    """Whether the folder at a location is one that `synthesize` writes, finished or not."""
    return any(exists(join(folder, mark)) for mark in _MARKS)


def places_in(shards: Iterable[str], *, on_damage: Callable[[DamagedShard], Any] = stop) -> Iterator[Place]:
    """Where every whole sample of shards lies: from header to header, no member is read."""
    for shard in shards:
        try:
            yield from _places(shard, on_damage)
        except (tarfile.TarError, OSError, EOFError) as error:
            advice = "run the same synthesize command again"
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            damage = DamagedShard(f"{redacted(shard)}: not a readable tar ({type(error).__name__}: {why}); {advice}")
            damage.__cause__ = error  # a storage that does not answer is no damage: who must know asks
            on_damage(damage)


def _places(shard: str, on_damage: Callable[[DamagedShard], Any]) -> Iterator[Place]:
    key = ""
    size_b = facts_of(shard).size_b
    with open_read(shard, block_b=_HEADER_B) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for key, headers in groupby(_headers(tar), lambda header: header.name.partition(".")[0]):
            found = sorted((header.name.partition(".")[2], _span(header, size_b)) for header in headers)
            names, spans = [name for name, _ in found], tuple(span for _, span in found)
            where = f"{redacted(shard)}: sample {key}: members"
            if tuple(names) != MEMBERS:
                on_damage(DamagedShard(f"{where}: got {names}, expected {list(MEMBERS)}"))
            elif _extent(spans)[1] > sum(size for _, size in spans) + _BETWEEN_B:
                on_damage(DamagedShard(f"{where}: got other bytes between them, expected one after another"))
            else:
                yield Place(shard=shard, key=key, spans=spans)
        _check_end(file, tar.offset, key)


def _headers(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (header := tar.next()) is not None:
        tar.members.clear()  # tarfile keeps every header it has seen: gigabytes for a long shard
        yield header


def _span(header: tarfile.TarInfo, shard_b: int) -> tuple[int, int]:
    if not header.isreg() or header.size > _MAX_MEMBER_BYTES:
        return header.offset_data, 0
    if not 0 <= header.size <= shard_b - header.offset_data:
        raise tarfile.ReadError(f"cut inside {header.name}")
    return header.offset_data, header.size


def _check_end(file: BinaryIO, end_b: int, key: str) -> None:
    """Only zeros follow the last sample: tarfile takes the end of a cut file, and a broken header, for the end of a tar."""
    file.seek(end_b)
    block = file.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE:
        raise tarfile.ReadError(f"cut after sample {key}")
    while block:
        if block.strip(b"\0"):
            raise tarfile.ReadError(f"broken header after sample {key}")
        block = file.read(tarfile.RECORDSIZE)


def read_members(place: Place) -> dict[str, bytes]:
    """The bytes of a sample by member name; opens the shard anew, so threads share no file position. Raises DamagedShard."""
    start_b, size_b = _extent(place.spans)
    try:
        data = read_range(place.shard, start_b, start_b + size_b)
    except OSError as error:
        raise DamagedShard(f"{redacted(place.shard)}: sample {place.key}: {type(error).__name__}: {error.strerror}") from error
    members = {name: data[at - start_b : at - start_b + count] for name, (at, count) in zip(MEMBERS, place.spans)}
    for name, (_, count) in zip(MEMBERS, place.spans):
        if len(members[name]) != count:
            raise DamagedShard(f"{redacted(place.shard)}: sample {place.key}: cut inside {name}")
    return members


def _extent(spans: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """First byte and number of bytes of all spans together: a sample is read at once."""
    spans = list(spans)
    start_b = min(at for at, _ in spans)
    return start_b, max(at + count for at, count in spans) - start_b
