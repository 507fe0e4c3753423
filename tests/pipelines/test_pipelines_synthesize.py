"""Same seed, any schedule, one kill: identical bytes."""

import json
import signal
import subprocess
import sys
import time
from functools import partial

import pyarrow.parquet as pq
import pytest

from bootstrap.filters import Thresholds
from bootstrap.manifest import Outcome
from bootstrap.rounds import plan_round
from bootstrap.shards.validate import validate_dataset
from models.animators.load import load_animator
from models.types import Clip, Grid, TrainingExample
from pipelines import cluster
from pipelines.synthesize import GridFlags, describe, run, summary, synthesize
from tests.bootstrap.factory_fakes import GRID, TEACHER, ShiftTeacher, config, moving_square, write_sources

TORCH_GRID = Grid(width=16, height=16, fps=8.0, num_frames=3)
KILLED = """
import sys
from functools import partial
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from pipelines.synthesize import synthesize
from tests.bootstrap.factory_fakes import TEACHER, ShiftTeacher, config
folder = Path(sys.argv[1])
synthesize(config(folder), folder / sys.argv[2], int(sys.argv[4]), partial(ShiftTeacher, slowest_s=0.6), TEACHER)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("factory")
    write_sources(path)
    synthesize(config(path), path / "w0", 0, ShiftTeacher, TEACHER)
    return path


def _bytes(out):
    return {path.name: path.read_bytes() for path in [*out.glob("shard-*.tar"), out / "manifest.parquet"]}


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_and_delays_change_no_byte(folder, two_workers, workers):
    out = folder / f"w{workers}"
    synthesize(config(folder), out, workers, partial(ShiftTeacher, slowest_s=0.25), TEACHER)
    assert _bytes(out) == _bytes(folder / "w0") and len(_bytes(out)) == 6


@pytest.mark.parametrize("workers", [0, 2])
def test_a_kill_and_a_rerun_change_no_byte(folder, workers):
    if workers:
        pytest.importorskip("ray")
    name = f"killed{workers}"
    command = [sys.executable, "-c", KILLED, str(folder), name, str(cluster.source_root()), str(workers)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    units, deadline = folder / name / "units", time.monotonic() + 60
    while len(list(units.glob("unit-*.json"))) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(units.glob("unit-*.json")))
    assert 2 <= done < 5 and not (folder / name / "run.json").exists()
    synthesize(config(folder), folder / name, 0, ShiftTeacher, TEACHER)
    assert _bytes(folder / name) == _bytes(folder / "w0") and validate_dataset(folder / name) == []


def test_a_pair_that_kills_its_worker_fails_its_unit_and_no_other_until_a_rerun(folder, two_workers, capfd, monkeypatch):
    monkeypatch.setattr(cluster, "MAX_ATTEMPTS", 2)
    round_ = plan_round(config(folder), TEACHER, folder / "plan")
    make_teacher = partial(ShiftTeacher, die_on=round_.pairing.spec(4).key)
    outcome = synthesize(config(folder), folder / "deadly", 1, make_teacher, TEACHER)
    assert (outcome.kept, outcome.failed) == (7, 2)
    rows = pq.read_table(folder / "deadly" / "manifest.parquet").to_pylist()
    assert [n for n, row in enumerate(rows) if row["status"] == "failed"] == [4, 5] and "worker died" in rows[4]["reason"]
    assert validate_dataset(folder / "deadly") == []
    events = [json.loads(line) for line in (folder / "deadly" / "events.jsonl").read_text().splitlines()]
    assert [event["attempt"] for event in events if event["event"] == "worker_died"] == [1, 2]
    assert [event["attempts"] for event in events if event["event"] == "unit" and event["unit"] == 2] == [2]
    synthesize(config(folder), folder / "deadly", 0, ShiftTeacher, TEACHER)
    assert _bytes(folder / "deadly") == _bytes(folder / "w0")


def test_a_torch_teacher_gives_the_same_bytes_here_and_on_a_worker(folder, two_workers):
    _train_teacher(folder / "teacher")
    teacher = describe(load_animator(str(folder / "teacher")))
    settings = config(folder, grid=TORCH_GRID, limit=3, thresholds=Thresholds(moving=0, distinct=0, motion_agreement=0, identity=0))
    for workers in (0, 1):
        make_teacher = partial(load_animator, str(folder / "teacher"))
        outcome = synthesize(settings, folder / f"torch{workers}", workers, make_teacher, teacher)
        assert outcome.kept == 3 and teacher.weights_hash
    assert _bytes(folder / "torch0") == _bytes(folder / "torch1")


def _train_teacher(out):
    """A checkpoint of a few thousand weights, one step from random."""
    from models.backbones.tiny import TinyConfig
    from models.training.cache import FrameCache
    from models.training.config import TrainConfig
    from models.training.loop import fit

    backbone = TinyConfig(width=32, layers=1, heads=2)
    recipe = TrainConfig(recipe="toy", motion="raw", grid=TORCH_GRID, backbone=backbone, batch_size=2)
    clip = Clip(frames=moving_square((200, 60, 30), 40, frames=4).frames[:, ::2, ::2], fps=8.0)
    example = TrainingExample(id="one", reference=clip.frames[0], driver=clip, target=clip)
    fit(FrameCache.build([example], recipe), recipe, steps=1, out=out)


def test_a_small_count_of_reasons_is_shown_in_full_and_the_rest_is_summed(tmp_path):
    reasons = {f"teacher: ValueError: {n}": 12 - n for n in range(10)}
    outcome = Outcome(attempted=75, kept=0, rejected=0, failed=75, unreadable=0, reasons=reasons)
    lines = summary(outcome, tmp_path).splitlines()
    assert lines[1].split() == ["12", "teacher:", "ValueError:", "0"] and lines[-1].split() == ["7", "for", "2", "other", "reasons"]


def test_events_hold_what_depends_on_the_moment(folder):
    text = (folder / "w0" / "events.jsonl").read_text()
    assert text.count('"event": "unit"') == 5 and '"host"' in text and '"pair_s"' in text
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

    assert describe(Trained()).filter_metrics == ("a", "b")
