"""A made dataset in the readers of others, unmodified. The calls are those of docs/datasets.md."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.shards.reader import read_samples
from bootstrap.shards.validate import shape_of, validate_dataset
from models.artifacts import sha256
from models.shards import MEMBERS
from models.video import read_video, write_video
from tests.bootstrap.factory_fakes import make_round, moving_square, write_sources

VIDEOS = ("driver.mp4", "target.mp4")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """References are pictures and a clip; one driving clip has a prompt, the others have none."""
    folder = tmp_path_factory.mktemp("made")
    driving, references = write_sources(folder, clips=2, identities=2)
    (driving / "clip0.txt").write_text("she waves")
    write_video(references / "who9.mp4", moving_square((90, 20, 60), 120))
    make_round(folder)
    return folder / "out"


@pytest.fixture(scope="module")
def shards(made) -> list[str]:
    return sorted(map(str, made.glob("shard-*.tar")))


@pytest.fixture(scope="module")
def expected(made) -> dict[str, dict[str, bytes]]:
    found = {key: members for key, members, _ in read_samples(made)}
    assert len(found) > 3 and validate_dataset(made) == []
    return found


def test_cards_are_alike_whatever_their_sources_are(expected):
    cards = [json.loads(members["json"]) for members in expected.values()]
    assert all(shape_of(card) == shape_of(cards[0]) for card in cards)
    assert len({Path(card["reference"]).suffix for card in cards}) == 2 and len({bool(card["prompt"]) for card in cards}) == 2


def test_webdataset(shards, expected):
    webdataset = pytest.importorskip("webdataset")
    read = webdataset.WebDataset(shards, shardshuffle=False)
    assert {sample["__key__"]: {name: sample[name] for name in MEMBERS} for sample in read} == expected
    decoded = webdataset.WebDataset(shards, shardshuffle=False).decode(webdataset.handle_extension("mp4", read_video), "rgb8")
    sample = next(iter(decoded))
    assert sample["reference.png"].shape == (32, 32, 3) and len(sample["driver.mp4"]) == 4 and sample["json"]["prompt"] is not None


def test_wids(shards, expected, tmp_path, monkeypatch):
    wids = pytest.importorskip("wids")
    import pyarrow.parquet as pq

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    counts = [pq.read_table(shard.replace(".tar", ".parquet"), columns=["status"])["status"].to_pylist().count("kept") for shard in shards]
    listed = [{"url": shard, "nsamples": count} for shard, count in zip(shards, counts)]
    read = wids.ShardListDataset(listed, cache_dir=str(tmp_path), transformations=[])
    found = [read[i] for i in range(len(read))]
    assert [sample["__key__"] for sample in found] == list(expected)
    assert all(sample[".target.mp4"].read() == expected[sample["__key__"]]["target.mp4"] for sample in found)


@pytest.mark.parametrize("streaming", [False, True])
def test_hf_datasets(shards, expected, tmp_path, streaming, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    where = {} if streaming else {"cache_dir": str(tmp_path)}
    read = datasets.load_dataset("webdataset", data_files={"train": shards}, split="train", streaming=streaming, **where)
    for name in VIDEOS:
        read = read.cast_column(name, datasets.Video(decode=False))
    found = list(read)
    assert [sample["__key__"] for sample in found] == list(expected) and found[0]["reference.png"].size == (32, 32)
    cards = {key: json.loads(members["json"]) for key, members in expected.items()}
    assert all(sample["json"]["prompt"] == cards[sample["__key__"]]["prompt"] for sample in found)
    assert all(sample["driver.mp4"]["bytes"] == expected[sample["__key__"]]["driver.mp4"] for sample in found)


_RAY = """
import json, sys
import ray
from models.artifacts import sha256
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
ray.data.DataContext.get_current().enable_progress_bars = False
read = ray.data.read_webdataset(sys.argv[1:], decoder=None)
print(json.dumps({row["__key__"]: [sha256(row["driver.mp4"]), json.loads(row["json"])["prompt"]] for row in read.take_all()}))
row = ray.data.read_webdataset(sys.argv[1:]).take(1)[0]
print(json.dumps([list(row["reference.png"].shape), type(row["json"]).__name__, type(row["target.mp4"]).__name__]))
"""


def _run(code: str, *arguments: str) -> list:
    """What a program prints as JSON, line by line; a process of its own, as its library stays open in it."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("{", "["))]


def test_ray_data(shards, expected):
    pytest.importorskip("ray.data")
    raw, decoded = _run(_RAY, *shards)
    prompts = {key: json.loads(members["json"])["prompt"] for key, members in expected.items()}
    assert raw == {key: [sha256(members["driver.mp4"]), prompts[key]] for key, members in expected.items()}
    assert decoded == [[32, 32, 3], "dict", "bytes"]


_ENERGON = """
import json, sys
from megatron.energon import (Cooker, DefaultTaskEncoder, Sample, WorkerConfig, basic_sample_keys, edataclass, get_loader,
                              get_train_dataset, stateless)

@edataclass
class Pair(Sample):
    driver: bytes
    target: bytes

@stateless
def pair(sample):
    return Pair(**basic_sample_keys(sample), driver=sample["driver.mp4"], target=sample["target.mp4"])

class Pairs(DefaultTaskEncoder):
    decoder = None
    cookers = [Cooker(pair)]

one = WorkerConfig(rank=0, world_size=1, num_workers=0)
read = get_train_dataset(sys.argv[1], worker_config=one, batch_size=1, shuffle_buffer_size=None, max_samples_per_sequence=None,
                         task_encoder=Pairs(), repeat=False)
print(json.dumps([key for batch in get_loader(read) for key in batch.__key__]))
"""


def test_megatron_energon(made, expected, tmp_path):
    pytest.importorskip("megatron.energon")
    copy = shutil.copytree(made, tmp_path / "set")  # its first step writes an index of its own beside the shards
    prepare = "prepare --non-interactive --split-ratio 1,0,0 --num-workers 1 --sample-type CrudeWebdataset".split()
    energon = str(Path(sys.executable).with_name("energon"))
    subprocess.run([energon, *prepare, str(copy)], check=True, capture_output=True, timeout=120)
    (keys,) = _run(_ENERGON, str(copy))
    assert sorted(keys) == sorted(expected)
