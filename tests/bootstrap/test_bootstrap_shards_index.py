"""Opening a finished folder by its tables: no tar is opened, the same examples as by a walk, damage named."""

import os
import pickle

import numpy as np
import pyarrow.parquet as pq
import pytest

from bootstrap.shards.examples import ShardExamples
from bootstrap.shards.loader import ShardLoader
from bootstrap.shards.reader import read_examples
from bootstrap.shards.record import in_order
from bootstrap.shards.validate import validate_dataset
from bootstrap.sidecar import SIDECAR
from models.artifacts import write_parquet
from models.dataset_rows import sidecar_of
from models.shards import DamagedShard
from models.storage import walk, write_bytes
from models.training.sampler import EpochSampler
from tests.bootstrap.shard_fakes import GRID, plain, sample, write_dataset


@pytest.fixture
def folder(tmp_path):
    shards = [[sample(f"key{3 * unit + n}", 40 + n) for n in range(3)] for unit in range(2)]
    return write_dataset(tmp_path / "out", shards, grid=GRID)


def opened_files(monkeypatch, task):
    """The names of the files that `task` opens."""
    names, honest = [], os.open
    monkeypatch.setattr(os, "open", lambda path, *rest, **more: names.append(os.path.basename(str(path))) or honest(path, *rest, **more))
    task()
    return names


def test_opening_and_a_first_sample_touch_one_shard_of_many(tmp_path, monkeypatch):
    folder = write_dataset(tmp_path, [[plain(f"{unit}-{n}") for n in range(3)] for unit in range(40)])
    examples = []
    opened = opened_files(monkeypatch, lambda: examples.append(ShardExamples(folder)))
    assert sorted(opened) == ["manifest.parquet", "run.json"] and len(examples[0]) == 120 and examples[0].ids[5] == "1-2"
    place = examples[0]._index.place(5)
    assert place.shard.endswith("shard-000001.tar") and [size for _, size in place.spans] == [100, 2, 100, 100]


def test_the_tables_give_what_the_walk_gives(folder):
    listed, walked = ShardExamples(folder), ShardExamples([f"{folder}/shard-{n:06d}.tar" for n in range(2)])
    assert listed.ids == walked.ids == tuple(example.id for example in read_examples(folder)) == tuple(f"key{n}" for n in range(6))
    for i in range(6):
        one, other = listed._index.place(i), walked._index.place(i)
        assert (one.shard, one.key) == (other.shard, other.key) and [*map(tuple, one.spans)] == [*map(tuple, other.spans)]
    assert np.array_equal(listed[4].target.frames, walked[4].target.frames)
    assert pickle.loads(pickle.dumps(listed))[5].id == "key5" and validate_dataset(folder) == []


def test_it_lies_anywhere(folder, tmp_path):
    place = f"memory://{tmp_path.name}/set"
    for name, _ in walk(folder):
        with open(f"{folder}/{name}", "rb") as file:
            write_bytes(f"{place}/{name}", file.read())
    assert ShardExamples(place).ids == ShardExamples(folder).ids and ShardExamples(place)[3].id == "key3"


def test_without_a_sidecar_the_tars_are_walked(folder):
    os.unlink(f"{folder}/shard-000001.parquet")
    assert len(ShardExamples(folder)) == 6 and type(ShardExamples(folder)._index).__name__ == "Walked"


def rewrite(folder, change):
    rows = pq.read_table(f"{folder}/shard-000000.parquet").to_pylist()
    change(rows)
    write_parquet(f"{folder}/shard-000000.parquet", rows, SIDECAR)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[1].update(spans=[1 << 40, 10] * 4), "cut"),
        (lambda rows: rows[1].update(spans=[-512, 10] * 4), "got 10 bytes at -512"),
        (lambda rows: rows[1].update(spans=[512, 1 << 40] * 4), "expected at most"),
        (lambda rows: rows[1].update(spans=[512, 10, 1024, 2, 90000, 10, 99000, 10]), "other bytes between them"),
        (lambda rows: rows[1].update(key="foreign"), "got another row in shard-000000.parquet"),
        (lambda rows: rows[1].update(spans=[1, 2]), "not a readable sidecar"),
    ],
)
def test_places_that_cannot_be_are_refused_with_shard_and_key(folder, change, said):
    rewrite(folder, change)
    with pytest.raises(DamagedShard, match=f"shard-000000.*{said}"):
        ShardExamples(folder)[1]
    assert any(said in problem or "place:" in problem for problem in validate_dataset(folder))


def test_a_lost_or_short_shard_is_told_on_opening_or_on_reading(folder):
    with open(f"{folder}/shard-000001.tar", "r+b") as file:
        file.truncate(3000)
    with pytest.raises(DamagedShard, match="shard-000001.tar: sample key5: got a shard of 3000 bytes"):
        ShardExamples(folder)[5]
    os.unlink(f"{folder}/shard-000001.tar")
    with pytest.raises(DamagedShard, match="shard-000001.tar: got no such file"):
        ShardExamples(folder)
    damage = []
    examples = ShardExamples(folder, on_damage=damage.append)
    assert examples.ids == ("key0", "key1", "key2") and len(damage) == 1 and examples[2].id == "key2"
    problems = validate_dataset(folder)
    assert "shard-000001.tar: got no such file" in problems[0] and sum("got none, expected one by the manifest" in p for p in problems) == 3


def test_a_foreign_manifest_and_broken_tables_are_refused(folder):
    with open(f"{folder}/shard-000000.parquet", "wb") as file:
        file.write(b"PAR1" * 10)
    with pytest.raises(DamagedShard, match="shard-000000.parquet: not a readable sidecar"):
        ShardExamples(folder)[0]
    with open(f"{folder}/manifest.parquet", "ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="manifest.parquet: sha256"):
        ShardExamples(folder)


def test_parts_of_a_unit_come_in_order_and_share_a_sidecar():
    names = ["shard-000001.tar", "shard-000000_10.tar", "shard-000000_2.tar", "shard-000000.tar"]
    assert in_order(names) == ["shard-000000.tar", "shard-000000_2.tar", "shard-000000_10.tar", "shard-000001.tar"]
    assert {sidecar_of(name) for name in names[1:]} == {"shard-000000.parquet"}


@pytest.mark.parametrize("processes", [0, 2])
def test_a_loader_leaves_damage_out_counts_it_and_resumes_behind_what_it_gave(folder, processes):
    with open(f"{folder}/shard-000000.tar", "r+b") as file:
        file.seek(ShardExamples(folder)._index.place(1).spans[0][0])
        file.write(bytes(64))
    examples = ShardExamples(folder)

    def loader(rank=0, world_size=1, **options):
        sampler = EpochSampler(6, batch_size=2, rank=rank, world_size=world_size, epochs=2, seed=1)
        return ShardLoader(examples, sampler, processes=processes, **options)

    whole = loader(on_damage="skip")
    given = [[example.id for example in batch] for batch in whole]
    assert len(given) == 6 and sum(map(len, given)) == 10 and list(whole.skipped) == ["key1"] and "sha256" in whole.skipped["key1"]
    first, steps = loader(on_damage="skip"), 0
    for _ in first:
        steps += 1
        if steps == 2:
            break
    rest = [loader(rank, 2, on_damage="skip") for rank in range(2)]
    for one in rest:
        one.load_state_dict(first.state_dict())
    parts = [[[example.id for example in batch] for batch in one] for one in rest]
    assert [a + b for a, b in zip(*parts)] == given[2:]
    with pytest.raises(DamagedShard, match="sample key1"):
        list(loader())
