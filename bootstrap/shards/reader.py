"""Shards -> `TrainingExample`s in shard order, decoded through an allow-list: png, mp4 and json, never pickle.

In: a dataset folder or a list of shards, local or URLs. One walk over the tar headers finds the samples (`places`), everything else reads
at those places: this module one after another, `bootstrap.shards.examples` by index. A damaged shard or sample raises
`DamagedShard` naming shard and key; pass `on_damage=list.append` of your own list (any function) to skip and count
instead. After a broken tar the rest of that shard is lost, after a broken sample only that sample.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterable, Iterator, Mapping, Sequence

from bootstrap.shards.writer import MEMBERS
from models.artifacts import read_json, sha256
from models.images import MediaError, read_image
from models.storage import exists, facts_of, is_folder, join, open_read, read_range, resolve, shown, walk
from models.types import TrainingExample, require
from models.video import read_video

RUN_FIELDS = {"teacher": dict, "filter_metrics": list, "shards": dict, "manifest_sha256": str}
"""What readers of a dataset take from its run.json."""
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


def shards_of(source: str | Path | Sequence[str | Path]) -> list[str]:
    """The locations of the shards of a finished dataset folder in order, or of those listed. Raises ValueError for an unfinished one."""
    if not isinstance(source, (str, Path)):
        return [resolve(path) for path in source]
    folder = resolve(source)
    if folder.endswith(".tar"):
        return [folder]
    run_record(folder)
    return [join(folder, name) for name in shard_names(folder)]


def shard_names(folder: str) -> list[str]:
    """The names of the shards that lie in a folder, in order."""
    return sorted(name for name, _ in walk(folder) if fnmatch(name, "shard-*.tar") and "/" not in name)


def run_record(folder: str | Path) -> dict[str, Any]:
    """The run.json of a finished dataset folder. Raises ValueError for an unfinished folder and for a damaged record."""
    place = resolve(folder)
    item, advice = join(shown(place), "run.json"), "run the same synthesize command again: it continues"
    require(is_folder(place), shown(place), "dataset", "no such folder", "a folder written by synthesize, or a list of shards")
    require(exists(join(place, "run.json")), shown(place), "run.json", "missing", "a finished dataset", advice)
    record = read_json(join(place, "run.json"))
    for name, kind in RUN_FIELDS.items():
        got = type(record.get(name)).__name__ if isinstance(record, dict) else f"a {type(record).__name__} as the whole"
        require(got == kind.__name__, item, name, got, f"a {kind.__name__}", f"damaged; {advice}")
    return record


def read_examples(
    source: str | Path | Sequence[str | Path], *, on_damage: Callable[[DamagedShard], Any] = stop
) -> Iterator[TrainingExample]:
    """Decode every sample of a dataset folder or of listed shards, always in the same order."""
    return _each(read_example, source, on_damage)


def read_samples(
    source: str | Path | Sequence[str | Path], *, on_damage: Callable[[DamagedShard], Any] = stop
) -> Iterator[tuple[str, dict[str, bytes], str]]:
    """The undecoded samples: key, members by name, location of the shard."""
    return _each(lambda place: (place.key, read_members(place), place.shard), source, on_damage)


def _each(read: Callable[[Place], Any], source: str | Path | Sequence[str | Path], on_damage: Callable) -> Iterator[Any]:
    for place in places(source, on_damage=on_damage):
        try:
            found = read(place)
        except DamagedShard as error:
            on_damage(error)
        else:
            yield found


def places(source: str | Path | Sequence[str | Path], *, on_damage: Callable[[DamagedShard], Any] = stop) -> Iterator[Place]:
    """Where every whole sample lies: from header to header, no member is read."""
    for shard in shards_of(source):
        try:
            yield from _places(shard, on_damage)
        except (tarfile.TarError, OSError, EOFError) as error:
            advice = "delete it and run the same synthesize command again"
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            on_damage(DamagedShard(f"{shown(shard)}: not a readable tar ({type(error).__name__}: {why}); {advice}"))


def _places(shard: str, on_damage: Callable[[DamagedShard], Any]) -> Iterator[Place]:
    key = ""
    size_b = facts_of(shard).size_b
    with open_read(shard, block_b=_HEADER_B) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for key, headers in groupby(_headers(tar), lambda header: header.name.partition(".")[0]):
            found = sorted((header.name.partition(".")[2], _span(header, size_b)) for header in headers)
            names, spans = [name for name, _ in found], tuple(span for _, span in found)
            where = f"{shown(shard)}: sample {key}: members"
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
        raise DamagedShard(f"{shown(place.shard)}: sample {place.key}: {type(error).__name__}: {error.strerror}") from error
    members = {name: data[at - start_b : at - start_b + count] for name, (at, count) in zip(MEMBERS, place.spans)}
    for name, (_, count) in zip(MEMBERS, place.spans):
        if len(members[name]) != count:
            raise DamagedShard(f"{shown(place.shard)}: sample {place.key}: cut inside {name}")
    return members


def _extent(spans: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """First byte and number of bytes of all spans together: a sample is read at once."""
    spans = list(spans)
    start_b = min(at for at, _ in spans)
    return start_b, max(at + count for at, count in spans) - start_b


def read_example(place: Place) -> TrainingExample:
    """Read and decode one sample. Raises DamagedShard, also where a member differs from the hash in its card."""
    members = read_members(place)
    try:
        example = decode(place.key, members)
        _check_hashes(members)
    except (ValueError, KeyError) as error:
        raise DamagedShard(f"{shown(place.shard)}: sample {place.key}: {error}") from error
    return example


def _check_hashes(members: Mapping[str, bytes]) -> None:
    """A decoder paints over some damage without a word; the hash in the card does not."""
    card = json.loads(members["json"])
    hashes = card.get("members_sha256") if isinstance(card, dict) else None
    for name, want in hashes.items() if isinstance(hashes, dict) else ():
        if name in members and sha256(members[name]) != want:
            raise ValueError(f"{name}: sha256 differs from its card")


def decode(key: str, members: Mapping[str, bytes]) -> TrainingExample:
    """Decode one sample. Raises ValueError naming the member that is broken."""
    decoded: dict[str, Any] = {}
    for name, read in (("driver.mp4", read_video), ("reference.png", read_image), ("target.mp4", read_video), ("json", json.loads)):
        try:
            decoded[name] = read(members[name])
        except (MediaError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{name}: {error}") from error
    return TrainingExample(
        id=key,
        reference=decoded["reference.png"].image,
        driver=decoded["driver.mp4"],
        target=decoded["target.mp4"],
        prompt=_prompt(decoded["json"]),
    )


def _prompt(card: Any) -> str:
    """The sample's own prompt; where that is empty, the text its guidance wrote."""
    card = card if isinstance(card, dict) else {}
    guidance = card.get("guidance")
    return card.get("prompt") or (guidance.get("prompt") if isinstance(guidance, dict) else "") or ""
