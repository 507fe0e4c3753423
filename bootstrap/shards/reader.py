"""Shards -> `TrainingExample`s in shard order, decoded through an allow-list: png, mp4 and json, never pickle.

In: a dataset folder or a list of shards. One walk over the tar headers finds the samples (`places`), everything else reads
at those places: this module one after another, `bootstrap.shards.examples` by index. A damaged shard or sample raises
`DamagedShard` naming shard and key; pass `on_damage=list.append` of your own list (any function) to skip and count
instead. After a broken tar the rest of that shard is lost, after a broken sample only that sample.
"""

from __future__ import annotations

import json
import os
import tarfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterator, Mapping, Sequence

from bootstrap.shards.writer import MEMBERS
from models.artifacts import read_json, sha256
from models.images import MediaError, read_image
from models.types import TrainingExample, require
from models.video import read_video

RUN_FIELDS = {"teacher": dict, "filter_metrics": list, "shards": dict, "manifest_sha256": str}
"""What readers of a dataset take from its run.json."""
_MAX_MEMBER_BYTES = 4 << 30


class DamagedShard(ValueError):
    """A shard or sample that cannot be read; the message names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sample lies: `spans` are (offset, size) in bytes of each member, in the order of `MEMBERS`."""

    shard: Path
    key: str
    spans: Sequence[tuple[int, int]]


def stop(error: DamagedShard) -> None:
    """The default policy: damage ends the reading."""
    raise error


def shards_of(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """The shards of a finished dataset folder in order, or the listed shards. Raises ValueError for an unfinished one."""
    if not isinstance(source, (str, Path)):
        return [Path(path) for path in source]
    folder = Path(source)
    if folder.suffix == ".tar":
        return [folder]
    run_record(folder)
    return sorted(folder.glob("shard-*.tar"))


def run_record(folder: Path) -> dict[str, Any]:
    """The run.json of a finished dataset folder. Raises ValueError for an unfinished folder and for a damaged record."""
    advice = "run the same synthesize command again: it continues"
    require(folder.is_dir(), str(folder), "dataset", "no such folder", "a folder written by synthesize, or a list of shards")
    require((folder / "run.json").is_file(), str(folder), "run.json", "missing", "a finished dataset", advice)
    record = read_json(folder / "run.json")
    for name, kind in RUN_FIELDS.items():
        got = type(record.get(name)).__name__ if isinstance(record, dict) else f"a {type(record).__name__} as the whole"
        require(got == kind.__name__, str(folder / "run.json"), name, got, f"a {kind.__name__}", f"damaged; {advice}")
    return record


def read_examples(
    source: str | Path | Sequence[str | Path], *, on_damage: Callable[[DamagedShard], Any] = stop
) -> Iterator[TrainingExample]:
    """Decode every sample of a dataset folder or of listed shards, always in the same order."""
    return _each(read_example, source, on_damage)


def read_samples(
    source: str | Path | Sequence[str | Path], *, on_damage: Callable[[DamagedShard], Any] = stop
) -> Iterator[tuple[str, dict[str, bytes], Path]]:
    """The undecoded samples: key, members by name, shard."""
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
            on_damage(DamagedShard(f"{shard}: not a readable tar ({type(error).__name__}: {error}); {advice}"))


def _places(shard: Path, on_damage: Callable[[DamagedShard], Any]) -> Iterator[Place]:
    key = ""
    with open(shard, "rb", buffering=0) as file, tarfile.open(fileobj=file, mode="r:") as tar:  # a buffer would read into members
        size_b = os.fstat(file.fileno()).st_size
        for key, headers in groupby(_headers(tar), lambda header: header.name.partition(".")[0]):
            spans = {header.name.partition(".")[2]: _span(header, size_b) for header in headers}
            if tuple(sorted(spans)) == MEMBERS:
                yield Place(shard=shard, key=key, spans=tuple(spans[name] for name in MEMBERS))
            else:
                on_damage(DamagedShard(f"{shard}: sample {key}: members: got {sorted(spans)}, expected {list(MEMBERS)}"))
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
    members = {}
    try:
        with open(place.shard, "rb") as file:
            for name, (offset_b, size_b) in zip(MEMBERS, place.spans):
                file.seek(offset_b)
                members[name] = file.read(size_b)
    except OSError as error:
        raise DamagedShard(f"{place.shard}: sample {place.key}: {type(error).__name__}: {error.strerror}") from error
    for name, (_, size_b) in zip(MEMBERS, place.spans):
        if len(members[name]) != size_b:
            raise DamagedShard(f"{place.shard}: sample {place.key}: cut inside {name}")
    return members


def read_example(place: Place) -> TrainingExample:
    """Read and decode one sample. Raises DamagedShard, also where a member differs from the hash in its card."""
    members = read_members(place)
    try:
        example = decode(place.key, members)
        _check_hashes(members)
    except (ValueError, KeyError) as error:
        raise DamagedShard(f"{place.shard}: sample {place.key}: {error}") from error
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
