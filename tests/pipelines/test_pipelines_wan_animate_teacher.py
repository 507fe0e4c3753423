"""Wan2.2-Animate as the factory's teacher, tiny random weights, two Ray workers, one killed: the dataset is the undisturbed one."""

import contextlib
import json
import os
import signal
import threading
import time

import pytest

from awbench.world.export import write_clip_folder
from bootstrap.shards.validate import validate_dataset
from pipelines.cli import main
from tests.benchmarks.factory_kills import below, is_a, published
from tests.models.tiny_wan_animate import save_animate

pytest.importorskip("ray")
PATIENCE_S = 120


def command(folder, out, workers):
    asked = ["synthesize", "--driving", folder / "people", "--references", folder / "looks", "--teacher", f"wan_animate:{folder / 'tiny'}"]
    asked += ["--set", "area_px=0", "--set", "steps=10", "--set", "segment=5", "--runtime.device", "cpu", "--thresholds.off"]
    asked += ["--size", "32x32", "--num-frames", 5, "--fps", 8, "--limit", 6, "--pairs-per-shard", 2, "--workers", workers, "--out", out]
    return [str(each) for each in asked]


class Killer(threading.Thread):
    """SIGKILLs one of two workers below this process as soon as a pair is done. `killed`: while pairs were still to be made."""

    def __init__(self, events):
        super().__init__(daemon=True)
        self.events, self.over, self.killed = events, threading.Event(), False

    def run(self):
        told, deadline = "", time.monotonic() + PATIENCE_S
        while (told.count('"worker_started"') < 2 or '"pair"' not in told) and time.monotonic() < deadline:
            if self.over.wait(0.02):
                return
            told = self.events.read_text() if self.events.exists() else ""
        workers = [pid for pid, said in below(os.getpid()) if is_a("worker", said)]
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(workers[0], signal.SIGKILL)
            self.killed = not self.over.is_set()


def test_a_worker_killed_on_the_way_changes_no_byte(tmp_path, monkeypatch):
    import torch

    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    save_animate(tmp_path / "tiny")
    write_clip_folder(tmp_path / "people", split="train", subjects=("human",), clips=3, size=48, num_frames=16)
    write_clip_folder(tmp_path / "looks", split="train", subjects=("bird", "blob"), clips=3, size=48, num_frames=8)
    assert main(command(tmp_path, tmp_path / "peace", 0)) == 0

    torn = tmp_path / "torn"
    killer = Killer(torn / "work" / "events.jsonl")
    killer.start()
    status = main(command(tmp_path, torn, 2))
    killer.over.set()
    killer.join()
    assert killer.killed and status == 0
    events = [json.loads(line)["event"] for line in (torn / "work" / "events.jsonl").read_text().splitlines()]
    assert {"worker_died", "worker_lost"} & set(events), events
    assert published(torn) == published(tmp_path / "peace") and validate_dataset(torn) == []
    recorded = (torn / "run.json").read_text()
    teacher = json.loads(recorded)["teacher"]
    assert teacher["name"] == "wan_animate:tiny" and json.loads(teacher["options"])["steps"] == 10 and str(tmp_path) not in recorded
