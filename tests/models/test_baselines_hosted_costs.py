"""Money and keys of hosted systems: a cap over several processes, and answers on disk that ask for nothing."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from awbench.runs import Run
from models.animators.load import resolved_options
from models.animators.registry import ANIMATORS
from models.baselines.hosted import dreamactor, seedance
from models.baselines.hosted import kling as kling_stated
from models.baselines.hosted.costs import Costs
from models.baselines.hosted.records import Job
from models.mllm.budget import CapReached
from pipelines.cli import main
from tests.models.hosted_servers import kling
from tests.models.hosted_servers.client import animator, request
from tests.models.hosted_servers.contract import small_video
from tests.models.hosted_servers.settings import KEYS, settings

ROOT = Path(__file__).resolve().parents[2]
NAME = "kling_motion_control"


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


RESERVE = """
import sys, time
from pathlib import Path
from models.baselines.hosted.costs import Costs
from models.baselines.hosted.records import Job
from models.mllm.budget import CapReached
folder, process, held = Path(sys.argv[1]), sys.argv[2], 0
(folder / process).touch()
while len(list(folder.glob("[0-3]"))) < 4:  # all of them begin together
    time.sleep(0.005)
costs = Costs(folder, time.sleep)
for number in range(20):
    try:
        costs.reserve("kling_o1", Job(key=f"{process} {number}", attempt=1, usd=0.1), 3.0)
        held += 1
    except CapReached:
        pass
print(held)
"""


def test_four_processes_together_stay_below_the_cap(tmp_path):
    command = [sys.executable, "-c", RESERVE, str(tmp_path)]
    processes = [subprocess.Popen([*command, str(k)], cwd=ROOT, stdout=subprocess.PIPE, text=True) for k in range(4)]
    held = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert sum(held) == 30 and Costs(tmp_path, time.sleep).spent_usd() == pytest.approx(3.0)


def test_what_a_crash_left_held_is_not_held_twice(tmp_path):
    costs, job = Costs(tmp_path, time.sleep), Job(key="k", attempt=1, usd=0.3)
    for _ in range(2):
        costs.reserve(NAME, job, 0.5)
    with pytest.raises(CapReached):
        costs.reserve(NAME, replace(job, attempt=2), 0.5)
    assert costs.spent_usd() == 0.3


def test_answers_on_disk_ask_for_no_key_no_upload_and_no_price(tmp_path, monkeypatch):
    with kling.KlingServer() as server:
        made = animator(NAME, **settings(server, tmp_path)).animate(request(0))
        state = {"state": str(tmp_path / "state"), "max_cost_usd": "1", "base_url": server.url}
    for name in KEYS:
        monkeypatch.delenv(name)
    read = resolved_options(NAME, ANIMATORS, state)
    assert kling_stated.missing(NAME, read, left=("case000",)) == []
    again = ANIMATORS.load(NAME)(None, name=NAME, options=read).animate(request(0))
    assert np.array_equal(made.clip.frames, again.clip.frames)
    heads = ["KLING_ACCESS_KEY", "KLING_SECRET_KEY", "upload", "usd_per_s"]
    for left in ((), ("case001",), ("case000", "case001")):
        assert [line.partition(":")[0] for line in kling_stated.missing(NAME, read, left=left)] == heads
    (video,) = (tmp_path / "state").rglob("*.mp4")
    video.unlink()
    assert len(kling_stated.missing(NAME, read, left=("case000",))) == 4


def test_a_run_is_played_again_from_the_state_folder_without_keys(tmp_path, monkeypatch, capsys):
    with kling.KlingServer(video=small_video(fps=8)) as server:
        given = [f"base_url={server.url}", f"state={tmp_path / 'state'}"]
        asked = ["generate", "--animator", NAME, "--suite", "world-v1:48x48x24@8", "--limit"]
        first = [*asked, "1", "--out", str(tmp_path / "first"), "--set", *given, f"upload={server.url}/files", "poll_s=0.05"]
        assert main(first) == 0, capsys.readouterr().err
    for name in KEYS:
        monkeypatch.delenv(name)
    again = [*asked, "1", "--out", str(tmp_path / "again"), "--set", *given]
    assert main([*again, "--dry-run"]) == 0 and main(again) == 0, capsys.readouterr().err
    assert Run.open(tmp_path / "again").generation().status.tolist() == ["ok"] and len(server.tasks) == 1
    assert main([*asked, "2", "--out", str(tmp_path / "more"), "--set", *given]) == 2 and "KLING_ACCESS_KEY" in capsys.readouterr().err
    assert not (tmp_path / "more").exists()


def test_a_failed_job_and_a_damaged_record_are_no_answers(tmp_path):
    jobs = tmp_path / "dreamactor_m2" / "jobs"
    jobs.mkdir(parents=True)
    for name, text in (("a", "{"), ("b", "[]"), ("c", json.dumps({"key": "c", "label": "case", "state": "failed"}))):
        (jobs / f"{name}.json").write_text(text)
    read = resolved_options("dreamactor_m2", ANIMATORS, {"state": str(tmp_path)})
    assert dreamactor.missing("dreamactor_m2", read, left=("case",)) != []


def test_each_module_is_told_the_cases_left(tmp_path, monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(name)
    for name, module in (("seedance_i2v", seedance), ("dreamactor_m1", dreamactor), ("kling_o1", kling_stated)):
        read = resolved_options(name, ANIMATORS, {"state": str(tmp_path)})
        assert module.missing(name, read) == module.missing(name, read, left=("case",)) != []
        results = tmp_path / name / "results"
        results.mkdir(parents=True)
        (results / "k.mp4").write_bytes(b"video")
        (tmp_path / name / "jobs").mkdir()
        (tmp_path / name / "jobs" / "k.json").write_text(json.dumps({"key": "k", "label": "case", "state": "finished"}))
        assert module.missing(name, read, left=("case",)) == []
