"""The off-line teacher, by the command line: requests out, answers in, under the same keys whatever their folder is called."""

import csv
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import tyro

from bootstrap.shards.validate import validate_dataset
from models.images import read_image
from models.types import AnimationRequest, Clip
from models.video import read_video, read_window, write_video
from pipelines.cli import main
from pipelines.verbs.flags import Many, all_of
from tests.bootstrap.factory_fakes import GRID, ShiftTeacher, write_sources

FLAGS = ["--size", "32x32", "--fps", "8", "--num-frames", "4", "--thresholds.off", "--windows.near-doubles"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_sources(tmp_path, clips=2, identities=2)
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def _synthesize(folder, *flags, out="out"):
    sources = ["--driving", str(folder / "driving"), "--references", str(folder / "references")]
    return main(["synthesize", *sources, "--out", str(folder / out), *FLAGS, *flags])


def _requests(folder):
    return [json.loads(line) for line in (folder / "asked" / "requests.jsonl").read_text().splitlines()]


def _answer(folder, requests, answers, size=(32, 32)):
    """What the model elsewhere does: only the request folder is read."""
    for request in requests:
        driving = read_video(folder / "asked" / request["driving"])
        picture = read_image(folder / "asked" / request["identity"]).image
        asked = AnimationRequest(
            id=request["key"],
            reference=picture,
            driving=driving,
            size=(request["width"], request["height"]),
            num_frames=request["num_frames"],
            seed=request["seed"],
            prompt=request["prompt"],
        )
        write_video(folder / answers / request["answer"], ShiftTeacher(size=size).animate(asked).clip)


def _rows(folder, out="out"):
    return pq.read_table(folder / out / "manifest.parquet").to_pylist()


def test_requests_go_out_and_answers_come_back_under_the_same_keys(folder, capsys):
    assert _synthesize(folder, "--export-requests", str(folder / "asked")) == 0
    assert "4 requests in" in capsys.readouterr().out
    requests = _requests(folder)
    with open(folder / "asked" / "requests.csv", newline="") as table:
        assert [row["key"] for row in csv.DictReader(table)] == [request["key"] for request in requests]
    _answer(folder, requests[:3], "answers")
    assert _synthesize(folder, "--teacher", f"recorded:{folder / 'answers'}") == 0
    rows = _rows(folder)
    assert {row["key"] for row in rows} == {request["key"] for request in requests}
    assert {row["key"] for row in rows if row["status"] == "failed"} == {requests[3]["key"]}
    shutil.move(folder / "answers", folder / "more answers")
    _answer(folder, requests[3:], "more answers")
    assert _synthesize(folder, "--teacher", f"recorded:{folder / 'more answers'}") == 0
    assert {row["status"] for row in _rows(folder)} == {"kept"} and validate_dataset(folder / "out") == []
    assert {row["teacher"] for row in _rows(folder)} == {"recorded"}


def test_pairs_that_were_judged_are_not_asked_for_again_when_their_labels_change(folder):
    _synthesize(folder, "--export-requests", str(folder / "asked"))
    _answer(folder, _requests(folder)[:2], "answers")
    _synthesize(folder, "--teacher", f"recorded:{folder / 'answers'}")
    (folder / "driving" / "clips.csv").write_text("file,prompt\nclip0.mp4,a cat dances\nclip1.mp4,a cat dances\n")
    assert _synthesize(folder, "--export-requests", str(folder / "more")) == 0
    lines = (folder / "more" / "requests.jsonl").read_text().splitlines()
    assert len(lines) == 2 and all(json.loads(line)["prompt"] == "a cat dances" for line in lines)


@pytest.mark.parametrize(
    "flags",
    [("--retry-filters", "--retry-failed"), ("--export-requests", "x", "--retry-filters"), ("--export-requests", "x", "--retry-failed")],
)
def test_flags_that_have_no_effect_together_are_refused_by_name(folder, capsys, flags):
    assert _synthesize(folder, *flags) == 2
    said = capsys.readouterr().err
    assert all(flag in said for flag in flags if flag.startswith("--")) and not (folder / "out").exists()


def test_failed_pairs_are_left_or_tried_again_by_their_reason(folder, capsys):
    _synthesize(folder, "--export-requests", str(folder / "asked"))
    requests = _requests(folder)
    _answer(folder, requests[:1], "answers")
    teacher = ("--teacher", f"recorded:{folder / 'answers'}")
    _synthesize(folder, *teacher)
    assert [row["status"] for row in _rows(folder)].count("failed") == 3
    _answer(folder, requests, "answers")
    for flags in (("--keep-failed",), ("--retry-failed", "out", "of", "memory")):
        assert _synthesize(folder, *teacher, *flags) == 0
        assert [row["status"] for row in _rows(folder)].count("failed") == 3
    assert _synthesize(folder, *teacher, "--keep-failed", "--retry-failed") == 2
    assert "--keep-failed: got it beside --retry-failed" in capsys.readouterr().err
    assert _synthesize(folder, *teacher, "--retry-failed", "no such file") == 0
    assert {row["status"] for row in _rows(folder)} == {"kept"}


def test_workers_of_two_kinds_are_not_mixed_and_a_time_is_longer_than_nothing(folder, capsys):
    assert _synthesize(folder, "--teacher", "still", "--workers", "1", "--cpu-workers", "1", "--gpu-workers", "1") == 2
    assert _synthesize(folder, "--teacher", "still", "--timeout", "0") == 2
    said = capsys.readouterr().err
    assert "give --workers, or --cpu-workers and --gpu-workers" in said and "--timeout: got 0" in said


def test_one_cause_for_everything_ends_the_run_with_that_cause_and_the_same_command_continues(folder, capsys, monkeypatch):
    from models.baselines.weightless.flow_warp import FlowWarp

    def broken(self, request):
        raise RuntimeError("CUDA error")

    write_sources(folder, clips=6, identities=6)
    with monkeypatch.context() as patched:
        patched.setattr(FlowWarp, "animate", broken)
        assert _synthesize(folder, "--teacher", "flow_warp") == 1
    assert "teacher: RuntimeError: CUDA error; what was made is kept" in capsys.readouterr().err
    assert not (folder / "out" / "run.json").exists()
    assert _synthesize(folder, "--teacher", "flow_warp") == 0 and len(_rows(folder)) == 36


def test_a_request_is_the_window_and_the_picture_that_the_pair_is_made_of(folder):
    _synthesize(folder, "--export-requests", str(folder / "asked"), "--limit", "1")
    (request,) = _requests(folder)
    driving = read_video(folder / "asked" / request["driving"])
    assert (len(driving), driving.size, driving.fps) == (4, (32, 32), 8.0) and request["prompt"]
    near = [np.abs(driving.frames.astype(int) - read_window(path, GRID)[0].frames).mean() for path in (folder / "driving").iterdir()]
    assert min(near) < 1.5


def test_an_export_goes_on_where_it_was_stopped_and_asks_for_what_is_missing_only(folder):
    _synthesize(folder, "--export-requests", str(folder / "asked"))
    requests, stamps = _requests(folder), {path: path.stat().st_mtime_ns for path in (folder / "asked").glob("*.mp4")}
    (folder / "asked" / "requests.jsonl").unlink()
    lost = folder / "asked" / f"{requests[0]['key']}.json"
    lost.unlink()
    _synthesize(folder, "--export-requests", str(folder / "asked"))
    assert _requests(folder) == requests
    assert [path.name for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp] == [requests[0]["driving"]]
    _answer(folder, requests[:2], "answers")
    _synthesize(folder, "--teacher", f"recorded:{folder / 'answers'}")
    shutil.rmtree(folder / "asked")
    _synthesize(folder, "--export-requests", str(folder / "asked"))
    assert _requests(folder) == requests[2:]


def test_answers_of_another_size_and_rate_are_brought_to_the_grid_and_short_ones_fail(folder):
    _synthesize(folder, "--export-requests", str(folder / "asked"))
    first, second, third, fourth = _requests(folder)
    _answer(folder, [first], "answers", size=(64, 64))
    _answer(folder, [second, third], "answers", size=(64, 32))
    wide = read_video(folder / "answers" / second["answer"])
    write_video(folder / "answers" / third["answer"], Clip(frames=wide.frames[:2, :, :32], fps=8.0))
    _answer(folder, [fourth], "answers")
    whole = read_video(folder / "answers" / fourth["answer"])
    write_video(folder / "answers" / fourth["answer"], Clip(frames=whole.frames.repeat(2, axis=0), fps=16.0))
    _synthesize(folder, "--teacher", f"recorded:{folder / 'answers'}")
    rows = {row["key"]: row for row in _rows(folder)}
    assert [rows[request["key"]]["status"] for request in (first, second, third, fourth)] == ["kept", "failed", "failed", "kept"]
    assert "answer: size: got (64, 32)" in rows[second["key"]]["reason"] and "answer: length" in rows[third["key"]]["reason"]


def test_judging_again_needs_no_teacher(folder, capsys):
    assert _synthesize(folder, "--retry-filters") == 2 and "a dataset to judge again" in capsys.readouterr().err
    assert _synthesize(folder, "--teacher", "flow_warp", "--limit", "2") == 0
    strict = ["--retry-filters", "--limit", "2", "--thresholds.no-off", "--thresholds.distinct", "255"]
    assert _synthesize(folder, *strict) == 1
    assert "2 pairs are judged otherwise than before" in capsys.readouterr().err
    assert {row["status"] for row in _rows(folder)} == {"rejected"} and {row["teacher"] for row in _rows(folder)} == {"flow_warp"}
    assert _synthesize(folder, "--retry-filters", "--limit", "2") == 0


def test_a_teacher_beside_an_export_and_none_at_all_are_refused(folder, capsys):
    assert _synthesize(folder, "--export-requests", str(folder / "asked"), "--teacher", "still") == 2
    assert _synthesize(folder) == 2
    assert "--teacher: got none" in capsys.readouterr().err and not (folder / "out").exists()


def test_several_values_after_one_flag_or_after_several():
    def verb(driving: Many = ()) -> tuple[str, ...]:
        return all_of(driving, "--driving")

    assert tyro.cli(verb, args=["--driving", "a", "b", "--driving", "c"]) == ("a", "b", "c")
    with pytest.raises(ValueError, match="--driving: got none"):
        tyro.cli(verb, args=[])
