"""motion_smoothness, 0-1: does the output jerk, hold or run backwards where the motion it was asked for does not?

Three figures. With F the estimated flow, the acceleration of the point at x is F_{t+1}(x + F_t(x)) - F_t(x). Its mean length over the
frame (each pixel capped at CAP of the short side, so that a few wild vectors of the estimator do not drown the rest), then the
root mean square over time, is the unevenness j in px. A step is held when the picture changes by less than HELD of the clip's median
change; h is the share of steps that are held while the source moves. A step turns back when neighbouring flows point against each
other (cosine below TURN); b is the share of such steps beyond the source's.
    score = min(1, ((1 + FREE) * j_source + FLOOR) / (j_output + FLOOR)) * (1 - h) * (1 - max(0, b - TURNS_FREE))
The source is the driver or the truth, whichever is less even, so the estimator's trouble with one clip is no fault of
the output. Without truth the driver alone must do: another body moves its own limbs elsewhere, so a right answer is often
less even than the driver, and FREE_WITHOUT_TRUTH takes the place of FREE. Blur, slowness and freezing can't earn more than 1; that a
frozen clip does not move is motion_fidelity's case: h counts held steps only of a clip that moves at all.

Needs three frames. Limit: a whole clip that moves more than it should is less even too and loses here as well.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored
from awbench.motion_signature import lengths
from models.optical_flow import backward_warp

FREE, FREE_WITHOUT_TRUTH, FLOOR_PX, CAP = 0.25, 0.75, 0.05, 0.08
HELD, LEAST_CHANGE, TURN, TURNS_FREE = 0.15, 0.25, -0.3, 0.1  # LEAST_CHANGE in grey levels


def unevenness_px(flows: np.ndarray) -> float:
    """Root mean square over time of the mean acceleration of float32 flows `[T-1,h,w,2]`, T >= 3."""
    cap = CAP * min(flows.shape[1:3])
    changes = (lengths(backward_warp(after, before) - before) for before, after in pairwise(flows))
    return float(np.sqrt(np.mean([np.minimum(change, cap).mean() ** 2 for change in changes])))


def changes(frames: np.ndarray) -> np.ndarray:
    """Mean absolute change of uint8 `[T,h,w,3]` at every step, grey levels: `[T-1]`."""
    return np.array([difference(one, other) for one, other in pairwise(frames)])


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference of two uint8 arrays of one shape, grey levels."""
    return cv2.norm(one, other, cv2.NORM_L1) / one.size


def held(steps: np.ndarray) -> np.ndarray:
    """Which steps of a moving clip stand still: bool `[T-1]`; none of a clip that hardly ever changes."""
    moving = steps[steps > LEAST_CHANGE]
    return steps < HELD * np.median(moving) if len(moving) else np.zeros(len(steps), bool)


def held_share(output: np.ndarray, source: np.ndarray) -> float:
    """The share of steps at which uint8 `[T,h,w,3]` holds while the source does not, 0-1."""
    wanted = ~held(changes(source)) & (changes(source) > LEAST_CHANGE)
    return float((held(changes(output)) & wanted).sum() / max(1, wanted.sum()))


def turning_back(flows: np.ndarray) -> float:
    """The share of steps of float32 flows `[T-1,h,w,2]` that run against the step before, 0-1."""
    dots = np.array([(one * other).sum() for one, other in pairwise(flows)])
    norms = np.sqrt([(flow * flow).sum() for flow in flows])
    return float(np.mean(dots < TURN * norms[:-1] * norms[1:]))


def motion_smoothness(evidence: Evidence) -> float | Unscored:
    if len(evidence.output) < 3:
        return Unscored(reason=f"{len(evidence.output)} frames, acceleration needs 3")
    sources = [evidence.driver_flow] + ([] if evidence.truth is None else [evidence.truth_flow])
    source, free = max(unevenness_px(flows) for flows in sources), FREE_WITHOUT_TRUTH if evidence.truth is None else FREE
    even = min(1.0, ((1 + free) * source + FLOOR_PX) / (unevenness_px(evidence.output_flow) + FLOOR_PX))
    wanted = evidence.driver_frames if evidence.truth is None else evidence.truth_frames
    back = turning_back(evidence.output_flow) - max(turning_back(flows) for flows in sources)
    return float(even * (1 - held_share(evidence.output_frames, wanted)) * (1 - max(0.0, back - TURNS_FREE)))


METRIC = Metric(
    name="motion_smoothness",
    version="2",
    dimension="smoothness",
    low=0,
    high=1,
    function=motion_smoothness,
    margin=0.01,
    sees="jitter, held frames (stutter), frames in the wrong order",
    blind="motion that is smooth and wrong",
)
