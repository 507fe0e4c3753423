"""Animators that cost something, and one that is asked for several cases together: named `tests.pipelines.priced_systems:create`."""

import os
import threading
import time
from dataclasses import dataclass

import numpy as np

from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate
from models.types import AnimationResult, Clip, require

NAME = "tests.pipelines.priced_systems:create"
LOADED, TOGETHER = [], threading.Barrier(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`usd`: what a case really costs; `say_usd`: what is expected; `way`: plain, together (three must be under way), hang or chatter."""

    usd: float = 0.5
    say_usd: float | None = 0.5
    level: int = 90
    way: str = "plain"
    concurrency: int = 1

    def __post_init__(self):
        require(0 <= self.level <= 255, "priced", "level", self.level, "0 to 255")


def capabilities(name):
    sizes, frames = SizeRule(multiple=48), FrameRule(step=4, offset=1)
    return Capabilities(kind="hosted", size=sizes, frames=frames, licence="its terms", note="a fake")


def options(name):
    return Options


def estimate(name, workload, options):
    return Estimate(usd=options.say_usd, seconds=2.0, basis="as told")


class Priced:
    name, weights_hash = "priced", ""

    def __init__(self, options):
        self.options, self.concurrency = options, options.concurrency

    def animate(self, request):
        if self.options.way == "hang":
            os.write(1, b"asked\n")
            time.sleep(600)
        while self.options.way == "chatter":  # until the pipe is full: then for ever, with the lock of standard output
            print("asked " * 1000)
        if self.options.way == "together":
            TOGETHER.wait(timeout=20)
        frames = np.full((request.num_frames, request.size[1], request.size[0], 3), self.options.level, np.uint8)
        clip = Clip(frames=frames, fps=request.driving.fps)
        provenance = {"cost_usd": self.options.usd, "offset_s": 0.125, "note": "by a fake"}
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=0.0, provenance=provenance)


def create(argument=None, *, name, options):
    LOADED.append(options)
    return Priced(options)
