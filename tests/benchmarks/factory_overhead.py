"""What the factory costs beside the bare teacher: a teacher that sleeps, alone in a loop and in `synthesize`.

    python tests/benchmarks/factory_overhead.py [small | large | all] [--pairs N] [--cpu-workers 2]

small: 25 ms, 250 ms and 2 s a pair at 48x48, 6 frames; large: 2 s at 512x288, 49 frames. Each in this process, with `--workers 1`, with
`--workers 2`, and with `--gpu-workers 1 --cpu-workers C`. A line each: pipeline / bare loop in pairs per second per teacher. That is steady
state: the lesser of two rates, from the first to the last call of each teacher (a queue behind it may still fill up), and from the
first finished pairs to the last by work/events.jsonl (a queue may be emptied). Start-up is what lies before the first finished pair,
beyond the teacher's own seconds. Footage and teacher (`sleeping_teacher`) are made here; kept tells that every pair passed all filters.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from awbench.world.export import write_clip_folder  # noqa: E402
from bootstrap.synthesis import read_media  # noqa: E402
from models.types import AnimationRequest, Grid  # noqa: E402
from tests.benchmarks.sleeping_teacher import LOG, SleepingTeacher, install  # noqa: E402

SMALL, LARGE = Grid(width=48, height=48, fps=8.0, num_frames=6), Grid(width=512, height=288, fps=16.0, num_frames=49)
JOBS = {"small": [(SMALL, 0.025, 200), (SMALL, 0.25, 60), (SMALL, 2.0, 16)], "large": [(LARGE, 2.0, 16)]}
"""(grid, the teacher's seconds, pairs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """`rate`: pairs per second in steady state; `startup_s`: until the first, less the teacher's seconds."""

    rate: float
    startup_s: float
    kept: int


def footage(folder: Path, grid: Grid) -> None:
    size, frames = max(grid.width, grid.height), 2 * grid.num_frames
    for name, seed, clips in (("driving", 1, 6), ("references", 2, 40)):
        count = frames if name == "driving" else 2
        subjects = {"split": "train", "subjects": ("human",), "clips": clips}
        write_clip_folder(folder / name, **subjects, size=size, fps=grid.fps, num_frames=count, seed=seed)


def bare(folder: Path, grid: Grid, seconds: float, count: int) -> float:
    """Pairs per second of the teacher alone, everything it is asked in memory."""
    clip, who = (str(next(iter(sorted((folder / name).glob("*.mp4"))))) for name in ("driving", "references"))
    media, teacher = read_media(clip, 0.0, who, grid), SleepingTeacher(seconds=seconds)
    asked = {"reference": media.identity, "driving": media.clip, "size": grid.size, "num_frames": grid.num_frames, "seed": 0}
    teacher.animate(AnimationRequest(id="warm", **asked))
    start = time.perf_counter()
    for number in range(count):
        teacher.animate(AnimationRequest(id=str(number), **asked))
    return count / (time.perf_counter() - start)


def pipeline(folder: Path, grid: Grid, seconds: float, pairs: int, staff: list[str], teachers: int) -> Ran:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, "-m", "pipelines.cli", "synthesize", "--driving", str(folder / "driving")]
        command += ["--references", str(folder / "references"), "--out", out, "--teacher", f"sleeping:{seconds}", "--limit", str(pairs)]
        command += ["--size", f"{grid.width}x{grid.height}", "--fps", str(grid.fps), "--num-frames", str(grid.num_frames), *staff]
        log = folder / f"log-{len(list(folder.iterdir()))}"
        log.mkdir()
        paths = os.pathsep.join([str(ROOT), str(folder / "plug"), os.environ.get("PYTHONPATH", "")])
        begun = time.time()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, LOG: str(log)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command)}\n{done.stderr[-4000:]}")
        lines = map(json.loads, (Path(out) / "work" / "events.jsonl").read_text().splitlines())
        events = [line for line in lines if line["event"] == "pair"]
    times = sorted(datetime.fromisoformat(line["time"]).timestamp() for line in events)
    skipped = 2 * teachers - 1
    finished = (len(times) - 1 - skipped) / (times[-1] - times[skipped])
    return Ran(
        rate=min(finished, asked_rate(log)), startup_s=times[0] - begun - seconds, kept=sum(line["status"] == "kept" for line in events)
    )


def asked_rate(log: Path) -> float:
    """Pairs per second that all teachers together were asked, each from its first pair to its last."""
    calls = [[float(line) for line in path.read_text().split()] for path in log.iterdir()]
    return sum((len(times) - 1) / (times[-1] - times[0]) for times in calls if len(times) > 1)


def report(grid: Grid, seconds: float, pairs: int, cpu: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install(folder / "plug")
        footage(folder, grid)
        alone = bare(folder, grid, seconds, max(3, pairs // 4))
        ways = {"this process": ([], 1), "1 worker": (["--workers", "1"], 1), "2 workers": (["--workers", "2"], 2)}
        ways[f"1 teacher, {cpu} cpu"] = (["--gpu-workers", "1", "--cpu-workers", str(cpu), "--gpus-per-worker", "0"], 1)
        for way, (staff, teachers) in ways.items():
            ran = pipeline(folder, grid, seconds, pairs, staff, teachers)
            told = f"{grid.width}x{grid.height}x{grid.num_frames}, {1000 * seconds:5.0f} ms a pair, {way:18s}"
            ratio = ran.rate / (alone * teachers)
            print(f"{told} pipeline / bare {ratio:.3f}, start-up {ran.startup_s:4.1f} s, kept {ran.kept} of {pairs}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("jobs", nargs="?", default="all", choices=(*JOBS, "all"))
    parser.add_argument("--pairs", type=int, help="in place of each job's own number")
    parser.add_argument("--cpu-workers", type=int, default=2)
    args = parser.parse_args()
    for job in JOBS if args.jobs == "all" else (args.jobs,):
        for grid, seconds, pairs in JOBS[job]:
            report(grid, seconds, args.pairs or pairs, args.cpu_workers)


if __name__ == "__main__":
    main()
