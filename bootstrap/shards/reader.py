"""Shards -> `TrainingExample`s in shard order, decoded through an allow-list: png, mp4 and json, never pickle.

In: a dataset folder or a list of shards, local or URLs. One walk over the tar headers finds the samples (`places`), everything else reads
at those places: this module one after another, `bootstrap.shards.examples` by index. A damaged shard or sample raises
`DamagedShard` naming shard and key; pass `on_damage=list.append` of your own list (any function) to skip and count
instead. After a broken tar the rest of that shard is lost, after a broken sample only that sample.
"""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Sequence

from models.artifacts import read_json, sha256
from models.images import MediaError, read_image
from models.shards import DamagedShard, Place, places_in, read_members, stop
from models.storage import exists, is_folder, join, redacted, resolve, walk
from models.types import TrainingExample, require
from models.video import read_video

RUN_FIELDS = {"teacher": dict, "filter_metrics": list, "shards": dict, "manifest_sha256": str}
"""What readers of a dataset take from its run.json."""


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
    item, advice = join(redacted(place), "run.json"), "run the same synthesize command again: it continues"
    require(is_folder(place), redacted(place), "dataset", "no such folder", "a folder written by synthesize, or a list of shards")
    require(exists(join(place, "run.json")), redacted(place), "run.json", "missing", "a finished dataset", advice)
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
    """Where every whole sample lies."""
    return places_in(shards_of(source), on_damage=on_damage)


def read_example(place: Place) -> TrainingExample:
    """Read and decode one sample. Raises DamagedShard, also where a member differs from the hash in its card."""
    members = read_members(place)
    try:
        example = decode(place.key, members)
        _check_hashes(members)
    except (ValueError, KeyError) as error:
        raise DamagedShard(f"{redacted(place.shard)}: sample {place.key}: {error}") from error
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
