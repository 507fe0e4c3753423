"""Sessions: one source for all, what a killed one left, tokens."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from awbench.catalog import ANIMATORS
from models.animators.load import absolute_animator
from pipelines.executor import session
from pipelines.executor.pools import Cluster, Pool
from pipelines.executor.run import run_items
from pipelines.executor.source import source_hash, source_root

pytest.importorskip("ray")


def test_folders_of_killed_processes_are_swept(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    names = [f"af-{gone.pid}-abc", f"af-{os.getpid()}-abc", "af-old", "af-x-y"]
    for name in names:
        (tmp_path / name / "session").mkdir(parents=True)
    session.sweep_orphans(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def test_needs_are_what_all_workers_occupy():
    pools = [Pool(name="cpu", workers=3, make_worker=list), Pool(name="gpu", workers=2, make_worker=list, cpus=0.5, gpus=0.5)]
    assert session.needs(pools) == (4.0, 1.0)


def test_a_token_is_presented_where_nothing_is_said_and_the_cluster_asks_for_one(monkeypatch, tmp_path):
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "put it into one of RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH, ~/.ray/auth_token" in session._use_token("head:6379")
    assert "RAY_AUTH_MODE" not in os.environ
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("never read")
    monkeypatch.setattr(session, "_read_settings_again", lambda: None)
    for answers, mode in ((True, "disabled"), (False, "token")):
        monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
        monkeypatch.setattr(session, "_answers_without_token", lambda address, answers=answers: answers)
        assert f"RAY_AUTH_MODE={mode} was found out, token of ~/.ray/auth_token" in session._use_token("head:6379")
        assert os.environ["RAY_AUTH_MODE"] == mode
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert "RAY_AUTH_MODE=disabled, token of ~" in session._use_token("head:6379")


def test_an_address_from_outside_is_refused():
    with pytest.raises(ValueError, match="address: got ray://head:10001, expected HOST:PORT or auto"):
        with session._joined(None, "ray://head:10001", Cluster()):
            pass


def test_the_hash_sees_names_and_contents(tmp_path):
    (tmp_path / "models").mkdir()
    file = tmp_path / "models" / "a.py"
    file.write_text("x = 1\n")
    first = source_hash(tmp_path)
    file.write_text("x = 2\n")
    second = source_hash(tmp_path)
    file.rename(tmp_path / "models" / "b.py")
    assert len({first, second, source_hash(tmp_path)}) == 3


def test_paths_in_animator_names_become_absolute_and_known_names_win(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("videos", "still", "ground_truth"):
        (tmp_path / name).mkdir()
    given = ("recorded:videos", "videos", "flow_warp", "still", "ground_truth", "recorded:still")
    expected = [f"recorded:{tmp_path}/videos", f"{tmp_path}/videos", "flow_warp", "still", "ground_truth", f"recorded:{tmp_path}/still"]
    assert [absolute_animator(name, ANIMATORS) for name in given] == expected


def booted():
    """Processes of our own session in which Ray has booted a worker that has nothing to do yet."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (path / "cmdline").read_bytes().startswith(b"ray::IDLE") and parent(parent(path.name)) == str(os.getpid()):
                found.add(int(path.name))
    return found


def parent(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]


def boots_ahead():
    os.environ["OMP_NUM_THREADS"] = "3"
    with session.session(1.0, cluster=Cluster(env={"ACTORFORGE_TOLD": "yes"})):
        import ray

        assert os.environ["OMP_NUM_THREADS"] == "3" and "ACTORFORGE_TOLD" not in os.environ
        end_s = time.monotonic() + 60
        while not (ahead := booted()) and time.monotonic() < end_s:
            time.sleep(0.05)
        names = ("OMP_NUM_THREADS", "ACTORFORGE_TOLD")
        pid, told = ray.get(ray.remote(lambda: (os.getpid(), [os.environ.get(name) for name in names])).remote())
    assert told == ["1", "yes"] and pid in ahead


def making_pid():
    return lambda _: (os.getpid(), os.environ.get("OMP_NUM_THREADS"))


def goes_on():
    def pids(**said):
        return {result[0] for _, result in run_items(making_pid, range(4), 1, label="x", **said)}

    with session.session(1.0):
        first, second, third, fourth = pids(spotless=True), pids(spotless=True), pids(), pids()
    assert first == second == third != fourth and len(first | fourth) == 2
    with session.session(1.0):
        assert pids(spotless=True).isdisjoint(first | fourth)


@pytest.mark.parametrize("check", [boots_ahead, goes_on])
def test_workers_that_ray_boots_ahead_and_spotless_ones_are_used(check, tmp_path):
    """In a process of its own: here a session may be open."""
    done = script(f"from tests.pipelines.test_executor_session import *\n{check.__name__}()\n", tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]


STRANGER = """
import sys
from pipelines.executor.run import run_items
from pipelines.executor.source import PACKAGES
def make():
    def work(name):
        return __import__(name).__file__
    return work
if __name__ == "__main__":
    print(sorted({result for _, result in run_items(make, PACKAGES, 1, label="x")}))
"""


def script(text, folder):
    (folder / "job.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(source_root())}
    command = [sys.executable, str(folder / "job.py")]
    return subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)


def test_packages_of_the_same_name_in_the_working_folder_are_not_imported(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("raise RuntimeError('a stranger')\n")
    (tmp_path / "scripts").mkdir()
    done = script(STRANGER, tmp_path / "scripts")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(str(source_root())) == 4
