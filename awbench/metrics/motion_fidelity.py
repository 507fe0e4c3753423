"""motion_fidelity, 0-1: how much of the wanted motion is there, in place, direction and size.

For two fields of motion f (output) and g (wanted), smoothed over POOL of the short side,
    agreement A(f, g) = sum max(0, cos(f, g)) * min(|f|, |g|) / sum max(|f|, |g|)
sums over pixels and frames: direction agreement times the magnitude ratio min(a/b, b/a), weighted by the larger
magnitude. It is 1 for equal fields, exactly 0 without motion (lengths below STILL_PX are set to 0), 0 for opposite motion.
With truth: g is the exact flow on the truth's subject, f the estimated flow of the output there times its presence, and
    score = min(1, A(f, g) / ((1 - FREE) * max(A(f_truth, g), LEAST)))
Presence, 0-1, asks whether anything stands there at all: the contrast of the output to its own surroundings (outside both
subjects), against half the truth's. A scene dragged along where the subject should be earns nothing, whoever the subject is.
with f_truth what the same estimator sees in the truth itself, so its errors are no fault of the output.
Without truth: g is the driver's estimated flow on the whole frame; the camera (a robust similarity transform fitted to each
field) is taken out of both, unless the driver has hardly any other motion. No normalisation: another body moves differently
and elsewhere, so a right answer gets some 0.3 (a wrong motion below 0.1). Limit: copies of the driver's own field
(echo_driver, flow_warp) score above a right answer there, so reports do not rank it, nor overall, on suites without truth.
A wanted motion below STILL_PX everywhere: 1 for an output that is still too, falling with its motion.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored

STILL_PX, POOL, SURROUNDINGS, FREE, LEAST = 0.12, 0.04, 0.1, 0.1, 0.2


def pooled(flows: np.ndarray, masks: np.ndarray | None = None) -> np.ndarray:
    """Flows `[T-1,h,w,2]` averaged over a neighbourhood (inside the mask only); short vectors become exactly 0."""
    sigma = POOL * min(flows.shape[1:3])
    smooth = np.stack([_average(flow, None if masks is None else masks[t], sigma) for t, flow in enumerate(flows)])
    return smooth * (np.linalg.norm(smooth, axis=-1, keepdims=True) >= STILL_PX)


def _average(flow: np.ndarray, mask: np.ndarray | None, sigma: float) -> np.ndarray:
    if mask is None:
        return cv2.GaussianBlur(flow, (0, 0), sigma)
    weight = mask.astype(np.float32)
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    return cv2.GaussianBlur(flow * weight[..., None], (0, 0), sigma) / np.maximum(total, 1e-6)[..., None] * weight[..., None]


def agreement(flows: np.ndarray, wanted: np.ndarray) -> float:
    """A of two pooled fields `[T-1,h,w,2]`; where nothing is wanted, 1 without motion, falling with its mean length."""
    a, b = np.linalg.norm(flows, axis=-1), np.linalg.norm(wanted, axis=-1)
    if not b.any():
        return float(STILL_PX / (STILL_PX + a.mean()))
    cosine = (flows * wanted).sum(-1) / np.maximum(a * b, 1e-9)
    return float((np.maximum(0, cosine) * np.minimum(a, b)).sum() / np.maximum(a, b).sum())


def without_camera(flow: np.ndarray) -> np.ndarray:
    """A field `[h,w,2]` less the similarity transform that most of it follows (RANSAC on a grid of points)."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[2 : height : max(1, height // 24), 2 : width : max(1, width // 24)]
    start = np.stack([x.ravel(), y.ravel()], -1).astype(np.float32)
    cv2.setRNGSeed(0)  # RANSAC draws from OpenCV's global generator: without this the result depends on what ran before
    matrix, _ = cv2.estimateAffinePartial2D(start, start + flow[y, x].reshape(-1, 2), ransacReprojThreshold=0.5)
    if matrix is None:
        return flow
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    return flow - (grid @ (matrix[:, :2].T - np.eye(2)) + matrix[:, 2]).astype(np.float32)


def motion_agreement(flows: np.ndarray, wanted: np.ndarray) -> float:
    """Agreement of two estimated flows `[T-1,h,w,2]` over the whole frame with the camera taken out of both, 0-1."""
    own = pooled(np.stack([without_camera(flow) for flow in wanted]))
    if own.any(-1).mean() < 0.02:  # a camera move and nothing else
        return agreement(pooled(flows), pooled(wanted))
    return agreement(pooled(np.stack([without_camera(flow) for flow in flows])), own)


def contrast(frame: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Lab distance float32 `[h,w]` of uint8 `[h,w,3]` to its surroundings: the mean nearby colour outside the footprint."""
    side = min(footprint.shape)
    outside = 1 - cv2.dilate(footprint.astype(np.float32), np.ones((3, 3)))
    lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    far = (lab * outside[..., None]).sum((0, 1)) / max(float(outside.sum()), 1.0)
    near, weight = (cv2.GaussianBlur(field, (0, 0), SURROUNDINGS * side) for field in (lab * outside[..., None], outside))
    around = (near + 1e-3 * far) / (weight + 1e-3)[..., None]
    return cv2.GaussianBlur(np.linalg.norm(lab - around, axis=-1), (0, 0), 0.02 * side)


def presence(output: np.ndarray, truth: np.ndarray, footprints: np.ndarray) -> np.ndarray:
    """How much of a subject stands in `[T,h,w,3]` where the truth's does, float32 `[T,h,w]`, 0-1."""
    found = [contrast(a, m) / (0.5 * contrast(b, m) + 2.0) for a, b, m in zip(output, truth, footprints)]
    return np.minimum(1, np.stack(found))


def motion_fidelity(evidence: Evidence) -> float | Unscored:
    if len(evidence.output) < 2:
        return Unscored(reason="one frame has no motion")
    if evidence.truth is None:
        return motion_agreement(evidence.output_flow, evidence.driver_flow)
    masks = evidence.subject[:-1]
    if not masks.any():
        return Unscored(reason="the truth shows no subject")
    wanted, seen = pooled(evidence.exact_flow, masks), pooled(evidence.truth_flow, masks)
    level = (1 - FREE) * max(agreement(seen, wanted), LEAST)
    there = presence(evidence.output_frames[:-1], evidence.truth_frames[:-1], masks | evidence.reference_subject)
    return float(min(1.0, agreement(pooled(evidence.output_flow, masks) * there[..., None], wanted) / level))


METRIC = Metric(name="motion_fidelity", version="1", dimension="motion", low=0, high=1, function=motion_fidelity)
