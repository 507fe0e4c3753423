"""temporal_consistency, 0-1: once motion is undone, does the picture stay what it was?

The warp error e is the mean over pixels and frames of |I_{t+1}(x + F_t(x)) - I_t(x)| in grey levels, each pixel capped
at CAP so that a few uncovered pixels do not drown the rest, pixels that leave the frame left out. Flicker, boiling
textures and changing identities raise it; motion and jitter, which flow explains, do not.
    score = min(1, ((1 + FREE) * e_source + FLOOR) / (e_output + FLOOR))
The source is the truth or the driver, whichever is worse, so fast limbs the estimator can't follow are no fault of the
output. The driver shows another picture, so its error is scaled by the ratio of the two pictures' mean gradients
(reference / driver, kept within 1/2 and 2). Blur, freezing and stillness can't earn more than 1.
Source of the warp error: Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence, reduced
from awbench.metrics.metric import Metric, Unscored
from models.optical_flow import backward_warp

FREE, FLOOR, CAP = 0.2, 0.5, 48.0  # FLOOR and CAP in grey levels


def warp_error(frames: np.ndarray, flows: np.ndarray) -> float:
    """Mean motion-compensated change of uint8 `[T,h,w,3]` in grey levels, T >= 2; flows float32 `[T-1,h,w,2]`."""
    return float(np.mean([_change(a, b, flow) for a, b, flow in zip(frames[:-1], frames[1:], flows)]))


def _change(first: np.ndarray, second: np.ndarray, flow: np.ndarray) -> float:
    height, width = first.shape[:2]
    x, y = np.arange(width) + flow[..., 0], np.arange(height)[:, None] + flow[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    red, green, blue = np.moveaxis(cv2.absdiff(backward_warp(second, flow), first), -1, 0)
    change = (red.astype(np.uint16) + green + blue).astype(np.float32) / np.float32(3)
    return float(np.minimum(change, CAP)[inside].mean()) if inside.any() else CAP


def _gradient(frame: np.ndarray) -> float:
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.abs(np.diff(gray, axis=0)).mean() + np.abs(np.diff(gray, axis=1)).mean()) + 1.0


def temporal_consistency(evidence: Evidence) -> float | Unscored:
    if len(evidence.output) < 2:
        return Unscored(reason="one frame has no change")
    contrast = _gradient(reduced(evidence.reference[None])[0]) / _gradient(evidence.driver_frames[0])
    source = warp_error(evidence.driver_frames, evidence.driver_flow) * float(np.clip(contrast, 0.5, 2.0))
    if evidence.truth is not None:
        source = max(source, warp_error(evidence.truth_frames, evidence.truth_flow))
    return float(min(1.0, ((1 + FREE) * source + FLOOR) / (warp_error(evidence.output_frames, evidence.output_flow) + FLOOR)))


METRIC = Metric(
    name="temporal_consistency",
    version="1",
    dimension="temporal",
    low=0,
    high=1,
    function=temporal_consistency,
    margin=0.02,
    sees="flicker, an identity that switches",
    blind="changes that flow explains: smooth boiling, slow drift",
)
