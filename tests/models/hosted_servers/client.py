"""A process that asks for many clips at once, for tests that kill it: `python client.py NAME COUNT OPTIONS_JSON`.

Prints one JSON line for every request that ended.
"""

from __future__ import annotations

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from models.animators.registry import ANIMATORS
from models.stated import options_of
from models.types import AnimationRequest, Clip

FPS, SECONDS = 2.0, 3


def request(index: int, prompt: str = "she waves") -> AnimationRequest:
    """Number `index` of many, each with pixels of its own."""
    reference = np.full((24, 24, 3), index % 250, np.uint8)
    reference[: 1 + index // 250] = 255
    frames = np.stack([np.full((24, 24, 3), 10 * step, np.uint8) for step in range(int(FPS * SECONDS))])
    clip = Clip(frames=frames, fps=FPS)
    return AnimationRequest(
        id=f"case{index:03d}", reference=reference, driving=clip, size=(24, 24), num_frames=len(clip), seed=index, prompt=prompt
    )


def animator(name: str, **options):
    return ANIMATORS.load(name)(None, name=name, options=options_of(name, ANIMATORS)(**options))


def main(name: str, count: str, options: str) -> None:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    system = animator(name, **json.loads(options))

    def ask(index: int) -> None:
        try:
            result = system.animate(request(index))
            told = {"ok": True, "frames": len(result.clip), "usd": result.provenance.get("cost_usd")}
        except ValueError as error:
            told = {"ok": False, "reason": str(error)}
        sys.stdout.write(json.dumps({"index": index} | told) + "\n")  # print writes its end apart
        sys.stdout.flush()

    with ThreadPoolExecutor(system.concurrency) as pool:
        list(pool.map(ask, range(int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
