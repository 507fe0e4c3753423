"""A clip folder: complete, resumable, refusing other settings."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from awbench.world import export
from awbench.world.render import render
from awbench.world.shot import Shot

SETTINGS = {"split": "train", "subjects": ("human", "blob"), "size": 32, "num_frames": 3, "seed": 4}


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "clips.csv", newline="") as handle:
        return list(csv.DictReader(handle))


def test_a_folder_lists_its_clips_with_licence_consent_and_shot(tmp_path: Path) -> None:
    export.write_clip_folder(tmp_path, clips=3, **SETTINGS)
    table = rows(tmp_path)
    assert tuple(table[0]) == export.COLUMNS and [row["subject"] for row in table] == ["human", "blob", "human"]
    for row in table:
        assert (tmp_path / row["file"]).stat().st_size > 0
        assert (row["licence"], row["consent"], row["split"]) == ("CC0-1.0", "synthetic", "train")
        shot = Shot.from_json(json.loads(row["shot"]))
        assert (shot.motion, str(shot.count), shot.framing, shot.camera) == (row["motion"], row["count"], row["framing"], row["camera"])


def test_poses_lie_beside_clips_with_a_skeleton(tmp_path: Path) -> None:
    export.write_clip_folder(tmp_path, clips=2, **SETTINGS)
    shot = Shot.from_json(json.loads(rows(tmp_path)[0]["shot"]))
    expected = render(shot, (32, 32), 3, 8).pose
    with np.load(tmp_path / "clip_000000.npz") as pose:
        np.testing.assert_array_equal(pose["points"], expected.points)
        np.testing.assert_array_equal(pose["confidence"], expected.confidence)
        assert float(pose["fps"]) == 8.0
    assert not (tmp_path / "clip_000001.npz").exists()


def test_the_same_command_continues_and_more_clips_extend(tmp_path: Path) -> None:
    export.write_clip_folder(tmp_path, clips=2, **SETTINGS)
    (tmp_path / "clip_000000.mp4").write_bytes(b"kept")
    (tmp_path / "clip_000001.mp4").unlink()
    (tmp_path / "clips.csv").unlink()
    export.write_clip_folder(tmp_path, clips=3, **SETTINGS)
    assert (tmp_path / "clip_000000.mp4").read_bytes() == b"kept"
    assert len(rows(tmp_path)) == 3 and all((tmp_path / row["file"]).exists() for row in rows(tmp_path))


def test_the_table_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(export, "write_video", fail)
    with pytest.raises(OSError, match="disk full"):
        export.write_clip_folder(tmp_path, clips=1, **SETTINGS)
    assert not (tmp_path / "clips.csv").exists() and not list(tmp_path.glob("*.mp4"))


def test_other_settings_are_refused_naming_the_field(tmp_path: Path) -> None:
    export.write_clip_folder(tmp_path, clips=1, **SETTINGS)
    with pytest.raises(ValueError, match="size: got 40, expected 32"):
        export.write_clip_folder(tmp_path, clips=1, **{**SETTINGS, "size": 40})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"split": "test"}, "split"),
        ({"subjects": ()}, "subjects"),
        ({"subjects": ("octopus",)}, "subjects"),
        ({"clips": 0}, "clips"),
        ({"size": 4}, "size"),
        ({"num_frames": 0}, "num_frames"),
    ],
)
def test_bad_arguments_write_nothing(tmp_path: Path, change: dict, field: str) -> None:
    out = tmp_path / "folder"
    with pytest.raises(ValueError, match=f"{field}: got .* expected "):
        export.write_clip_folder(out, **{**SETTINGS, "clips": 1, **change})
    assert not out.exists()


def test_an_occupied_folder_and_fewer_clips_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ValueError, match="content: got mine.txt, expected a new or empty folder"):
        export.write_clip_folder(tmp_path, clips=1, **SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    export.write_clip_folder(tmp_path / "own", clips=3, **SETTINGS)
    (tmp_path / "own" / "clip_000000.txt").write_text("a prompt of mine")
    export.write_clip_folder(tmp_path / "own", clips=3, **SETTINGS)
    with pytest.raises(ValueError, match="clips: got 2, expected at least the 3 that are there"):
        export.write_clip_folder(tmp_path / "own", clips=2, **SETTINGS)
    assert len(rows(tmp_path / "own")) == 3
