"""A dataset made from and written to a real S3 API on loopback that stumbles: the bytes of a disk, and never a part of an object."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from bootstrap.shards.examples import ShardExamples
from bootstrap.shards.validate import validate_dataset
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.windows import WindowRules
from bootstrap.survey import Footage
from models import storage
from pipelines.factory import synthesize
from pipelines.stations import Staff
from tests.bootstrap.factory_fakes import ShiftTeacher, config, make_round, write_sources
from tests.models.faulty_s3 import BUCKET, faulty_s3

PUBLISHED = ("manifest.parquet", "run.json", "shard-")
TROUBLE = ["503", "", "drop", "", "half", "", "lost", "", "slow", "", "503", "half", "", "drop"]


@pytest.fixture
def store():
    with faulty_s3() as found:
        yield found


def upload(folder: Path, to: str) -> None:
    for name, _ in storage.walk(str(folder)):
        storage.write_bytes(storage.join(to, name), (folder / name).read_bytes())


def make_far(place: str, catalog: Path):
    given = {"driving": (f"{place}/driving",), "references": (f"{place}/references",), "windows": WindowRules(near_doubles=True)}
    return synthesize(config(), f"{place}/out", Footage(**given), Staff(), ShiftTeacher, catalog=Catalog(catalog))


def published(folder: str) -> dict[str, bytes]:
    return {name: storage.read_bytes(storage.join(folder, name)) for name, _ in storage.walk(folder) if name.startswith(PUBLISHED)}


def test_a_dataset_on_s3_is_the_same_to_the_byte_and_is_never_seen_in_parts(tmp_path: Path, store) -> None:
    write_sources(tmp_path)
    near = make_round(tmp_path)
    upload(tmp_path / "driving", f"s3://{BUCKET}/set/driving")
    upload(tmp_path / "references", f"s3://{BUCKET}/set/references")
    whole, seen, watched, done = published(str(tmp_path / "out")), {}, [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            try:
                for name, facts in storage.walk(f"s3://{BUCKET}/set/out"):
                    seen.setdefault(name, set()).add(facts.size_b)
            except Exception as error:
                watched.append(error)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    store.faults.extend(TROUBLE)
    try:
        far = make_far(f"s3://{BUCKET}/set", tmp_path / "far.sqlite")
    finally:
        done.set()
        watcher.join()
    assert (far.kept, far.rejected, far.failed) == (near.kept, near.rejected, near.failed) and far.kept > 0
    assert store.hits == len(TROUBLE)
    assert published(f"s3://{BUCKET}/set/out") == whole
    assert watched == [] and any(name.startswith("shard-") for name in seen)
    assert all(seen[name] == {len(data)} for name, data in whole.items() if name in seen)
    assert validate_dataset(f"s3://{BUCKET}/set/out") == []
    store.method = "GET"
    store.faults.extend(["503", "cut", "", "drop", "cut"])
    pairs, same = ShardExamples(f"s3://{BUCKET}/set/out"), ShardExamples(tmp_path / "out")
    assert pairs.ids == same.ids
    assert all(np.array_equal(a.driver.frames, b.driver.frames) and np.array_equal(a.reference, b.reference) for a, b in zip(pairs, same))
    assert make_far(f"s3://{BUCKET}/set", tmp_path / "far.sqlite").kept == far.kept
    assert published(f"s3://{BUCKET}/set/out") == whole
