"""`actorforge validate`: kinds of folders, a folder of runs, a suite against data, and what `train` refuses to learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from awbench.suites.from_media import write_suite_from_media
from awbench.suites.load import load_suite
from awbench.world.export import write_clip_folder
from models.artifacts import write_json
from models.images import encode_image
from models.storage import write_bytes
from models.types import Clip, Grid
from models.video import read_video, write_video
from pipelines.cli import main
from pipelines.folder_kind import kind_of_folder

GRID = Grid(width=32, height=32, fps=8.0, num_frames=8)


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> Path:
    """Four clips of people and pictures of four others."""
    root = tmp_path_factory.mktemp("footage")
    write_clip_folder(root / "clips", split="train", subjects=("human",), clips=4, size=64, seed=3)
    write_clip_folder(root / "others", split="train", subjects=("quadruped", "bird"), clips=4, size=64, seed=4)
    for number in range(4):
        picture = read_video(root / "others" / f"clip_{number:06d}.mp4").frames[0]
        write_bytes(root / "images" / f"look{number}.png", encode_image(picture))
    return root


@pytest.fixture(scope="module")
def suite(footage) -> Path:
    out = footage / "suite"
    write_suite_from_media(footage / "clips", footage / "images", out, GRID, pairs=4)
    return out


def test_data_that_shares_footage_and_identities_is_told(footage, suite, tmp_path, capsys):
    clip = read_video(footage / "clips" / "clip_000001.mp4")
    write_video(tmp_path / "data" / "mirrored.mp4", Clip(frames=np.ascontiguousarray(clip.frames[2:, :, ::-1]), fps=clip.fps))
    write_bytes(tmp_path / "data" / "face.png", (footage / "images" / "look2.png").read_bytes())
    write_video(tmp_path / "data" / "other.mp4", read_video(footage / "others" / "clip_000003.mp4"))
    assert main(["validate", str(suite), "--against", str(tmp_path / "data")]) == 1
    said = capsys.readouterr().out.splitlines()
    assert "driver driving/clip_000001.mp4: the same footage as mirrored.mp4 (1 case(s), e.g. " in "\n".join(said)
    assert any(line.startswith("reference reference/look2.png: the same bytes as face.png (") for line in said)
    problems = [line for line in said if not line.startswith("note: ")]
    assert not any(line.startswith(("driver driving/clip_000000", "reference reference/look0")) for line in problems)
    assert sum(line.startswith("driver driving/clip_000001.mp4") for line in said) == 1
    users = {case.id for case in load_suite(suite).cases if "clip_000001" in case.driver_id or "look2" in case.identity_id}
    assert f"note: cases to leave out: {' '.join(sorted(users))}" in said


def test_data_of_other_footage_is_no_problem(footage, suite, tmp_path, capsys):
    write_clip_folder(tmp_path / "data", split="train", subjects=("human",), clips=2, size=64, seed=99)
    (tmp_path / "data" / "bad.mp4").write_bytes(b"nothing")
    assert main(["validate", str(suite), "--against", str(tmp_path / "data")]) == 0
    said = capsys.readouterr().out
    assert "suite, no problems" in said and "note: not looked at: bad.mp4: " in said


def test_a_dataset_is_looked_at_by_its_pairs_and_sources(footage, suite, tmp_path, capsys):
    from pipelines.synthesize import GridFlags, run

    write_bytes(tmp_path / "in" / "clip.mp4", (footage / "clips" / "clip_000002.mp4").read_bytes())
    grid = GridFlags(size=(32, 32), fps=8.0, num_frames=8)
    run(driving=tmp_path / "in", references=footage / "others", teacher="flow_warp", out=tmp_path / "set", grid=grid, limit=2)
    assert main(["validate", str(suite), "--against", str(tmp_path / "set")]) == 1
    assert "driver driving/clip_000002.mp4: the same bytes as driving clip.mp4" in capsys.readouterr().out


def test_only_a_suite_is_checked_against_data(footage, suite, capsys):
    assert main(["validate", str(footage / "clips"), "--against", str(suite)]) == 2
    assert "expected a suite to check against the data" in capsys.readouterr().err
    assert main(["validate", str(suite), "--against", str(suite)]) == 2
    assert "a suite, expected a dataset or media" in capsys.readouterr().err


def test_a_folder_of_runs_is_checked_run_by_run(suite, tmp_path, capsys):
    for animator in ("still", "echo_driver"):
        assert main(["generate", "--animator", animator, "--suite", str(suite), "--out", str(tmp_path / "runs" / animator)]) == 0
    assert main(["validate", str(tmp_path / "runs")]) == 0 and "2 run(s), no problems" in capsys.readouterr().out
    video = next((tmp_path / "runs" / "still" / "videos").iterdir())
    video.write_bytes(b"x")
    assert main(["validate", str(tmp_path / "runs")]) == 1
    assert f"still: case {video.stem}: videos/{video.name}: got sha256" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        ("suite.yaml", "suite"),
        ("animator.json", "checkpoint"),
        ("estimator.json", "estimator"),
        ("manifest.parquet", "dataset"),
        ("work/plan.json", "dataset"),
        ("plan.json", "run"),
        ("a/plan.json", "runs"),
        ("a.mp4", "media"),
        (".hidden/plan.json", "media"),
    ],
)
def test_a_folder_is_what_its_mark_says(mark, kind, tmp_path):
    write_json(tmp_path / "x" / mark, {})
    assert kind_of_folder(str(tmp_path / "x")) == kind


@pytest.mark.parametrize(
    ("mark", "said"), [("suite.yaml", "cannot be measured on it"), ("animator.json", "--init"), ("plan.json", "answers")]
)
def test_train_refuses_what_is_no_data_by_name(mark, said, tmp_path, capsys):
    write_json(tmp_path / "x" / mark, {})
    assert main(["train", "--data", str(tmp_path / "x"), "--recipe", "tiny_e2e", "--steps", "1", "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert "--data: got" in error and said in error and not (tmp_path / "o").exists()


def test_train_refuses_the_media_of_a_suite(suite, tmp_path, capsys):
    for place in (suite / "driving", suite / "driving" / "*.mp4"):
        assert main(["train", "--data", str(place), "--recipe", "tiny_e2e", "--steps", "1", "--out", str(tmp_path / "o")]) == 2
        assert f"media of the suite {suite}" in capsys.readouterr().err


def test_a_pose_estimator_is_known_and_a_damaged_one_is_a_problem(tmp_path, capsys):
    shipped = Path(__file__).parents[2] / "models" / "weights" / "tiny_pose_estimator"
    assert main(["validate", str(shipped)]) == 0 and "pose estimator, no problems" in capsys.readouterr().out
    write_json(tmp_path / "x" / "estimator.json", {})
    assert main(["validate", str(tmp_path / "x")]) == 1 and "pose estimator, 1 problem(s)" in capsys.readouterr().out


def test_a_suite_of_the_world_is_checked_by_what_it_renders(tmp_path, capsys):
    from awbench.suites.load import load_suite

    suite = load_suite("world-mini")
    media = suite.load(suite.cases[0].id)
    write_video(tmp_path / "data" / "leak.mp4", media.driving)
    assert main(["validate", "world-mini", "--against", str(tmp_path / "data")]) == 1
    assert f"driver {suite.cases[0].driver_id or suite.cases[0].id}: the same footage as leak.mp4" in capsys.readouterr().out
