"""Same seed, any schedule, one kill: identical bytes."""

import errno
import json
import pickle
import signal
import subprocess
import sys
import time
from functools import partial

import pyarrow.parquet as pq
import pytest

from bootstrap.shards.validate import validate_dataset
from bootstrap.tally import Outcome
from bootstrap.thresholds import Thresholds
from models.animators.load import load_animator
from models.artifacts import read_json
from models.runtime import Runtime
from models.types import Grid
from pipelines.cli import main
from pipelines.executor.pools import SameCause
from pipelines.executor.source import source_root
from pipelines.stations import Staff
from pipelines.synthesize import GridFlags, run, summary
from pipelines.teachers import describe
from tests.bootstrap.factory_fakes import (
    GRID,
    ShiftTeacher,
    cards_of,
    fake_mllm_guide,
    key_of,
    make_round,
    mllm_says,
    plan,
    write_sources,
    write_teacher,
)
from tests.models.test_mllm import FakeServer

TORCH_GRID = Grid(width=16, height=16, fps=8.0, num_frames=3)
KILLED = """
import sys
from functools import partial
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.bootstrap.factory_fakes import ShiftTeacher, make_round
make_round(Path(sys.argv[1]), sys.argv[2], workers=int(sys.argv[4]), make_teacher=partial(ShiftTeacher, slowest_s=0.6))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("factory")
    write_sources(path)
    make_round(path, "w0")
    return path


def _bytes(out):
    """All that is published."""
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def _events(out, kind):
    lines = (out / "work" / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


@pytest.mark.parametrize("staff", [Staff(workers=1), Staff(workers=2), Staff(cpu=1, gpu=1)])
def test_workers_and_delays_change_no_byte(folder, two_workers, staff):
    out = folder / f"w{staff.workers}{staff.gpu}"
    make_round(folder, out.name, workers=staff, make_teacher=partial(ShiftTeacher, slowest_s=0.25))
    assert _bytes(out) == _bytes(folder / "w0") and len(list(out.glob("shard-*.tar"))) == 5
    seconds = _events(out, "pair")[0]["seconds"]
    assert set(seconds) == {"sources", "guidance", "target", "teacher", "driver", "filters", "record"}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_kill_and_a_rerun_change_no_byte(folder, workers):
    if workers:
        pytest.importorskip("ray")
    name = f"killed{workers}"
    command = [sys.executable, "-c", KILLED, str(folder), name, str(source_root()), str(workers)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    units, deadline = folder / name / "work", time.monotonic() + 60
    while len(list(units.parent.glob("shard-*.parquet"))) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(units.parent.glob("shard-*.parquet")))
    assert 2 <= done < 5 and not (folder / name / "run.json").exists()
    make_round(folder, name)
    assert _bytes(folder / name) == _bytes(folder / "w0") and validate_dataset(folder / name) == []


@pytest.mark.parametrize("staff", [Staff(workers=1), Staff(cpu=1, gpu=1)])
def test_a_pair_that_kills_its_worker_fails_alone_until_a_rerun(folder, two_workers, capfd, staff):
    key, out = key_of(plan(folder, folder / "plan"), 4), folder / f"deadly{staff.gpu}"
    outcome = make_round(folder, out.name, workers=staff, make_teacher=partial(ShiftTeacher, die_on=key))
    assert (outcome.kept, outcome.failed) == (8, 1)
    rows = pq.read_table(out / "manifest.parquet").to_pylist()
    assert [n for n, row in enumerate(rows) if row["status"] == "failed"] == [4] and "died" in rows[4]["reason"]
    assert (
        validate_dataset(out) == []
        and len([event for event in _events(out, "worker_died") if event["item"] == key and event["attempt"]]) == 3
    )
    make_round(folder, out.name)
    assert _bytes(out) == _bytes(folder / "w0")


DEADLY = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.bootstrap.factory_fakes import ShiftTeacher, make_round
class Deadly(ShiftTeacher):
    def animate(self, request):
        if request.id == self.die_on:
            os._exit(9)
        return super().animate(request)
make_round(Path(sys.argv[1]), "alone", teacher=Deadly(die_on=sys.argv[2]))
"""


