"""`flow_warp`: the reference warped by the driver's dense optical flow, accumulated from the driver's first frame.

It takes any real input and assumes that the reference stands where the driver's first frame does. A pixel x of frame t
comes from x + B_t(x) of frame 0, where B_0 = 0 and B_t(x) = b_t(x) + B_(t-1)(x + b_t(x)), with b_t the flow from frame t
to frame t-1 of the driver: each output frame is sampled from the reference once, so blur does not pile up.
"""

from __future__ import annotations

import time

import numpy as np

from models.baselines.weightless.echo_driver import driver_frames
from models.capabilities import Capabilities
from models.framing import fit_image
from models.optical_flow import backward_warp, since_first
from models.types import AnimationRequest, AnimationResult, Clip


class FlowWarp:
    """Moves the reference's pixels the way the driver's pixels move."""

    name = "flow_warp"
    weights_hash = ""

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start_s = time.monotonic()
        reference = fit_image(request.reference, request.size)
        frames = np.stack([backward_warp(reference, origin) for origin in since_first(driver_frames(request))])
        clip = Clip(frames=frames, fps=request.driving.fps)
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=time.monotonic() - start_s)


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="weightless",
        needs=("driver", "first_frame"),
        licence="Apache-2.0",
        note="the reference must stand as the driver's first frame does",
    )


def create(argument: str | None = None) -> FlowWarp:
    """The animator; it takes no argument."""
    if argument is not None:
        raise ValueError(f"animator flow_warp: argument: got {argument!r}, expected none; write just flow_warp")
    return FlowWarp()
