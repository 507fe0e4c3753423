"""Shards beside webdataset, and what opening costs: ratios of one run.

    OMP_NUM_THREADS=1 python tests/benchmarks/shards.py

Writes and reads 60 MB to 400 MB of samples of three sizes, each beside webdataset in turn, on a warm page cache; opens a finished dataset
of 1 000 shards of 60 samples; restores a sampler of 60 000. Takes 2 minutes and 2 GB below TMPDIR.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Callable, Iterator

import webdataset

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bootstrap.rows import SCHEMA  # noqa: E402
from bootstrap.shards.examples import ShardExamples  # noqa: E402
from bootstrap.shards.reader import read_samples  # noqa: E402
from bootstrap.shards.writer import ShardWriter  # noqa: E402
from bootstrap.sidecar import SIDECAR  # noqa: E402
from models.artifacts import sha256_file, write_json, write_parquet  # noqa: E402
from models.shards import MEMBERS  # noqa: E402
from models.training.sampler import EpochSampler  # noqa: E402
from tests.bootstrap.shard_fakes import sample  # noqa: E402

SIZES = {"48 px": ((8_000, 3_000, 6_000, 9_000), 2_000), "512x288": ((150_000, 3_000, 300_000, 200_000), 400)}
SIZES["720p"] = ((5 << 20, 3_000, 1 << 20, 5 << 20), 36)
ROUNDS = 7


def seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def ratios(base: Callable[[], object], ours: Callable[[], object]) -> str:
    """base ÷ ours, in turn: the median of some rounds, and its range."""
    found = sorted(seconds(base) / seconds(ours) for _ in range(ROUNDS))
    return f"{median(found):.2f}x ({found[0]:.2f} to {found[-1]:.2f})"


def throughput(folder: Path, name: str) -> str:
    sizes, count = SIZES[name]
    samples = [(f"k{n:06d}", {member: os.urandom(size) for member, size in zip(MEMBERS, sizes)}) for n in range(count)]
    tar, other = str(folder / "ours.tar"), str(folder / "theirs.tar")

    def theirs() -> None:
        with webdataset.TarWriter(other) as writer:
            for key, members in samples:
                writer.write({"__key__": key, **members})

    def ours(checksum: bool) -> None:
        with open(tar, "wb") as file:
            writer = ShardWriter(file, checksum=checksum)
            for key, members in samples:
                writer.add(key, members)
            writer.close()

    plain, summed = ratios(theirs, lambda: ours(False)), ratios(theirs, lambda: ours(True))
    read = ratios(
        lambda: sum(len(one["target.mp4"]) for one in webdataset.WebDataset(tar, shardshuffle=False)),
        lambda: sum(len(members["target.mp4"]) for _, members, _ in read_samples(tar)),
    )
    return f"{name}, {count} samples, {os.path.getsize(tar) / 1e6:.0f} MB: write {plain}, with sha256 {summed}, read in order {read}"


def many_shards(folder: Path, shards: int = 1_000, each: int = 60) -> None:
    """A finished folder; the shards hold the same samples under other keys."""
    _, members = sample("k")
    rows, digests = [], {}
    for unit in range(shards):
        name, mine = f"shard-{unit:06d}.tar", []
        with open(folder / name, "wb") as file:
            writer = ShardWriter(file)
            for n in range(each):
                spans = [value for span in writer.add(f"{unit:08d}-{n:011d}", members) for value in span]
                mine.append({"key": f"{unit:08d}-{n:011d}", "status": "kept", "shard": name, "spans": spans})
            digests[name] = writer.close().sha256
        write_parquet(folder / f"shard-{unit:06d}.parquet", mine, SIDECAR)
        rows += [{name: value for name, value in row.items() if name != "spans"} for row in mine]
    write_parquet(folder / "manifest.parquet", rows, SCHEMA)
    record = {"teacher": {"name": "t", "weights_hash": ""}, "filter_metrics": [], "shards": digests}
    write_json(folder / "run.json", record | {"manifest_sha256": sha256_file(folder / "manifest.parquet")})


def opening(folder: Path) -> Iterator[str]:
    many_shards(folder)
    examples = ShardExamples(folder)
    index = [seconds(lambda: ShardExamples(folder)) for _ in range(ROUNDS)]
    first = [seconds(lambda: ShardExamples(folder)[len(examples) // 2]) for _ in range(ROUNDS)]
    shards = sorted(map(str, folder.glob("shard-*.tar")))
    walked = seconds(lambda: ShardExamples(shards))
    text = f"{len(shards)} shards, {len(examples)} samples: index {median(index):.3f} s, index and first sample {median(first):.3f} s"
    yield f"{text}; by a walk over the headers {walked:.2f} s"
    every = seconds(lambda: [examples._index.place(i) for i in range(len(examples))])
    yield f"the places of all {len(examples)} samples, 1 000 sidecars: {every:.2f} s"


def resuming(count: int = 60_000) -> str:
    state = {"count": count, "seed": 0, "position": 123 * count + 4_567}
    sampler = EpochSampler(count, batch_size=8)
    took = seconds(lambda: (sampler.load_state_dict(state), next(sampler.batches())))
    return f"a sampler of {count} restored in epoch 123, its next batch: {took:.3f} s"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="af-") as scratch:
        for name in SIZES:
            print(throughput(Path(scratch), name), flush=True)
    with tempfile.TemporaryDirectory(prefix="af-") as scratch:
        for line in opening(Path(scratch)):
            print(line, flush=True)
    print(resuming())
