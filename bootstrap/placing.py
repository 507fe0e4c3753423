"""Where the samples of a unit lie, and how they come there: at every moment each of them is whole on disk.

    kept      shard-00000K.tar
    rejected  rejected/shard-00000K.tar        where rejected candidates are kept aside
    failed    work/unjudged/shard-00000K.tar   candidates whose judgement failed
Judging again moves samples from one to another. They are written where they go before they are taken away where they were, so that a kill
costs none; `bootstrap.earlier` looks in all three places.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from bootstrap.attempt import Attempt
from bootstrap.shards.writer import shard_name, write_shard
from models import storage
from models.artifacts import sha256


def places(index: int) -> dict[str, str]:
    """Status of a pair -> where its sample lies below the dataset."""
    name = shard_name(index)
    return {"kept": name, "rejected": f"rejected/{name}", "failed": f"work/unjudged/{name}"}


def place_samples(out: str, index: int, attempts: Sequence[Attempt], where: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Write the shards of a unit, remove empty ones; returns shard -> {bytes, sha256}. `where`: key -> the shard it lies in now."""
    names, shards = places(index), {}
    samples = [made for made in attempts if made.members]
    goes = {made.row["key"]: names[made.row["status"]] for made in samples}
    moved = {key for key, name in goes.items() if where.get(key, name) != name}
    if moved:
        aside = [made for made in samples if made.row["status"] == "rejected" or made.row["key"] in moved]
        _write(storage.join(out, names["rejected"]), aside)
    for status, name in names.items():
        here = [made for made in samples if made.row["status"] == status]
        if here:
            data = _write(storage.join(out, name), here)
            shards[name] = {"bytes": len(data), "sha256": sha256(data)}
        elif status != "failed" or name in where.values():
            storage.delete(storage.join(out, name))
    return shards


def _write(location: str, samples: Sequence[Attempt]) -> bytes:
    return write_shard(location, [(made.row["key"], made.members) for made in samples])
