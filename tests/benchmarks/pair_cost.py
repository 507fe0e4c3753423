"""What a pair costs beside its teacher: seconds of one thread by step.

    OMP_NUM_THREADS=1 python tests/benchmarks/pair_cost.py [--size 512 288] [--num-frames 49] [--clip FILE --identity FILE]

read (window and identity), target (its encoding), reference (its first frame as png), driver (its encoding), decode (the driver as stored,
the target's frames counted), then every filter in its order: what several share is in the first that asks for it. CPU time of this process,
the mean of the repetitions after one that is not counted. Footage: a clip of the world and its identity, or what is given; the driver is
the identity moved by the clip's flow.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.suites.world import render_case  # noqa: E402
from awbench.suites.world_design import dev_cases  # noqa: E402
from bootstrap.filters.catalog import in_use  # noqa: E402
from bootstrap.filters.evidence import PairEvidence  # noqa: E402
from bootstrap.synthesis import encode_driver, read_media  # noqa: E402
from bootstrap.thresholds import Thresholds  # noqa: E402
from models.images import encode_image  # noqa: E402
from models.types import AnimationRequest, Clip, Grid  # noqa: E402
from models.video import count_frames, encode_video, read_first_frame, read_video, write_video  # noqa: E402
from tests.benchmarks.sleeping_teacher import SleepingTeacher  # noqa: E402

T = TypeVar("T")


class Laps:
    """CPU seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def lap(self, step: str, function: Callable[..., T], *args, **named) -> T:
        start = time.process_time()
        try:
            return function(*args, **named)
        finally:
            self.seconds[step] += time.process_time() - start


def world_footage(folder: Path, grid: Grid) -> tuple[str, str]:
    """A clip and an identity of the world, written."""
    case = render_case(dev_cases()[0], grid)
    write_video(str(folder / "clip.mp4"), case.driving)
    (folder / "identity.png").write_bytes(encode_image(case.reference))
    return str(folder / "clip.mp4"), str(folder / "identity.png")


def driver_for(clip: str, identity: str, grid: Grid) -> Clip:
    media = read_media(clip, 0.0, identity, grid)
    asked = AnimationRequest(id="pair", reference=media.identity, driving=media.clip, size=grid.size, num_frames=grid.num_frames, seed=0)
    return SleepingTeacher(seconds=0.0).animate(asked).clip


def one_pair(laps: Laps, clip: str, identity: str, grid: Grid, driver: Clip) -> tuple[int, int]:
    """All that is done for a pair; returns the sizes of target and driver, bytes."""
    media = laps.lap("read", read_media, clip, 0.0, identity, grid)
    target = laps.lap("target", encode_video, media.clip)
    laps.lap("reference", lambda: encode_image(read_first_frame(target)))
    data = laps.lap("driver", encode_driver, driver, "yuv444p")
    stored = laps.lap("decode", read_video, data)
    laps.lap("decode", count_frames, target, decode=False)
    evidence = PairEvidence(key="pair", driver=stored, source=media.clip, identity=media.identity)
    for one, threshold in in_use(Thresholds()):
        laps.lap(f"filter {one.name}", one.judge, evidence, threshold)
    return len(target), len(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, nargs=2, default=(512, 288))
    parser.add_argument("--num-frames", type=int, default=49)
    parser.add_argument("--fps", type=float, default=16.0)
    parser.add_argument("--clip")
    parser.add_argument("--identity")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    grid = Grid(width=args.size[0], height=args.size[1], fps=args.fps, num_frames=args.num_frames)
    with tempfile.TemporaryDirectory() as folder:
        footage = (args.clip, args.identity) if args.clip else world_footage(Path(folder), grid)
        driver = driver_for(*footage, grid)
        one_pair(Laps(), *footage, grid, driver)
        laps = Laps()
        sizes = [one_pair(laps, *footage, grid, driver) for _ in range(args.repeat)]
    mean = {step: seconds / args.repeat for step, seconds in laps.seconds.items()}
    for step, seconds in mean.items():
        print(f"{step:24s} {1000 * seconds:8.1f} ms")
    filters = sum(seconds for step, seconds in mean.items() if step.startswith("filter"))
    print(f"{'all':24s} {1000 * sum(mean.values()):8.1f} ms, filters {1000 * filters:.1f} ms of them")
    print(f"target {sizes[0][0] / 1000:.0f} kB, driver {sizes[0][1] / 1000:.0f} kB")


if __name__ == "__main__":
    main()
