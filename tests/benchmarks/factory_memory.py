"""How much memory decoded clips take on their way: `python tests/benchmarks/factory_memory.py [PAIRS] [--size 1280x720]`, 200 pairs.

`synthesize` with one animating and one other worker, a teacher that sleeps; 49 frames at 720p are 129 MB a clip. Every 0.2 s the shares
of memory (PSS, which counts a shared page once) of all its processes are summed, Ray's and the object store's among them. The same at
48x48 is the constant. Bar: the difference is at most (workers + 1) clips.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from models.images import encode_image  # noqa: E402
from models.types import Clip  # noqa: E402
from models.video import write_video  # noqa: E402
from tests.benchmarks.sleeping_teacher import install  # noqa: E402

FRAMES, CLIPS, IMAGES = 49, 10, 20


def footage(folder: Path, size: tuple[int, int]) -> None:
    """Blocks of colour that pan: quick to code."""
    width, height = size
    for number in range(CLIPS + IMAGES):
        rng = np.random.default_rng(number)
        ground = np.kron(rng.integers(0, 255, (9, 16, 3), np.uint8), np.ones((height // 9 + 1, width // 16 + 1, 1), np.uint8))[
            :height, :width
        ]
        if number < CLIPS:
            frames = np.stack([np.roll(ground, 5 * t, axis=1) for t in range(FRAMES + 1)])
            write_video(folder / "clips" / f"{number}.mp4", Clip(frames=frames, fps=25.0))
        else:
            (folder / "images").mkdir(exist_ok=True)
            (folder / "images" / f"{number}.png").write_bytes(encode_image(ground))


def peak_b(folder: Path, size: tuple[int, int], pairs: int) -> int:
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "synthesize",
        "--driving",
        str(folder / "clips"),
        "--references",
        str(folder / "images"),
    ]
    command += ["--out", str(folder / "out"), "--teacher", "sleeping:0.5", "--limit", str(pairs), "--size", "{}x{}".format(*size)]
    command += ["--fps", "25", "--num-frames", str(FRAMES), "--gpu-workers", "1", "--cpu-workers", "1", "--gpus-per-worker", "0"]
    paths = os.pathsep.join([str(ROOT), str(folder / "plug")])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, "ACTORFORGE_CACHE": str(folder / "cache")}
    run, most = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True), 0
    while run.poll() is None:
        most = max(most, sum(map(_pss_b, _family(run.pid))))
        time.sleep(0.2)
    print(f"{'x'.join(map(str, size))}: {run.stderr.read().splitlines()[-1]}", flush=True)
    return most


def _family(pid: int) -> list[int]:
    """A process and all that it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _pss_b(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def measured(size: tuple[int, int], pairs: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        install(Path(name) / "plug")
        footage(Path(name), size)
        return peak_b(Path(name), size, pairs)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 200
    width, height = map(int, sys.argv[sys.argv.index("--size") + 1].split("x")) if "--size" in sys.argv else (1280, 720)
    clip_b, constant = FRAMES * height * width * 3, measured((48, 48), 10)
    whole = measured((width, height), count)
    told = f"{whole >> 20} MiB at most, {constant >> 20} MiB at 48x48"
    told += f": {(whole - constant) / clip_b:.2f} clips of {clip_b >> 20} MiB, 2 workers"
    print(f"{count} pairs at {width}x{height}x{FRAMES}: {told}")
