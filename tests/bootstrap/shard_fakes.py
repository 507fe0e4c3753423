"""Tiny samples and finished dataset folders as the factory leaves them: shards, sidecars, manifest, run.json."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from bootstrap.rows import SCHEMA
from bootstrap.shards.writer import ShardWriter
from bootstrap.sidecar import SIDECAR
from models.artifacts import sha256, sha256_file, write_json, write_parquet
from models.images import encode_image
from models.storage import write_bytes
from models.video import encode_video, read_video
from tests.bootstrap.factory_fakes import moving_square

Sample = tuple[str, dict[str, bytes]]
GRID = {"width": 32, "height": 32, "fps": 8.0, "num_frames": 4}


@lru_cache(64)
def _media(level: int) -> tuple[bytes, bytes, bytes]:
    target = encode_video(moving_square((220, 60, 30), level, frames=4))
    return encode_video(moving_square((20, 60, 230), 200, frames=4)), encode_image(read_video(target).frames[0]), target


def sample(key: str, level: int = 40, **card: Any) -> Sample:
    """A pair that keeps the contract."""
    driver, reference, target = _media(level)
    members = {"driver.mp4": driver, "reference.png": reference, "target.mp4": target}
    hashes = {name: sha256(data) for name, data in members.items()}
    return key, {**members, "json": json.dumps({"prompt": "", **card, "members_sha256": hashes}).encode()}


def plain(key: str, size_b: int = 100) -> Sample:
    """A sample of bytes that nobody decodes."""
    return key, {"driver.mp4": bytes(size_b), "json": b"{}", "reference.png": bytes(size_b), "target.mp4": bytes(size_b)}


def pack(samples: Iterable[tuple[str, Mapping[str, bytes]]]) -> bytes:
    """The bytes of a shard with samples in the order given."""
    sink = io.BytesIO()
    writer = ShardWriter(sink, checksum=False)
    for key, members in samples:
        writer.add(key, members)
    writer.close()
    return sink.getvalue()


def write_shard(place: str | Path, samples: Sequence[Sample]) -> bytes:
    """A tar of samples; returns its bytes."""
    data = pack(samples)
    write_bytes(place, data)
    return data


def write_dataset(place: str | Path, shards: Sequence[Sequence[Sample]], *, grid: Mapping[str, Any] | None = None) -> str:
    """A finished folder of shards, each a unit; after its samples, every unit has a rejected pair without one."""
    place, rows, digests = str(place), [], {}
    for unit, samples in enumerate(shards):
        name, mine = f"shard-{unit:06d}.tar", []
        with _Sink() as sink:
            writer = ShardWriter(sink)
            for key, members in samples:
                spans = [value for span in writer.add(key, members) for value in span]
                mine.append({"key": key, "status": "kept", "shard": name, "spans": spans})
            digests[name] = writer.close().sha256
        write_bytes(f"{place}/{name}", sink.data)
        mine.append({"key": f"turned-down-{unit}", "status": "rejected", "shard": "", "spans": []})
        write_parquet(f"{place}/shard-{unit:06d}.parquet", mine, SIDECAR)
        rows += [{name: value for name, value in row.items() if name != "spans"} for row in mine]
    write_parquet(f"{place}/manifest.parquet", rows, SCHEMA)
    record = {"teacher": {"name": "t", "weights_hash": ""}, "filter_metrics": [], "shards": digests, "config": {"grid": dict(grid or {})}}
    write_json(f"{place}/run.json", record | {"manifest_sha256": sha256_file(f"{place}/manifest.parquet")})
    return place


class _Sink:
    """A file in memory that can be looked at when it is closed."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def __enter__(self) -> _Sink:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.data = b"".join(self.parts)

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)
