"""motion_fidelity, 0-1: how much of the wanted motion is there, in direction and size and, with a truth, in place.

With truth: for two fields of motion f (output) and g (wanted), smoothed over POOL of the short side,
    agreement A(f, g) = sum max(0, cos(f, g)) * min(|f|, |g|) / sum max(|f|, |g|)
sums over pixels and frames: direction agreement times the magnitude ratio min(a/b, b/a), weighted by the larger
magnitude. It is 1 for equal fields, exactly 0 without motion (lengths below STILL_PX are set to 0), 0 for opposite motion.
g is the exact flow on the truth's subject (the estimated one of a filmed truth), f the estimated flow of the output there times its
presence, and
    score = min(1, A(f, g) / ((1 - FREE) * max(A(f_truth, g), LEAST)))
with f_truth what the same estimator sees in the truth itself, so its errors are no fault of the output. The same is asked once more with
the camera taken out of all three fields, where the estimator sees that motion at all, and the smaller counts: a reference panned as
the camera pans has not moved its subject.
Presence, 0-1, asks whether anything stands there at all: the contrast of the output to its own surroundings (outside both
subjects), against half the truth's. A scene dragged along where the subject should be earns nothing, whoever the subject is.

Without truth: another body moves differently and elsewhere, so places are forgotten. With m the likeness of the motion signatures of
output and driver (which directions move how much at every step, camera out, `awbench/motion_signature.py`) and a the ratio of their
amplitudes, the smaller to the larger,
    score = (1 - (1 - x)^2) * (1 - (1 - a)^2),     x = max(0, m - CHANCE) / (1 - CHANCE)
CHANCE is what another clip's motion does (0.2); a right answer reaches 0.71-0.78 (world, truth withheld, median), and the parabolas make
what it lacks there count little, and the same lack in a wrong answer much. It sees a still picture, another motion, frames in another
order. Repeating the driver's own field still earns more than a right answer does: no ranking without truth. A wanted motion below
STILL_PX everywhere: 1 for an output that is still too, falling with its motion.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored
from awbench.motion_signature import STILL_PX, all_small, lengths, likeness, signature, smoothed

SURROUNDINGS, FREE, LEAST = 0.1, 0.1, 0.2
CHANCE = 0.2
RELIABLE, LEAST_MOVING = 0.4, 0.1
"""How well the estimator must see the truth's motion apart from the camera, and the share of the subject that must have one, to ask for it
on its own."""
LEAST_OWN = 0.02
"""Share of the frame that must move apart from the camera; below it the camera's move is all that was asked for."""


def pooled(flows: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Flows `[T-1,h,w,2]` averaged over a neighbourhood inside masks `[T-1,h,w]`, 0-1; short vectors become exactly 0."""
    weights = masks.astype(np.float32)
    smooth = np.stack([smoothed(f * m[..., None]) / np.maximum(smoothed(m), 1e-6)[..., None] for f, m in zip(flows, weights)])
    smooth *= weights[..., None]
    return smooth * (lengths(smooth)[..., None] >= STILL_PX)


def agreement(flows: np.ndarray, wanted: np.ndarray) -> float:
    """A of two pooled fields `[T-1,h,w,2]`; where nothing is wanted, 1 without motion, falling with its mean length."""
    a, b = lengths(flows), lengths(wanted)
    if not b.any():
        return float(STILL_PX / (STILL_PX + a.mean()))
    cosine = (flows * wanted).sum(-1) / np.maximum(a * b, 1e-9)
    return float((np.maximum(0, cosine) * np.minimum(a, b)).sum() / np.maximum(a, b).sum())


def contrast(frame: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Lab distance float32 `[h,w]` of uint8 `[h,w,3]` to its surroundings: the mean nearby colour outside the footprint."""
    side = min(footprint.shape)
    outside = 1 - cv2.dilate(footprint.astype(np.float32), np.ones((3, 3)))
    lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    far = (lab * outside[..., None]).sum((0, 1)) / max(float(outside.sum()), 1.0)
    near, weight = (cv2.GaussianBlur(field, (0, 0), SURROUNDINGS * side) for field in (lab * outside[..., None], outside))
    around = (near + 1e-3 * far) / (weight + 1e-3)[..., None]
    return cv2.GaussianBlur(lengths(lab - around), (0, 0), 0.02 * side)


def presence(output: np.ndarray, truth: np.ndarray, footprints: np.ndarray) -> np.ndarray:
    """How much of a subject stands in `[T,h,w,3]` where the truth's does, float32 `[T,h,w]`, 0-1."""
    found = [contrast(a, m) / (0.5 * contrast(b, m) + 2.0) for a, b, m in zip(output, truth, footprints)]
    return np.minimum(1, np.stack(found))


def followed(evidence: Evidence) -> float:
    """The score without truth."""
    wanted, own = evidence.driver_signature, True
    if wanted.sum() < LEAST_OWN * STILL_PX * len(wanted):  # a camera move and nothing else
        wanted, own = signature(evidence.driver_flow, camera=True), False
    given = evidence.output_signature if own else signature(evidence.output_flow, camera=True)
    if not wanted.any():
        return float(STILL_PX / (STILL_PX + given.sum() / len(given)))
    amplitude = min(given.sum(), wanted.sum()) / max(given.sum(), wanted.sum())
    direction = max(0.0, likeness(given, wanted) - CHANCE) / (1 - CHANCE)
    return float(_rounded(direction) * _rounded(amplitude))


def _rounded(share: float) -> float:
    """What is missing counts squared: 0-1 -> 0-1."""
    return 1 - (1 - share) ** 2


def motion_fidelity(evidence: Evidence) -> float | Unscored:
    if len(evidence.output) < 2:
        return Unscored(reason="one frame has no motion")
    if evidence.truth is None:
        return followed(evidence)
    if not evidence.subject[:-1].any():
        return Unscored(reason="the truth shows no subject")
    masks, home = (all_small(mask.astype(np.float32)) for mask in (evidence.subject[:-1], evidence.reference_subject[None]))
    frames = (all_small(clip[:-1]) for clip in (evidence.output_frames, evidence.truth_frames))
    there = presence(*frames, np.maximum(masks, home) >= 0.5)
    wanted, seen = _pooled_truth(evidence.exact_flow, evidence.truth_flow, masks)
    whole = _against_truth(pooled(all_small(evidence.output_flow), masks) * there[..., None], wanted, agreement(seen, wanted))
    wanted, seen = _pooled_truth(evidence.exact_motion, evidence.truth_motion, masks)
    visible = agreement(seen, wanted)
    if wanted.any(-1).mean() < LEAST_MOVING * masks.mean() or visible < RELIABLE:
        return whole
    return min(whole, _against_truth(pooled(evidence.output_motion, masks) * there[..., None], wanted, visible))


def _pooled_truth(exact: np.ndarray, estimated: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both on the small raster and pooled; of a filmed truth they are one."""
    wanted = pooled(all_small(exact), masks)
    return wanted, wanted if estimated is exact else pooled(all_small(estimated), masks)


def _against_truth(output: np.ndarray, wanted: np.ndarray, visible: float) -> float:
    """`visible`: how well the estimator sees the truth's own motion."""
    return float(min(1.0, agreement(output, wanted) / ((1 - FREE) * max(visible, LEAST))))


METRIC = Metric(
    name="motion_fidelity",
    version="2",
    dimension="motion",
    low=0,
    high=1,
    function=motion_fidelity,
    rank_without_truth=False,
    margin=0.03,
    sees="no motion, another motion, too little of it; with truth also the place",
    blind="a motion to and fro run backwards; without truth where on the body it moves, mirrored or too large motion",
)
