"""Shards -> `TrainingExample`s in shard order, decoded by `bootstrap.shards.decoding`.

In: a dataset folder or a list of shards, local or URLs. One walk over the tar headers finds the samples (`places`), everything else reads
at those places: this module one after another, `bootstrap.shards.examples` by index. A damaged shard or sample raises
`DamagedShard` naming shard and key; pass `on_damage=list.append` of your own list (any function) to skip and count
instead. After a broken tar the rest of that shard is lost, after a broken sample only that sample.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

from bootstrap.shards.decoding import check_hashes, decode
from bootstrap.shards.record import grid_of, in_order, run_record
from models.shards import DamagedShard, OneOpen, Place, places_in, read_members, sample_of, stop
from models.storage import join, resolve
from models.types import Grid, TrainingExample

Source = str | Path | Sequence[str | Path]
OnDamage = Callable[[DamagedShard], Any]


def shards_of(source: Source) -> list[str]:
    """The locations of the shards of a finished dataset folder in order, or of those listed. Raises ValueError for an unfinished one."""
    return opened(source).shards


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A source that was looked at: its shards; of a dataset folder its location, its grid and the hash of its manifest."""

    shards: list[str]
    folder: str = ""
    grid: Grid | None = None
    manifest_sha256: str = ""


def opened(source: Source) -> Opened:
    """Raises ValueError as `shards_of`."""
    if not isinstance(source, (str, Path)):
        return Opened(shards=[resolve(path) for path in source])
    folder = resolve(source)
    if folder.endswith(".tar"):
        return Opened(shards=[folder])
    record = run_record(folder)
    shards = [join(folder, name) for name in in_order(record["shards"])]
    return Opened(shards=shards, folder=folder, grid=grid_of(record), manifest_sha256=record["manifest_sha256"])


def read_examples(source: Source, *, on_damage: OnDamage = stop) -> Iterator[TrainingExample]:
    """Decode every sample of a dataset folder or of listed shards, always in the same order."""
    look = opened(source)
    return _each(lambda place, members: example_of(place, members, look.grid), look.shards, on_damage)


def read_samples(source: Source, *, on_damage: OnDamage = stop) -> Iterator[tuple[str, dict[str, bytes], str]]:
    """The undecoded samples: key, members by name, location of the shard."""
    return _each(lambda place, members: (place.key, members, place.shard), shards_of(source), on_damage)


def _each(made_of: Callable[[Place, dict[str, bytes]], Any], shards: list[str], on_damage: OnDamage) -> Iterator[Any]:
    with closing(OneOpen()) as read:
        for place in places_in(shards, on_damage=on_damage):
            try:
                found = made_of(place, read_members(place, read))
            except DamagedShard as error:
                on_damage(error)
            else:
                yield found


def places(source: Source, *, on_damage: OnDamage = stop) -> Iterator[Place]:
    """Where every whole sample lies."""
    return places_in(shards_of(source), on_damage=on_damage)


def read_example(place: Place, grid: Grid | None = None) -> TrainingExample:
    """Read and decode one sample. Raises DamagedShard, also where a member differs from the hash in its card."""
    return example_of(place, read_members(place), grid)


def example_of(place: Place, members: dict[str, bytes], grid: Grid | None) -> TrainingExample:
    """The example in the members of a sample. Raises DamagedShard as `read_example`."""
    try:
        check_hashes(members)
        return decode(place.key, members, grid)
    except (ValueError, KeyError) as error:
        raise DamagedShard(f"{sample_of(place.shard, place.key)}: {error}") from error
