"""Same seed, any schedule, one kill: identical bytes."""

import signal
import subprocess
import sys
import time
from functools import partial

import pyarrow.parquet as pq
import pytest

from bootstrap.rounds import plan_round
from bootstrap.shards.validate import validate_dataset
from pipelines import cluster
from pipelines.synthesize import GridFlags, describe, run, summary, synthesize
from tests.bootstrap.factory_fakes import GRID, TEACHER, ShiftTeacher, config, write_sources

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


@pytest.fixture(scope="module")
def two_workers():
    pytest.importorskip("ray")
    with cluster.cluster(2):
        yield


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


def test_a_pair_that_kills_its_worker_fails_its_unit_and_no_other(folder, two_workers, capfd):
    round_ = plan_round(config(folder), TEACHER, folder / "plan")
    make_teacher = partial(ShiftTeacher, die_on=round_.pairing.spec(4).key)
    outcome = synthesize(config(folder), folder / "deadly", 2, make_teacher, TEACHER)
    assert (outcome.kept, outcome.failed) == (7, 2)
    rows = pq.read_table(folder / "deadly" / "manifest.parquet").to_pylist()
    assert [n for n, row in enumerate(rows) if row["status"] == "failed"] == [4, 5] and "worker died" in rows[4]["reason"]
    assert validate_dataset(folder / "deadly") == []


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


def test_filters_of_the_teachers_own_pairs_are_remembered(folder):
    class Trained(ShiftTeacher):
        filter_metrics = ("b", "a")

    assert describe(Trained()).filter_metrics == ("a", "b")
