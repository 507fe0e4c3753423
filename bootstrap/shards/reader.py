"""Shards -> `TrainingExample`s in shard order, decoded through an allow-list: png, mp4 and json, never pickle.

In: a dataset folder or a list of shards. A damaged shard or sample raises `DamagedShard` naming shard and key; pass
`on_damage=list.append` of your own list (any function) to skip and count instead. After a broken tar the rest of that
shard is lost, after a broken sample only that sample.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Sequence

from bootstrap.shards.writer import MEMBERS
from models.artifacts import read_json
from models.images import MediaError, read_image
from models.types import TrainingExample, require
from models.video import read_video

RUN_FIELDS = {"teacher": dict, "filter_metrics": list, "shards": dict, "manifest_sha256": str}
"""What readers of a dataset take from its run.json."""
_MAX_MEMBER_BYTES = 4 << 30


class DamagedShard(ValueError):
    """A shard or sample that cannot be read; the message names both."""


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
    for key, members, shard in read_samples(source, on_damage=on_damage):
        try:
            yield decode(key, members)
        except (ValueError, KeyError) as error:
            on_damage(DamagedShard(f"{shard}: sample {key}: {error}"))


def read_samples(
    source: str | Path | Sequence[str | Path], *, on_damage: Callable[[DamagedShard], Any] = stop
) -> Iterator[tuple[str, dict[str, bytes], Path]]:
    """The undecoded samples: key, members by name, shard."""
    for shard in shards_of(source):
        try:
            yield from ((key, members, shard) for key, members in _samples(shard, on_damage))
        except (tarfile.TarError, OSError, EOFError) as error:
            advice = "delete it and run the same synthesize command again"
            on_damage(DamagedShard(f"{shard}: not a readable tar ({type(error).__name__}: {error}); {advice}"))


def _samples(shard: Path, on_damage: Callable[[DamagedShard], Any]) -> Iterator[tuple[str, dict[str, bytes]]]:
    key, members = "", {}
    with tarfile.open(shard, "r:") as tar:
        for header in tar:
            owner, _, name = header.name.partition(".")
            if owner != key and members:
                yield from _complete(shard, key, members, on_damage)
                members = {}
            key = owner
            members[name] = _content(tar, header)
        end = tar.offset
    if members:
        yield from _complete(shard, key, members, on_damage)
    if shard.stat().st_size < end + 512:  # without its closing blocks a tar was cut; tarfile does not mind
        raise tarfile.ReadError(f"cut after sample {key}")


def _content(tar: tarfile.TarFile, header: tarfile.TarInfo) -> bytes:
    if not header.isreg() or header.size > _MAX_MEMBER_BYTES:
        return b""
    data = tar.extractfile(header).read()
    if len(data) != header.size:
        raise tarfile.ReadError(f"cut inside {header.name}")
    return data


def _complete(shard: Path, key: str, members: dict[str, bytes], on_damage: Callable) -> Iterator[tuple[str, dict[str, bytes]]]:
    if tuple(sorted(members)) == MEMBERS:
        yield key, members
    else:
        on_damage(DamagedShard(f"{shard}: sample {key}: members: got {sorted(members)}, expected {list(MEMBERS)}"))


def decode(key: str, members: Mapping[str, bytes]) -> TrainingExample:
    """Decode one sample. Raises ValueError naming the member that is broken."""
    decoded: dict[str, Any] = {}
    for name, read in (("driver.mp4", read_video), ("reference.png", read_image), ("target.mp4", read_video), ("json", json.loads)):
        try:
            decoded[name] = read(members[name])
        except (MediaError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{name}: {error}") from error
    prompt = decoded["json"].get("prompt", "") if isinstance(decoded["json"], dict) else ""
    return TrainingExample(
        id=key, reference=decoded["reference.png"].image, driver=decoded["driver.mp4"], target=decoded["target.mp4"], prompt=prompt
    )
