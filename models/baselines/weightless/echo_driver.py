"""`echo_driver`: the driving clip handed back. Perfect motion, nothing of the reference: the floor of appearance."""

from __future__ import annotations

import time

import numpy as np

from models.capabilities import Capabilities
from models.framing import fit_image
from models.types import AnimationRequest, AnimationResult, Clip


def driver_frames(request: AnimationRequest) -> np.ndarray:
    """The driver at the requested size and length, uint8 `[T,H,W,3]`; a shorter driver holds its last frame."""
    source = request.driving.frames
    return np.stack([fit_image(source[min(t, len(source) - 1)], request.size) for t in range(request.num_frames)])


class EchoDriver:
    """Answers every request with its driver, cropped and resized to the requested size."""

    name = "echo_driver"
    weights_hash = ""

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start_s = time.monotonic()
        clip = Clip(frames=driver_frames(request), fps=request.driving.fps)
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=time.monotonic() - start_s)


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="weightless", needs=("driver",), licence="Apache-2.0", note="the floor of appearance: nothing of the reference is shown"
    )


def create(argument: str | None = None) -> EchoDriver:
    """The animator; it takes no argument."""
    if argument is not None:
        raise ValueError(f"animator echo_driver: argument: got {argument!r}, expected none; write just echo_driver")
    return EchoDriver()
