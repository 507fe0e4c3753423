"""`explain --remake`: one pair made once more from its records and the same two sources, to the same bytes."""

import shutil

import pytest

from bootstrap.explain.found import Explained
from bootstrap.explain.told import again_command
from models.dataset_rows import read_rows
from models.shards import MEMBERS
from pipelines.cli import main
from tests.bootstrap.factory_fakes import write_sources

GRID = ("--size", "32x32", "--fps", "8", "--num-frames", "4", "--windows.near-doubles")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Sources, a dataset of four pairs, and one whose answers never came."""
    folder = tmp_path_factory.mktemp("remake")
    write_sources(folder, clips=2, identities=2)
    (folder / "driving/clips.csv").write_text("file,subject,licence,consent,weather\nclip0.mp4,human,CC0,signed,rain\nclip1.mp4,human,,,\n")
    (folder / "answers").mkdir()
    sources = ("--driving", str(folder / "driving"), "--references", str(folder / "references"))
    assert main(["synthesize", *sources, *GRID, "--teacher", "flow_warp", "--thresholds.off", "--out", str(folder / "pairs")]) == 0
    assert main(["synthesize", *sources, *GRID, "--teacher", f"recorded:{folder / 'answers'}", "--out", str(folder / "failed")]) == 1
    return folder


def keys(dataset):
    return [row["key"] for row in read_rows(str(dataset)).rows]


def remake(home, key, out, *, data="pairs", driving="driving", references="references", teacher="flow_warp"):
    sources = ["--driving", str(home / driving), "--references", str(home / references)]
    return main(["explain", key, "--data", str(home / data), "--remake", str(out), *sources, "--teacher", teacher])


def test_a_pair_made_again_has_the_same_bytes(home, tmp_path, capsys):
    key = keys(home / "pairs")[0]
    assert remake(home, key, tmp_path / "again") == 0
    said = capsys.readouterr().out
    assert said.count("the same bytes") == 4 and "the same pair, byte for byte" in said
    assert {path.name for path in (tmp_path / "again").iterdir()} == {f"{key}.{name}" for name in MEMBERS}


def test_the_command_to_make_a_pair_again_leaves_places_to_fill_in():
    def said(teacher):
        return again_command(Explained(key="k", row={"teacher": teacher}), "my pairs")

    sources = "actorforge explain k --data 'my pairs' --remake <FOLDER> --driving <CLIPS> --references <IDENTITIES>"
    assert said("flow_warp") == f"{sources} --teacher flow_warp"
    places = "--set repo=<REPOSITORY> --set python=<ITS PYTHON> --set weights=<WEIGHTS>"
    assert said("external:mine.yaml") == f"{sources} --teacher external:<PATH OF mine.yaml> {places}"
    assert said("scail2") == f"{sources} --teacher scail2 {places}" and said("e2e").endswith("--teacher <PATH OF e2e>")


def test_sources_are_found_by_content_and_labels_are_the_recorded_ones(home, tmp_path):
    for folder, names in (("driving", "clip"), ("references", "who")):
        (tmp_path / folder).mkdir()
        for place, path in enumerate(sorted((home / folder).glob(f"{names}*.*"), reverse=True)):
            shutil.copy(path, tmp_path / folder / f"other{place}{path.suffix}")
    shutil.copytree(home / "pairs", tmp_path / "pairs")
    assert remake(tmp_path, keys(home / "pairs")[1], tmp_path / "again") == 0


def test_another_teacher_and_a_missing_source_are_named(home, tmp_path, capsys):
    key = keys(home / "pairs")[0]
    assert remake(home, key, tmp_path / "a", teacher="still") == 2 and remake(home, key, tmp_path / "b", driving="references") == 2
    said = capsys.readouterr().err
    assert "got still, expected flow_warp" in said and "none with sha256" in said


def test_a_folder_with_something_in_it_is_left_alone(home, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert remake(home, keys(home / "pairs")[0], tmp_path) == 2 and "with notes.txt, expected a new folder" in capsys.readouterr().err


def test_a_damaged_sample_comes_out_otherwise(home, tmp_path, capsys):
    data = shutil.copytree(home / "pairs", tmp_path / "pairs") / "shard-000000.tar"
    whole = bytearray(data.read_bytes())
    at = whole.index(b"mdat") + 100
    whole[at] ^= 255
    data.write_bytes(whole)
    for folder in ("driving", "references"):
        shutil.copytree(home / folder, tmp_path / folder)
    results = [remake(tmp_path, key, tmp_path / f"again{place}") for place, key in enumerate(keys(home / "pairs"))]
    assert sorted(results) == [0, 0, 0, 1] and "driver.mp4: other bytes" in capsys.readouterr().out


def test_a_failed_pair_fails_again_for_the_same_reason(home, tmp_path, capsys):
    key = keys(home / "failed")[0]
    assert remake(home, key, tmp_path / "again", data="failed", teacher=f"recorded:{home / 'answers'}") == 0
    assert f"{key} fails: teacher: " in capsys.readouterr().out
