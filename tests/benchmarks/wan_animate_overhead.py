"""What `wan_animate` costs beside diffusers' bare pipeline: python tests/benchmarks/wan_animate_overhead.py [--rounds 12] [--size 128]

A tiny random folder of the real classes, 33 frames in one segment, 4 steps, one thread. In turn, so that both see the same machine: the
wrapper from request to clip (pose drawn, faces cut, adapted and brought back), and the pipeline alone on the pictures that the wrapper
handed it. Printed: median processor seconds, their ratio (`ratio`), the median ratio of wrapper to the pipeline's call inside of it
(`inside`, which a busy machine disturbs less), and whether the pixels are the same; then for a size that is no multiple of 16, where
the wrapper also brings pictures there and back.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
import torch  # noqa: E402

from models.baselines.local.wan_animate import WanAnimateOptions, create  # noqa: E402
from models.runtime import Runtime  # noqa: E402
from tests.models.tiny_wan_animate import save_animate, whole_request  # noqa: E402


class Listener:
    """Stands before a pipeline and keeps what it was called with."""

    def __init__(self, pipe: Any) -> None:
        self.pipe, self.call, self.spent = pipe, {}, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipe, name)

    def __call__(self, **call: Any) -> Any:
        self.call = call
        self.spent, made = seconds(lambda: self.pipe(**call))
        return made


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Of this process on a processor: one thread does all, and other work on the machine does not count."""
    start = time.process_time()
    made = work()
    return time.process_time() - start, made


def compared(animator: Any, size: tuple[int, int], frames: int, rounds: int) -> dict[str, Any]:
    pipe, asked = animator.pipe, whole_request(frames, size=size)
    animator.pipe = listener = Listener(pipe)
    animator.animate(asked)

    @torch.inference_mode()
    def bare() -> np.ndarray:
        again = listener.call | {"generator": torch.Generator().manual_seed(asked.seed)}
        return np.uint8(np.round(pipe(**again).frames[0] * 255))

    spent: dict[str, list[float]] = {"wrapper": [], "bare": []}
    inside = []
    for turn in range(rounds):
        for name in ("wrapper", "bare") if turn % 2 else ("bare", "wrapper"):  # who goes first is the slower one
            took, made = seconds(bare if name == "bare" else lambda: animator.animate(asked))
            spent[name].append(took)
            if name == "bare":
                pixels = made
            else:
                result = made
                inside.append(took / listener.spent)
    animator.pipe = pipe
    same = pixels.shape == result.clip.frames.shape and bool((pixels == result.clip.frames).all())
    figures = {name: round(median(each), 4) for name, each in spent.items()}
    ratio = figures["wrapper"] / figures["bare"]
    return {"size": size, "frames": frames, "ratio": round(ratio, 4), "inside": round(median(inside), 4), "same_pixels": same} | figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--size", type=int, default=128)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        save_animate(Path(folder) / "tiny")
        options = WanAnimateOptions(steps=4, area_px=0, segment=33)
        animator = create(str(Path(folder) / "tiny"), runtime=Runtime(device="cpu"), options=options)
        for size in ((flags.size, flags.size), (flags.size + 6, flags.size - 3)):
            print(json.dumps(compared(animator, size, 33, flags.rounds)), flush=True)


if __name__ == "__main__":
    main()