def test_a_pair_that_kills_the_only_process_stops_three_runs_and_no_more(folder):
    key, command = key_of(plan(folder, folder / "plan"), 4), [sys.executable, "-c", DEADLY, str(folder)]
    codes = [subprocess.run([*command, key, str(source_root())], stderr=subprocess.DEVNULL).returncode for _ in range(4)]
    assert codes == [9, 9, 9, 0]
    rows = pq.read_table(folder / "alone" / "manifest.parquet").to_pylist()
    assert [(row["key"], row["reason"]) for row in rows if row["status"] == "failed"] == [
        (key, "the process died 3 times while this pair was made")
    ]
    make_round(folder, "alone")
    assert _bytes(folder / "alone") == _bytes(folder / "w0")


def test_a_torch_teacher_gives_the_same_bytes_here_and_on_a_worker(folder, two_workers):
    write_teacher(folder / "teacher")
    teacher = describe(load_animator(str(folder / "teacher"))).teacher
    settings = {"grid": TORCH_GRID, "limit": 3, "thresholds": Thresholds(off=True)}
    for workers in (0, 1):
        make_teacher = partial(load_animator, str(folder / "teacher"))
        outcome = make_round(folder, f"torch{workers}", workers=workers, make_teacher=make_teacher, mark=teacher, **settings)
        assert outcome.kept == 3 and teacher.weights_hash
    assert _bytes(folder / "torch0") == _bytes(folder / "torch1")


def test_a_small_count_of_reasons_is_shown_in_full_and_the_rest_is_summed(tmp_path):
    reasons = {f"teacher: ValueError: {n}": 12 - n for n in range(10)}
    outcome = Outcome(attempted=75, kept=0, rejected=0, failed=75, unreadable=0, reasons=reasons)
    lines = summary(outcome, tmp_path).splitlines()
    assert lines[1].split() == ["12", "teacher:", "ValueError:", "0"] and lines[-2].split() == ["7", "for", "2", "other", "reasons"]
    assert "--keep-failed" in lines[-1]


def test_unusable_files_are_summed_up_by_their_causes(folder):
    write_sources(folder / "bad")
    for name in ("a", "b"):
        (folder / "bad" / "driving" / f"{name}.mp4").write_bytes(b"")
        (folder / "bad" / "driving" / f"copy_{name}.mp4").write_bytes((folder / "bad" / "driving" / "clip0.mp4").read_bytes())
    outcome = make_round(folder / "bad", limit=1)
    text = summary(outcome, "out").splitlines()
    assert outcome.unreadable == 4 and sum(outcome.causes.values()) == 4 and len(outcome.causes) == 2
    assert "4 input files could not be used" in text[1] and any(line.split()[:2] == ["2", "double:"] for line in text[2:])
    assert make_round(folder / "bad", limit=1) == outcome
    seeds = pq.read_table(folder / "bad" / "out" / "manifest.parquet").to_pandas()["seed"]
    assert str(seeds.dtype) == "int64"


def test_a_run_whose_pairs_all_fail_alike_is_stopped_and_continues(folder):
    class Broken(ShiftTeacher):
        def animate(self, request):
            raise RuntimeError("no memory")

    write_sources(folder / "alike", clips=6, identities=6)
    with pytest.raises(SameCause, match="teacher: RuntimeError: no memory"):
        make_round(folder / "alike", teacher=Broken())
    assert not (folder / "alike" / "out" / "run.json").exists()
    assert make_round(folder / "alike").kept == 36


def test_the_grid_is_told_with_where_it_is_from(folder, capfd):
    sources = {"driving": folder / "driving", "references": folder / "references"}
    run(**sources, teacher="flow_warp", out=folder / "told", grid=GridFlags(size=(32, 32)), limit=1)
    assert "grid 32x32, 6 frames at 8 fps (--fps --num-frames: the default)" in capfd.readouterr().err


def test_events_hold_what_depends_on_the_moment(folder):
    text = (folder / "w0" / "work" / "events.jsonl").read_text()
    assert text.count('"event": "pair"') == 9 and text.count('"event": "sealed"') == 5 and '"host"' in text and '"seconds"' in text
    manifest = pq.read_table(folder / "w0" / "manifest.parquet")
    assert not {"time", "host", "seconds", "pid"} & set(manifest.schema.names)


def test_the_verb_takes_a_real_animator_and_its_grid(folder, capsys):
    grid = GridFlags(size=(32, 32), num_frames=4)
    outcome = run(
        driving=folder / "driving", references=folder / "references", teacher="flow_warp", out=folder / "warp", grid=grid, limit=2
    )
    assert outcome.attempted == 2 and "of 2 pairs" in summary(outcome, folder / "warp")


