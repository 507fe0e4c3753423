"""What refereeing costs: python tests/benchmarks/referee.py [ssim | set | workers]

ssim: CPU ms a pair of 512x288 RGB pictures, beside scikit-image and piq where they are installed (they are not in this project's
environment), with the largest difference of the results. set: CPU seconds and peak memory of the whole weight-free set for one answer,
decoding included, without and with truth, each in a process of its own. workers: `score` of 300 cases in one Ray worker against two.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from awbench.alignment import Given, aligned  # noqa: E402
from awbench.evidence import Evidence  # noqa: E402
from awbench.metrics.ssim import ssim_map  # noqa: E402
from awbench.scoring import load_metrics  # noqa: E402
from awbench.suites.case_media import whole_truth  # noqa: E402
from awbench.suites.world import render_case  # noqa: E402
from awbench.suites.world_design import dev_cases  # noqa: E402
from models.types import Clip, Grid  # noqa: E402
from models.video import encode_video, read_video, read_window  # noqa: E402

PAIRS = 20
SIZES = ((512, 288, 49), (1280, 720, 81))


def ssim() -> None:
    rng = np.random.default_rng(0)
    pictures = [cv2.GaussianBlur(rng.integers(0, 256, (288, 512, 3)).astype(np.uint8), (0, 0), 3) for _ in range(PAIRS)]
    others = [np.clip(picture + rng.normal(0, 5, picture.shape), 0, 255).astype(np.uint8) for picture in pictures]
    ours, own_ms = _timed(lambda a, b: float(ssim_map(a, b).mean()), pictures, others)
    print(f"ssim of 512x288 RGB: ours {own_ms:.1f} ms")
    for name, function in _peers().items():
        theirs, ms = _timed(function, pictures, others)
        print(f"  {name}: {ms:.1f} ms, ratio {ms / own_ms:.2f}, largest difference {max(abs(a - b) for a, b in zip(ours, theirs)):.1e}")


def _timed(function, pictures, others) -> tuple[list[float], float]:
    function(pictures[0], others[0])
    start = time.process_time()
    values = [function(a, b) for a, b in zip(pictures, others)]
    return values, 1000 * (time.process_time() - start) / len(pictures)


def _peers() -> dict:
    found = {}
    try:
        from skimage.metrics import structural_similarity

        wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
        found["scikit-image"] = lambda a, b: float(structural_similarity(a, b, channel_axis=2, **wang))
    except ImportError:
        print("scikit-image: not installed")
    try:
        import piq
        import torch

        torch.set_num_threads(1)
        tensor = lambda picture: torch.from_numpy(picture).permute(2, 0, 1)[None].float()  # noqa: E731
        found["piq"] = lambda a, b: float(piq.ssim(tensor(a), tensor(b), data_range=255.0, downsample=False))
        found["piq in double precision"] = lambda a, b: float(
            piq.ssim(tensor(a).double(), tensor(b).double(), data_range=255.0, downsample=False)
        )
    except ImportError:
        print("piq: not installed")
    return found


def whole_set() -> None:
    context = multiprocessing.get_context("spawn")
    for width, height, frames in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            grid = Grid(width=width, height=height, fps=16.0, num_frames=frames)
            maker = context.Process(target=_write_case, args=(Path(folder), grid))
            maker.start()
            maker.join()
            for with_truth in (False, True):
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_score_one, args=(Path(folder), grid, with_truth, sender))
                process.start()
                seconds, peak = receiver.recv()
                process.join()
                print(f"{frames} frames {width}x{height}, {'with' if with_truth else 'no'} truth: {seconds:.1f} s, peak {peak:.0f} MB")


def _write_case(folder: Path, grid: Grid) -> None:
    media = render_case(dev_cases()[0], grid)
    blurred = np.stack([cv2.GaussianBlur(frame, (0, 0), 0.6) for frame in media.truth.clip.frames])
    clips = {"driver": media.driving, "truth": media.truth.clip, "answer": Clip(frames=blurred, fps=grid.fps)}
    for name, clip in clips.items():
        (folder / f"{name}.mp4").write_bytes(encode_video(clip, preset="ultrafast"))


def _score_one(folder: Path, grid: Grid, with_truth: bool, sender) -> None:
    """From files to numbers, as `score` does. A filmed truth: every pixel is subject, the flow is estimated."""
    cv2.setNumThreads(1)
    metrics = load_metrics()  # once a run, not once an answer
    driver, start = read_window(folder / "driver.mp4", grid)[0], time.process_time()
    truth = whole_truth(read_window(folder / "truth.mp4", grid)[0]) if with_truth else None
    output = read_video(folder / "answer.mp4")
    whole = Evidence(case_id="c", output=output, driver=driver, reference=output.frames[0], truth=truth)
    evidence, values = aligned(whole, Given(frames=grid.num_frames, fps=grid.fps)), {}
    for metric in metrics:
        values[metric.name] = metric.function({part: values[part] for part in metric.combines} if metric.combines else evidence)
    sender.send((time.process_time() - start, _peak_mb()))


def _peak_mb() -> float:
    """Of this process alone: `ru_maxrss` would tell its parent's."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def workers() -> None:
    import shutil

    from pipelines.generate import generate
    from pipelines.score import score

    with tempfile.TemporaryDirectory() as folder:
        run = generate("flow_warp", "world-heldout", Path(folder) / "run", limit=300, workers=2)
        took = {}
        for count in (1, 2):
            copy = Path(shutil.copytree(run.path, Path(folder) / f"by-{count}"))
            start = time.monotonic()
            score([copy], workers=count)
            took[count] = time.monotonic() - start
        same = (Path(folder) / "by-1" / "scores.parquet").read_bytes() == (Path(folder) / "by-2" / "scores.parquet").read_bytes()
    print(json.dumps({"cases": 300, "seconds": took, "ratio": round(took[1] / took[2], 2), "same bytes": same}))


if __name__ == "__main__":
    cv2.setNumThreads(1)
    for job in sys.argv[1:] or ("ssim", "set", "workers"):
        {"ssim": ssim, "set": whole_set, "workers": workers}[job]()
