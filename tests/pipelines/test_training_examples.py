"""What training reads from anywhere: datasets and clips behind URLs, globs and tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models import storage
from models.shards import DamagedShard, is_dataset
from models.types import Grid
from models.video import encode_video
from pipelines.recipes import RECIPES
from pipelines.training_examples import dataset_grid, digest, origin_of, training_examples
from tests.bootstrap.factory_fakes import make_round, moving_square, write_sources
from tests.bootstrap.shard_fakes import sample, write_dataset


@pytest.fixture
def config():
    return replace(
        RECIPES.load("tiny_prior")(), grid=Grid(width=32, height=32, fps=8.0, num_frames=4), other_moment_share=0.0, guide="none"
    )


def test_a_dataset_is_read_where_it_lies(tmp_path: Path, config) -> None:
    write_sources(tmp_path)
    kept = make_round(tmp_path).kept
    place = f"memory://{tmp_path.name}/out"
    for name, _ in storage.walk(str(tmp_path / "out")):
        storage.write_bytes(f"{place}/{name}", (tmp_path / "out" / name).read_bytes())
    near, far = training_examples(str(tmp_path / "out"), config), training_examples(place, config)
    assert kept == len(far) > 0 and digest(far) == digest(near)
    assert is_dataset(place) and origin_of(place) == origin_of(str(tmp_path / "out"))
    assert dataset_grid(place)["num_frames"] == 4 and not is_dataset(f"memory://{tmp_path.name}")


def test_clips_come_from_urls_globs_and_tables(tmp_path: Path, config) -> None:
    place = f"memory://{tmp_path.name}"
    for number in range(3):
        storage.write_bytes(f"{place}/sub/{number}.mp4", encode_video(moving_square((200, 60, 30), 40 + number)))
    storage.write_bytes(f"{place}/list.csv", b"uri,prompt\nsub/0.mp4,she waves\nsub/2.mp4,\nsub/9.mp4,\n")
    assert training_examples(place, config).ids == tuple(f"sub/{number}.mp4#0" for number in range(3))
    assert training_examples(f"{place}/*/[12].mp4", config).ids == ("sub/1.mp4#0", "sub/2.mp4#0")
    listed = training_examples(f"{place}/list.csv", config)
    assert listed.ids == ("sub/0.mp4#0", "sub/2.mp4#0") and [example.prompt for example in listed] == ["she waves", ""]


def test_what_is_left_out_is_told(tmp_path: Path, config, capsys: pytest.CaptureFixture) -> None:
    place = f"memory://{tmp_path.name}"
    storage.write_bytes(f"{place}/a.mp4", encode_video(moving_square((200, 60, 30), 40)))
    storage.write_bytes(f"{place}/bad.mp4", b"nothing")
    storage.write_bytes(f"{place}/clips.csv", b"file,subject\na.mp4,human\ngone.mp4,dog\na.mp4,too,many\n")
    assert training_examples(place, config).ids == ("a.mp4#0",)
    told = capsys.readouterr().out
    assert all(
        text in told for text in ("left out bad.mp4", "left out gone.mp4: listed in clips.csv line 3 but missing", "clips.csv line 4")
    )
    with pytest.raises(ValueError, match="--data: location: got memory://.*nowhere, expected an existing folder"):
        training_examples(f"{place}/nowhere", config)


def test_a_lost_shard_stops_or_is_left_out_as_asked(tmp_path: Path, config, capsys: pytest.CaptureFixture) -> None:
    place = write_dataset(tmp_path / "set", [[sample(f"{unit}{n}") for n in range(2)] for unit in "ab"])
    storage.delete(f"{place}/shard-000000.tar")
    with pytest.raises(DamagedShard, match="shard-000000.tar: got no such file"):
        training_examples(place, config)
    assert training_examples(place, config, "skip").ids == ("b0", "b1")
    assert "train: left out " in capsys.readouterr().out
