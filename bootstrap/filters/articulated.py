"""Does the driver move in its parts where the source does, or only as a whole, as a reference that is panned, zoomed or shaken?

The camera of a step is the similarity transform that most of its flow follows. A pixel's error is how far the next frame, brought back,
is from this one. E is the mean square error after undoing the camera, F after undoing the whole flow, in grey levels, on the small
raster of motion signatures without its rim (a pan brings mirrored or smeared pixels in there), and the share
    (E - F) / (E + FLOOR)
tells how much of what a camera leaves is motion of parts. Errors of the flow in smooth areas change no pixel and do not count. The
filter's value is the driver's share over the source's; of the camera's own motion and of the size of the figure it is free.

Not told where the source's own share is below LEAST: a still face, coding noise. Limit: a figure cut out and slid over its background
has moved apart from the camera, and passes.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from awbench.evidence import channel_mean
from awbench.metrics.metric import Unscored
from awbench.motion_signature import all_small
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter
from models.optical_flow import backward_warp

FLOOR, LEAST, RIM, SIGMA_PX = 4.0, 0.3, 0.06, 1.0  # FLOOR in squared grey levels, RIM of the short side


def articulated(evidence: PairEvidence) -> float | Unscored:
    if len(evidence.driver) < 2:
        return Unscored(reason="one frame has no motion")
    seen = evidence.as_answer
    wanted = parts_share(seen.driver_frames, seen.driver_flow, seen.driver_motion)
    if wanted < LEAST:
        return Unscored(reason="the source hardly moves in its parts")
    return parts_share(seen.output_frames, seen.output_flow, seen.output_motion) / wanted


def parts_share(frames: np.ndarray, flows: np.ndarray, motion: np.ndarray) -> float:
    """How much of what the camera leaves is motion of parts, 0-1: uint8 `[T,H,W,3]`, T >= 2, flows float32 `[T-1,H,W,2]` px, and
    `motion` `[T-1,h,w,2]`, the same less the camera on the small raster."""
    pictures, whole = all_small(frames).astype(np.float32), all_small(flows)
    scale = pictures.shape[1] / frames.shape[1]
    steps = [_errors(one, after, scale * (flow - own), scale * flow) for (one, after), flow, own in zip(pairwise(pictures), whole, motion)]
    camera, local = np.mean(steps, axis=0)
    return float((camera - local) / (camera + FLOOR))


def _errors(one: np.ndarray, after: np.ndarray, camera: np.ndarray, flow: np.ndarray) -> tuple[float, float]:
    """Mean square error after undoing the camera's field, and after undoing the flow: none is worse than by the camera's."""
    rim = max(2, round(RIM * min(one.shape[:2])))
    left = _error(one, after, camera)
    explained = np.minimum(_error(one, after, flow), left)
    return tuple(float((error[rim:-rim, rim:-rim] ** 2).mean()) for error in (left, explained))


def _error(one: np.ndarray, after: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Smoothed difference of `one` and `after` brought back by a field, grey levels `[h,w]`."""
    return cv2.GaussianBlur(channel_mean(np.abs(backward_warp(after, field) - one)), (0, 0), SIGMA_PX)


ARTICULATED = Filter(
    name="articulated", function=articulated, lacking="of the source's motion of parts: the picture moves as a whole, or not at all"
)
