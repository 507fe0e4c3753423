"""Samples -> one WebDataset tar, byte-reproducible: ustar, mtime 0, no owner, members of a sample together and sorted.

A sample is a key without dots and the same members for every key:
    KEY.driver.mp4  KEY.json  KEY.reference.png  KEY.target.mp4
"""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from typing import Mapping, Sequence

from models.shards import MEMBERS
from models.storage import write_bytes
from models.types import require

_KEY = re.compile(r"[0-9A-Za-z_-]{1,64}")


def shard_name(index: int) -> str:
    return f"shard-{index:06d}.tar"


def pack(samples: Sequence[tuple[str, Mapping[str, bytes]]]) -> bytes:
    """The bytes of a shard with `(key, members)` in the order given. Raises ValueError for a bad key or member set."""
    sink, keys = io.BytesIO(), set()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for key, members in samples:
            require(bool(_KEY.fullmatch(key)) and key not in keys, "sample", "key", repr(key), "unique, of 1-64 letters, digits, _ and -")
            require(tuple(sorted(members)) == MEMBERS, f"sample {key}", "members", sorted(members), str(list(MEMBERS)))
            keys.add(key)
            for name in MEMBERS:
                tar.addfile(_header(f"{key}.{name}", len(members[name])), io.BytesIO(members[name]))
    return sink.getvalue()


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o644  # tarfile's other defaults: mtime 0, uid and gid 0, no user names
    return header


def write_shard(path: str | Path, samples: Sequence[tuple[str, Mapping[str, bytes]]]) -> bytes:
    """Publish a shard under its final name whole or not at all; returns its bytes."""
    data = pack(samples)
    write_bytes(path, data)
    return data
