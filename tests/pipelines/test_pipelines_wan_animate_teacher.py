"""Wan2.2-Animate as the factory's teacher, tiny random weights, two Ray workers, one killed: the dataset is the undisturbed one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from awbench.world.export import write_clip_folder
from bootstrap.shards.validate import validate_dataset
from pipelines.cli import main
from pipelines.executor.source import source_root
from tests.benchmarks.factory_kills import below, is_a, published
from tests.models.tiny_wan_animate import save_animate

pytest.importorskip("ray")
PATIENCE_S = 120
CLI = "import sys; from pipelines.cli import main; sys.exit(main())"


def command(folder, out, workers):
    asked = ["synthesize", "--driving", folder / "people", "--references", folder / "looks", "--teacher", f"wan_animate:{folder / 'tiny'}"]
    asked += ["--set", "area_px=0", "--set", "steps=10", "--set", "segment=5", "--runtime.device", "cpu", "--thresholds.off"]
    asked += ["--size", "32x32", "--num-frames", 5, "--fps", 8, "--limit", 6, "--pairs-per-shard", 2, "--workers", workers, "--out", out]
    return [str(each) for each in asked]


def kill_a_worker(head, events):
    """SIGKILL one of two workers as soon as a pair is done. Returns whether there was one while pairs were still to be made."""
    told, deadline = "", time.monotonic() + PATIENCE_S
    while (told.count('"worker_started"') < 2 or '"pair"' not in told) and head.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
        told = events.read_text() if events.exists() else ""
    workers = [pid for pid, said in below(head.pid) if is_a("worker", said)]
    with contextlib.suppress(ProcessLookupError, IndexError):
        os.kill(workers[0], signal.SIGKILL)
        return head.poll() is None
    return False


def test_a_worker_killed_on_the_way_changes_no_byte(tmp_path):
    import torch

    torch.set_num_threads(1)
    save_animate(tmp_path / "tiny")
    write_clip_folder(tmp_path / "people", split="train", subjects=("human",), clips=3, size=48, num_frames=16)
    write_clip_folder(tmp_path / "looks", split="train", subjects=("bird", "blob"), clips=3, size=48, num_frames=8)
    assert main(command(tmp_path, tmp_path / "peace", 0)) == 0

    torn, environment = tmp_path / "torn", {**os.environ, "PYTHONPATH": str(source_root()), "OMP_NUM_THREADS": "1"}
    with open(tmp_path / "torn.log", "w") as log:
        head = subprocess.Popen(
            [sys.executable, "-c", CLI, *command(tmp_path, torn, 2)], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
        killed = kill_a_worker(head, torn / "work" / "events.jsonl")
        status = head.wait(timeout=PATIENCE_S)
    told = (tmp_path / "torn.log").read_text()[-3000:]
    assert killed and status == 0, told
    events = [json.loads(line)["event"] for line in (torn / "work" / "events.jsonl").read_text().splitlines()]
    assert {"worker_died", "worker_lost"} & set(events), (events, told)
    assert published(torn) == published(tmp_path / "peace") and validate_dataset(torn) == []
    recorded = (torn / "run.json").read_text()
    teacher = json.loads(recorded)["teacher"]
    assert teacher["name"] == "wan_animate:tiny" and json.loads(teacher["options"])["steps"] == 10 and str(tmp_path) not in recorded
