"""Units on workers: order, errors, deaths, one source."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from pipelines import cluster
from pipelines.cluster import Lost, absolute_animator, run_units, source_root

pytest.importorskip("ray")


def _make_work():
    def work(unit):
        kind, value = unit
        if kind == "sleep":
            time.sleep(value)
        elif kind == "raise":
            raise ValueError(f"unit: got {value}")
        elif kind == "die":
            os.kill(os.getpid(), 9)
        return value, os.environ.get("OMP_NUM_THREADS")

    return work


def _bad_worker():
    raise ValueError("weights: not found")


def test_in_process_keeps_the_order_and_needs_no_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    units = [("sleep", 0.0), ("value", 2), ("value", 3)]
    assert [(index, result[0]) for index, result in run_units(_make_work, units, 0, label="test")] == [(0, 0.0), (1, 2), (2, 3)]


def test_without_ray_workers_are_wrong_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match="workers: got 1, expected 0 where ray is not installed"):
        list(run_units(_make_work, [("value", 1)], 1, label="test"))


def test_no_units_start_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert list(run_units(_make_work, [], 3, label="test")) == []


def test_one_thread_is_set_when_the_worker_has_imported_its_libraries(monkeypatch):
    calls: list[int] = []
    monkeypatch.delitem(sys.modules, "torch", raising=False)

    def make_worker():
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(set_num_threads=calls.append))
        return lambda unit: list(calls)

    assert list(run_units(make_worker, ["unit"], 0, label="test")) == [(0, [1])]


def test_folders_of_killed_processes_are_swept(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    names = [f"af-{gone.pid}-abc", f"af-{os.getpid()}-abc", "af-old", "af-x-y"]
    for name in names:
        (tmp_path / name / "session").mkdir(parents=True)
    cluster.sweep_orphans(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def test_negative_workers_are_refused():
    with pytest.raises(ValueError, match="workers: got -1"):
        list(run_units(_make_work, [("value", 1)], -1, label="test"))


def test_results_come_as_they_finish_with_one_thread_each(two_workers):
    units = [("sleep", 1.0), ("sleep", 0.01), ("sleep", 0.02)]
    results = list(run_units(_make_work, units, 2, label="test"))
    assert [index for index, _ in results][-1] == 0 and sorted(index for index, _ in results) == [0, 1, 2]
    assert {threads for _, (_, threads) in results} == {"1"}


@pytest.mark.parametrize("workers", [0, 1])
def test_errors_arrive_as_themselves(two_workers, workers):
    with pytest.raises(ValueError, match="unit: got 7"):
        list(run_units(_make_work, [("raise", 7)], workers, label="test"))
    with pytest.raises(ValueError, match="weights: not found"):
        list(run_units(_bad_worker, [("value", 1)], workers, label="test"))


def test_a_unit_that_kills_its_worker_is_lost_and_the_rest_is_done(two_workers, capfd, monkeypatch):
    monkeypatch.setattr(cluster, "MAX_ATTEMPTS", 2)
    units, deaths = [("value", 0), ("die", 1), ("value", 2), ("value", 3)], []
    results = dict(run_units(_make_work, units, 1, label="test", on_death=lambda index, error: deaths.append((index, error))))
    assert deaths == [(1, "ActorDiedError")] * 2
    assert isinstance(results[1], Lost) and results[1].attempts == 2 and "died" in results[1].reason
    assert [results[n][0] for n in (0, 2, 3)] == [0, 2, 3]


def test_a_worker_with_other_source_stops_the_run(two_workers, monkeypatch):
    monkeypatch.setattr(cluster, "source_hash", lambda root=None: "0" * 64)
    with pytest.raises(ValueError, match="cluster worker: source: got .*expected the driver's"):
        list(run_units(_make_work, [("value", 1)], 1, label="test"))


def test_the_hash_sees_names_and_contents(tmp_path):
    (tmp_path / "models").mkdir()
    file = tmp_path / "models" / "a.py"
    file.write_text("x = 1\n")
    first = cluster.source_hash(tmp_path)
    file.write_text("x = 2\n")
    second = cluster.source_hash(tmp_path)
    file.rename(tmp_path / "models" / "b.py")
    assert len({first, second, cluster.source_hash(tmp_path)}) == 3


def test_paths_in_animator_names_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    assert absolute_animator("recorded:videos") == f"recorded:{tmp_path}/videos"
    assert absolute_animator("videos") == f"{tmp_path}/videos" and absolute_animator("flow_warp") == "flow_warp"


def test_known_names_win_over_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("still", "ground_truth", "recorded"):
        (tmp_path / name).mkdir()
    assert [absolute_animator(name) for name in ("still", "ground_truth", "recorded:still")] == [
        "still",
        "ground_truth",
        f"recorded:{tmp_path}/still",
    ]


STRANGER = """
import sys
from pipelines.cluster import run_units, PACKAGES
def make():
    def work(name):
        return __import__(name).__file__
    return work
if __name__ == "__main__":
    print(sorted({result for _, result in run_units(make, PACKAGES, 1, label="x")}))
"""


def test_packages_of_the_same_name_in_the_working_folder_are_not_imported(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("raise RuntimeError('a stranger')\n")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "job.py").write_text(STRANGER)
    environment = {**os.environ, "PYTHONPATH": str(source_root())}
    command = [sys.executable, str(tmp_path / "scripts" / "job.py")]
    done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(str(source_root())) == 4
