"""`export DATASET --to`: each folder read back by the rules of the trainer that reads it."""

import json
import os
import tomllib

import pandas as pd
import pytest

from models.images import read_image
from models.video import read_video
from pipelines.cli import main
from tests.bootstrap.made_dataset import GRID, KEPT, PROMPTS, finished, members, unfinished

MADE = {key: members(key, prompt) for key, prompt in zip(KEPT, PROMPTS)}
PAIRS = {key: {name: MADE[key][f"{name}.mp4"] for name in ("target", "driver")} | {"prompt": text} for key, text in zip(KEPT, PROMPTS)}


@pytest.fixture
def dataset(tmp_path):
    return finished(tmp_path / "pairs")


def export(dataset, to, *more):
    return main(["export", str(dataset), "--to", to, "--out", str(dataset.parent / "out"), *more])


def test_musubi_finds_control_and_caption_by_the_name_of_the_video(dataset):
    """docs/dataset_config.md: control by the same file name, caption beside the video, paths from the working folder."""
    assert export(dataset, "musubi") == 0
    out = dataset.parent / "out"
    config = tomllib.loads((out / "dataset.toml").read_text())
    (one,), general = config["datasets"], config["general"]
    assert general["resolution"] == [GRID["width"], GRID["height"]] and one["target_frames"] == [5] and one["frame_extraction"] == "head"
    videos = sorted((out / one["video_directory"]).glob("*.mp4"))
    assert [video.stem for video in videos] == KEPT
    for video in videos:
        pair = PAIRS[video.stem]
        assert video.read_bytes() == pair["target"] and video.with_suffix(general["caption_extension"]).read_text() == pair["prompt"]
        assert (out / one["control_directory"] / video.name).read_bytes() == pair["driver"]
    assert one["cache_directory"] not in (one["video_directory"], one["control_directory"])


def test_diffsynth_reads_texts_and_files_from_a_csv(dataset):
    """UnifiedDataset: pandas.read_csv, every cell a value, files below the base path; an empty cell would come as a float."""
    assert export(dataset, "diffsynth") == 0
    out = dataset.parent / "out"
    rows = [dict(row) for _, row in pd.read_csv(out / "metadata.csv").iterrows()]
    assert [os.path.basename(row["video"]) for row in rows] == [f"{key}.mp4" for key in KEPT]
    for row, key in zip(rows, KEPT):
        assert isinstance(row["prompt"], str) and row["prompt"].strip() == PAIRS[key]["prompt"]
        assert (out / row["video"]).read_bytes() == PAIRS[key]["target"] and (out / row["control_video"]).read_bytes() == PAIRS[key][
            "driver"
        ]
        first = read_video((out / row["video"]).read_bytes()).frames[0]
        assert (read_image((out / row["reference_image"]).read_bytes()).image == first).all()


def test_videox_fun_reads_a_list_of_files_below_its_folder(dataset):
    """ImageVideoControlDataset: file_path and control_file_path are joined to the data root, type says video."""
    assert export(dataset, "videox-fun") == 0
    out = dataset.parent / "out"
    rows = json.loads((out / "metadata.json").read_text())
    for row, key in zip(rows, KEPT, strict=True):
        assert row["type"] == "video" and row["text"] == PAIRS[key]["prompt"]
        assert (out / row["file_path"]).read_bytes() == PAIRS[key]["target"]
        assert (out / row["control_file_path"]).read_bytes() == PAIRS[key]["driver"]


@pytest.mark.parametrize("to", ["musubi", "diffsynth", "videox-fun"])
def test_the_readme_says_which_member_is_what_and_that_the_length_is_cut(dataset, to):
    assert export(dataset, to) == 0
    text = (dataset.parent / "out/README.md").read_text()
    assert "target: what is learned" in text and "control: the motion" in text and "reference: who is shown" in text
    assert "Clips have 6 frames; a length of 4k+1 is trained, so the last 1 are not." in text and str(dataset.parent) not in text


