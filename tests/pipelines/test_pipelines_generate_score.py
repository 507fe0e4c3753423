"""Generating and scoring a suite through the wiring: schedules agree, a dead worker is a row."""

import numpy as np
import pytest

from awbench.catalog import METRICS
from awbench.runs import recorded_rows
from awbench.suites.from_media import write_suite_from_media
from models.types import Grid
from pipelines.cli import main
from pipelines.cluster import Lost
from pipelines.generate import counts, generate
from pipelines.score import score
from tests.bootstrap.factory_fakes import write_sources

CHEAP = ("imaging_quality", "temporal_consistency")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("line")
    driving, references = write_sources(path, clips=2, identities=2)
    write_suite_from_media(driving, references, path / "suite", Grid(width=32, height=32, fps=8.0, num_frames=4), pairs=3)
    return path


def test_workers_change_neither_videos_nor_scores(place, two_workers):
    runs = [generate("flow_warp", str(place / "suite"), place / f"run{workers}", workers=workers) for workers in (0, 2)]
    one, two = ([run.video_path(case.id).read_bytes() for case in run.suite.cases] for run in runs)
    assert one == two and counts(runs[0]) == {"ok": 3, "failed": 0}
    tables = [score([run.path], CHEAP, workers=workers)[0].scores() for run, workers in zip(runs, (0, 2))]
    assert tables[0].equals(tables[1]) and set(tables[0]["metric"]) == set(CHEAP)


def test_a_finished_run_is_a_no_op_and_one_more_metric_is_added(place):
    run = generate("still", str(place / "suite"), place / "still")
    before = (run.path / "run.json").stat().st_mtime_ns
    assert (generate("still", str(place / "suite"), place / "still").path / "run.json").stat().st_mtime_ns == before
    first = score([run.path], CHEAP[:1])[0].scores()
    both = score([run.path], CHEAP)[0].scores()
    assert len(both) == 2 * len(first) == 6 and set(both["metric"]) == set(CHEAP)
    kept = both[both["metric"] == CHEAP[0]]["value"].to_numpy()
    assert np.array_equal(kept, first["value"].to_numpy())


def test_another_animator_in_the_same_folder_is_refused(place):
    generate("still", str(place / "suite"), place / "taken")
    with pytest.raises(ValueError, match="got echo_driver, expected still"):
        generate("echo_driver", str(place / "suite"), place / "taken")


def test_a_run_folder_may_bear_the_animators_name(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["generate", "--animator", "still", "--suite", str(place / "suite"), "--out", "still"]
    assert main(command) == 0 and main(command) == 0
    assert "3 generated, 0 failed in still" in capsys.readouterr().out


def test_a_dead_worker_is_a_failed_row(place, monkeypatch):
    def lose_the_first(make_worker, units, workers, *, label):
        yield 0, Lost(reason="worker died (test)", attempts=3)
        work = make_worker()
        yield from ((index, work(unit)) for index, unit in enumerate(units) if index)

    monkeypatch.setattr("pipelines.generate.run_units", lose_the_first)
    monkeypatch.setattr("pipelines.score.run_units", lose_the_first)
    run = generate("still", str(place / "suite"), place / "deadly")
    rows = recorded_rows(run)
    assert [row["status"] for row in rows] == ["failed", "ok", "ok"] and rows[0]["reason"] == "worker died (test)"
    table = score([run.path], CHEAP[:1])[0].scores()
    assert list(table["status"]) == ["failed", "ok", "ok"] and table["reason"][0] == "worker died (test)"
    assert METRICS.load(CHEAP[0]).version == table["metric_version"][0]


def test_scoring_an_unfinished_run_is_refused(place):
    run = generate("still", str(place / "suite"), place / "unfinished")
    (run.path / "run.json").unlink()
    with pytest.raises(ValueError, match="state: got generation not complete"):
        score([run.path], CHEAP)
