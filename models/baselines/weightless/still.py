"""`still`: the reference repeated. Perfect appearance, no motion: the floor of motion fidelity."""

from __future__ import annotations

import time

import numpy as np

from models.capabilities import Capabilities
from models.framing import fit_image
from models.types import AnimationRequest, AnimationResult, Clip


class Still:
    """Answers every request with the reference, cropped and resized to the requested size, in every frame."""

    name = "still"
    weights_hash = ""

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start_s = time.monotonic()
        picture = fit_image(request.reference, request.size)
        clip = Clip(frames=np.repeat(picture[None], request.num_frames, axis=0), fps=request.driving.fps)
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=time.monotonic() - start_s)


def capabilities(name: str) -> Capabilities:
    return Capabilities(kind="weightless", licence="Apache-2.0", note="the floor of motion: the reference does not move")


def create(argument: str | None = None) -> Still:
    """The animator; it takes no argument."""
    if argument is not None:
        raise ValueError(f"animator still: argument: got {argument!r}, expected none; write just still")
    return Still()
