"""Frames a second and core of the world renderer, per body plan: python tests/benchmarks/world_frames.py [SIZE_PX]

Every clip is a new identity in a new scene (nothing is warm), subject mask and pose included. Beside it, in the same run,
what a user would do instead of rendering: decode the same frames from mp4 (PyAV), as a ratio. Then seconds a whole case of world-v1
(driver, reference, truth with masks, flow and pose) takes at some grids, over CASES of them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2  # noqa: E402

from awbench.suites.world import render_case, world_v1  # noqa: E402
from awbench.world.render import render  # noqa: E402
from awbench.world.shot import SUBJECTS, sample_shot  # noqa: E402
from models.video import encode_video, read_video  # noqa: E402

CLIPS, FRAMES, FPS = 40, 12, 8.0
GRIDS, CASES = ("256x256x24@12", "512x512x24@12", "832x480x49@16"), 10


def main(size_px: int) -> None:
    cv2.setNumThreads(1)
    print(f"{size_px} px, {CLIPS} clips of {FRAMES} frames, one core: frames/s rendered, decoded from mp4, ratio")
    for subject in SUBJECTS:
        shots = [sample_shot("heldout", 9000 + k, subject=subject) for k in range(CLIPS)]
        start = time.process_time()
        clips = [render(shot, (size_px, size_px), FRAMES, FPS).clip for shot in shots]
        rendered = CLIPS * FRAMES / (time.process_time() - start)
        files = [encode_video(clip) for clip in clips]
        start = time.process_time()
        for data in files:
            read_video(data)
        decoded = CLIPS * FRAMES / (time.process_time() - start)
        print(f"{subject:10s} {rendered:7.0f} {decoded:7.0f} {rendered / decoded:5.2f}")
    for spelling in GRIDS:
        suite, seconds = world_v1(spelling), []
        for case in suite.cases[:CASES]:
            start = time.process_time()
            render_case(suite.source.recipe[case.id], suite.grid)
            seconds.append(time.process_time() - start)
        print(f"world-v1 at {spelling}: {sum(seconds) / CASES:.2f} s a case, {max(seconds):.2f} s at most")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
