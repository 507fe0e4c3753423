"""Where the samples of a unit lie: in shards of at most so many bytes, in plan order, apart by what the pairs came to.

kept      shard-000012.tar, shard-000012_1.tar ...
rejected  rejected/shard-000012.tar ...        where rejected candidates are kept aside
failed    work/unjudged/shard-000012.tar ...   candidates whose judgement failed
"""

from __future__ import annotations

import re
from typing import Collection, Iterator, Mapping, Sequence

from models import storage

FOLDERS: Mapping[str, str] = {"kept": "", "rejected": "rejected/", "failed": "work/unjudged/"}
"""Status of a pair -> where below the dataset its sample lies."""
_BLOCK_B = 512


def shard_of(unit: int, status: str, part: int) -> str:
    """The name below the dataset of a part of a unit's samples."""
    return f"{FOLDERS[status]}shard-{unit:06d}{f'_{part}' if part else ''}.tar"


def is_of_unit(name: str, unit: int) -> bool:
    """Whether `shard_of` gives such a name for the unit."""
    return re.fullmatch(rf"(rejected/|work/unjudged/)?shard-{unit:06d}(_[1-9]\d*)?\.tar", name) is not None


def size_in_shard(sizes: Sequence[int]) -> int:
    """Bytes that a sample with members of these sizes takes of a shard."""
    return sum(_BLOCK_B + size + -size % _BLOCK_B for size in sizes)


def laid_out(unit: int, samples: Sequence[tuple[str, int]], limit_b: int) -> list[str]:
    """The shard of each sample, given as (status, bytes) in plan order: one goes on with a part until it would exceed the limit."""
    filled: dict[str, tuple[int, int]] = {}
    names = []
    for status, size_b in samples:
        part, used_b = filled.get(status, (0, 0))
        if used_b and used_b + size_b > limit_b:
            part, used_b = part + 1, 0
        filled[status] = (part, used_b + size_b)
        names.append(shard_of(unit, status, part))
    return names


def shards_there(out: str, unit: int, told: Collection[str] = ()) -> Iterator[str]:
    """The shards of a unit that lie in the dataset, by name below it: those `told`, and parts from the first one on without a gap."""
    for status in FOLDERS:
        part, last = 0, max((each for each in range(len(told) + 1) if shard_of(unit, status, each) in told), default=-1)
        while (there := storage.exists(storage.join(out, name := shard_of(unit, status, part)))) or part <= last:
            if there:
                yield name
            part += 1
