"""motion_smoothness, 0-1: does the output accelerate more than the motion it was asked for?

With F the estimated flow, the acceleration of the point at x is F_{t+1}(x + F_t(x)) - F_t(x). Its mean length over the
frame (each pixel capped at CAP of the short side, so that a few wild vectors of the estimator do not drown the rest), then the
root mean square over time, is the unevenness j in px: jitter, stutter (held frames, then leaps) and position flicker raise it.
    score = min(1, ((1 + FREE) * j_source + FLOOR) / (j_output + FLOOR))
The source is the driver or the truth, whichever is less even, so the estimator's trouble with one clip is no fault of
the output. Without truth the driver alone must do: another body moves its own limbs elsewhere, so a right answer is often
less even than the driver, and FREE_WITHOUT_TRUTH takes the place of FREE (on the world with its truth withheld, nine right
answers in ten then get 1; their mean is 0.94-0.98). Blur, slowness and freezing can't earn more than 1; that a frozen clip
does not move is motion_fidelity's case.

Needs three frames. Limits: a whole clip that moves more than it should is less even too and loses here as well. Without
truth, copies of the driver's flow (echo_driver, flow_warp) are as even as the driver by construction and always get 1, above
some right answers, and half of all stutter passes unseen.
"""

from __future__ import annotations

import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored
from models.optical_flow import backward_warp

FREE, FREE_WITHOUT_TRUTH, FLOOR_PX, CAP = 0.25, 0.75, 0.05, 0.08


def unevenness_px(flows: np.ndarray) -> float:
    """Root mean square over time of the mean acceleration of float32 flows `[T-1,h,w,2]`, T >= 3."""
    cap = CAP * min(flows.shape[1:3])
    changes = (np.linalg.norm(backward_warp(after, before) - before, axis=-1) for before, after in zip(flows[:-1], flows[1:]))
    return float(np.sqrt(np.mean([np.minimum(change, cap).mean() ** 2 for change in changes])))


def motion_smoothness(evidence: Evidence) -> float | Unscored:
    if len(evidence.output) < 3:
        return Unscored(reason=f"{len(evidence.output)} frames, acceleration needs 3")
    sources = [evidence.driver_flow] + ([] if evidence.truth is None else [evidence.truth_flow])
    source, free = max(unevenness_px(flows) for flows in sources), FREE_WITHOUT_TRUTH if evidence.truth is None else FREE
    return float(min(1.0, ((1 + free) * source + FLOOR_PX) / (unevenness_px(evidence.output_flow) + FLOOR_PX)))


METRIC = Metric(name="motion_smoothness", version="1", dimension="smoothness", low=0, high=1, function=motion_smoothness)
