"""What our wrapper costs around diffusers' pipeline: python tests/benchmarks/local_overhead.py [--systems wan_vace] [--rounds 12]

Tiny random folders of the real classes, 33 frames in one segment, 4 steps, one thread. In turn, so that both see the same machine: the
wrapper from request to clip (pose drawn, faces cut, adapted and brought back), and the pipeline alone on the pictures that the wrapper
handed it. Printed for each system: median processor seconds, their ratio (`ratio`), the median ratio of wrapper to the pipeline's call
inside of it (`inside`, which a busy machine disturbs less), and whether the pixels are the same; then for a size that is no multiple of
16, where the wrapper also brings pictures there and back.
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

from models.baselines.local import wan_animate, wan_vace  # noqa: E402
from models.runtime import Runtime  # noqa: E402
from tests.models.tiny_local import request_of, save_vace  # noqa: E402
from tests.models.tiny_wan_animate import save_animate, whole_request  # noqa: E402

FRAMES, CPU = 33, Runtime(device="cpu")
SHORT = {"steps": 4, "area_px": 0, "segment": FRAMES}


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


def compared(animator: Any, holder: Any, asked: Any, rounds: int) -> dict[str, Any]:
    """`holder`: what has the pipeline as `pipe`, the animator or its painter."""
    pipe = holder.pipe
    holder.pipe = listener = Listener(pipe)
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
    holder.pipe = pipe
    same = pixels.shape == result.clip.frames.shape and bool((pixels == result.clip.frames).all())
    figures = {name: round(median(each), 4) for name, each in spent.items()}
    ratio = figures["wrapper"] / figures["bare"]
    return {"size": asked.size, "ratio": round(ratio, 4), "inside": round(median(inside), 4), "same_pixels": same} | figures


def of_wan_animate(folder: Path, size: tuple[int, int]) -> tuple[Any, Any, Any]:
    """Animator, what holds its pipeline, and a request."""
    options = wan_animate.WanAnimateOptions(**SHORT)
    animator = wan_animate.create(str(save_animate(folder)), runtime=CPU, options=options)
    return animator, animator, whole_request(FRAMES, size=size)


def of_wan_vace(folder: Path, size: tuple[int, int]) -> tuple[Any, Any, Any]:
    """As `of_wan_animate`."""
    saved = save_vace(folder, text_encoder=True, num_attention_heads=8, num_layers=4)
    animator = wan_vace.create(str(saved), runtime=CPU, options=wan_vace.WanVaceOptions(**SHORT))
    return animator, animator.painter, request_of(FRAMES, size=size)


SYSTEMS = {"wan_animate": of_wan_animate, "wan_vace": of_wan_vace}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--size", type=int, default=128)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    for system in flags.systems:
        for size in ((flags.size, flags.size), (flags.size + 6, flags.size - 3)):
            with tempfile.TemporaryDirectory() as folder:
                figures = compared(*SYSTEMS[system](Path(folder) / "tiny", size), flags.rounds)
            print(json.dumps({"system": system} | figures), flush=True)


if __name__ == "__main__":
    main()