def test_the_grid_is_the_flags_then_the_teachers_own():
    class Tiny(ShiftTeacher):
        grid = GRID

    assert GridFlags(fps=4.0).resolve(Tiny()).fps == 4.0 and GridFlags(fps=4.0).resolve(Tiny()).num_frames == 4
    assert GridFlags().resolve(ShiftTeacher()).size == (48, 48)
    with pytest.raises(ValueError, match="grid: fps: got 0"):
        GridFlags(fps=0.0).resolve(Tiny())


def test_filters_of_the_teachers_own_pairs_are_remembered(folder):
    class Trained(ShiftTeacher):
        filter_metrics = ("b", "a")

    assert describe(Trained()).teacher.filter_metrics == ("a", "b")


@pytest.fixture
def endpoint():
    server = FakeServer(mllm_says)
    yield server
    server.close()


def test_a_guide_that_cannot_travel_is_made_in_every_worker(folder, two_workers, tmp_path, endpoint):
    for workers in (0, 2):
        make_guide = partial(fake_mllm_guide, endpoint.url, tmp_path / f"cache{workers}")
        asked = {"make_teacher": ShiftTeacher, "make_guide": make_guide, "limit": 4}
        outcome = make_round(folder, f"guided{workers}", workers=workers, **asked)
        assert outcome.kept == 4
    assert _bytes(folder / "guided0") == _bytes(folder / "guided2")
    cards = cards_of(folder / "guided0").values()
    prompts = [{card["guidance"][whose]["prompt"] for card in cards} for whose in ("teacher", "pair")]
    assert all(card["guidance"]["teacher"]["guide"] == "mllm:fake" and card["prompt"].startswith("it moves") for card in cards)
    assert len(prompts[0]) == 4 and len(prompts[1]) == len({card["driving"] for card in cards}) and not prompts[0] & prompts[1]
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(make_guide())


def _run(folder, out, **flags):
    sources = {"driving": folder / "driving", "references": folder / "references"}
    return run(**sources, teacher="flow_warp", out=folder / out, grid=GridFlags(size=(32, 32), num_frames=4), limit=2, **flags)


def test_a_full_disk_is_told_and_what_was_made_is_kept(folder, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "KEY.tar")

    sources = ["--driving", str(folder / "driving"), "--references", str(folder / "references"), "--size", "32x32", "--num-frames", "4"]
    command = ["synthesize", *sources, "--teacher", "flow_warp", "--thresholds.off", "--limit", "2", "--out", str(folder / "full")]
    with monkeypatch.context() as here:
        here.setattr("bootstrap.doing.put_away", full)
        assert main(command) == 1
    assert "No space left on device: 'KEY.tar'; what was made is kept, the same command continues" in capsys.readouterr().err
    assert not (folder / "full" / "run.json").exists() and main(command) == 0


def test_the_template_guides_unless_it_is_switched_off(folder):
    _run(folder, "default"), _run(folder, "off", guide="none")
    marks = [read_json(folder / out / "run.json")["config"]["guide"]["name"] for out in ("default", "off")]
    assert marks == ["template", ""]
    assert all("performs the driving motion" in card["prompt"] for card in cards_of(folder / "default").values())
    assert all(card["prompt"] == "" for card in cards_of(folder / "off").values())


@pytest.mark.parametrize(("guide", "said"), [("templet", "did you mean template"), ("mllm", "BASE_URL#MODEL"), ("template:x", "argument")])
def test_a_guide_that_is_not_there_is_told_before_anything_is_written(folder, guide, said):
    with pytest.raises(ValueError, match=said):
        _run(folder, "never", guide=guide)
    assert not (folder / "never").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_the_runtime_reaches_the_teacher_here_and_on_a_worker(folder, two_workers, workers):
    if not (folder / "teacher").exists():
        write_teacher(folder / "teacher")
    out, sources = folder / f"runtime{workers}", {"driving": folder / "driving", "references": folder / "references"}
    for runtime, count in ((Runtime(device="cpu"), 0), (Runtime(device="cpu", attention="native"), workers)):
        grid = GridFlags(size=(16, 16), num_frames=3)
        run(**sources, teacher=str(folder / "teacher"), out=out, grid=grid, workers=count, limit=2, runtime=runtime)
        (out / "shard-000000.parquet").unlink()  # the second run, by another attention, makes it anew and is not refused
    assert [event["runtime"].get("attention") for event in _events(out, "pair")] == [None] * 2 + ["native"] * 2
    assert "native" not in (out / "run.json").read_text()