def state(out):
    return {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


def test_a_finished_export_is_left_alone_and_an_interrupted_one_goes_on(dataset, capsys):
    assert export(dataset, "musubi") == 0
    out = dataset.parent / "out"
    whole = state(out)
    assert export(dataset, "musubi") == 0 and state(out) == whole and "already exported" in capsys.readouterr().out
    for name in ("README.md", "dataset.toml", f"videos/{KEPT[1]}.mp4"):
        (out / name).unlink()
    (out / f"control/{KEPT[0]}.mp4").write_bytes(b"cut")
    (out / "cache").mkdir()
    (out / "cache/latents.safetensors").write_bytes(b"the trainer's")
    assert export(dataset, "musubi") == 0
    assert (out / f"control/{KEPT[0]}.mp4").read_bytes() == PAIRS[KEPT[0]]["driver"] and set(whole) <= set(state(out))
    untouched = out / f"videos/{KEPT[2]}.mp4"
    assert state(out)[untouched] == whole[untouched]


def test_a_finished_export_that_was_damaged_is_mended(dataset, capsys):
    assert export(dataset, "musubi") == 0
    place = dataset.parent / f"out/videos/{KEPT[1]}.mp4"
    for spoil in (place.unlink, lambda: place.write_bytes(b"cut")):
        spoil()
        assert export(dataset, "musubi") == 0 and place.read_bytes() == PAIRS[KEPT[1]]["target"]
        assert "already exported" not in capsys.readouterr().out
    assert export(dataset, "musubi") == 0 and "already exported" in capsys.readouterr().out


def test_damaged_samples_are_left_out_counted_and_named(dataset, capsys):
    shard = dataset / "shard-000000.tar"
    data = bytearray(shard.read_bytes())
    at = data.index(members(KEPT[1], "NA")["driver.mp4"]) + 200
    data[at : at + 40] = bytes(40)
    shard.write_bytes(data)
    assert export(dataset, "videox-fun") == 0
    said = capsys.readouterr()
    assert "2 pairs for VideoX-Fun, 1 damaged and left out" in said.out and f"sample {KEPT[1]}" in said.err
    rows = json.loads((dataset.parent / "out/metadata.json").read_text())
    assert [os.path.basename(row["file_path"])[:-4] for row in rows] == [KEPT[0], KEPT[2]]
    assert "1 damaged samples" in (dataset.parent / "out/README.md").read_text()
    assert export(dataset, "videox-fun") == 0 and "1 damaged and left out" in capsys.readouterr().out  # again: nothing is hidden


@pytest.mark.parametrize("foreign", ["notes.txt", "videos/holiday.mp4", "export.json"])
def test_what_is_not_ours_is_never_written_over(dataset, foreign, capsys):
    out = dataset.parent / "out"
    (out / foreign).parent.mkdir(parents=True)
    (out / foreign).write_text("mine")
    assert export(dataset, "musubi") == 2 and (out / foreign).read_text() == "mine" and len(state(out)) == 1
    assert f"with {foreign}, expected a new folder" in capsys.readouterr().err


def test_a_stranger_in_a_folder_of_ours_and_another_format_are_refused(dataset, capsys):
    assert export(dataset, "musubi") == 0
    out = dataset.parent / "out"
    assert export(dataset, "diffsynth") == 2
    (out / "videos/holiday.mp4").write_text("mine")
    assert export(dataset, "musubi") == 2 and (out / "videos/holiday.mp4").read_text() == "mine"
    said = capsys.readouterr().err
    assert "an export for musubi, expected one for diffsynth" in said and "out with videos/holiday.mp4" in said


def test_wrong_use_is_one_line(dataset, tmp_path, capsys):
    assert main(["export", str(unfinished(tmp_path / "making")), "--to", "musubi", "--out", str(tmp_path / "o")]) == 2
    assert main(["export", str(dataset), "--out", str(tmp_path / "o")]) == 2
    assert (
        export(dataset, "musubi", "--format", "both") == 2 and main(["export", str(tmp_path / "no"), "--to", "musubi", "--out", "o"]) == 2
    )
    said = capsys.readouterr().err
    assert "run.json: got missing" in said and "--to: got none for the dataset" in said and "--format: got it beside --to" in said
    assert not (tmp_path / "o").exists()
