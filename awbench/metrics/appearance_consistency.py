"""appearance_consistency, 0-1: is what the reference shows still there, and is it the reference's and not the driver's?

Completeness of the reference in every frame, by patches: for each patch of the reference the distance d to the most similar patch of the
frame, anywhere in it, in Lab with a Hann window on a raster of RASTER_PX, and e = exp(-d / SCALE). Patches count by their contrast, so
that an empty sky cannot outvote a face. One value of a clip is the mean over patches, half over all sampled frames and half over the
worst tenth of them (a slow drift counts); the other is the worst tenth of the patches, each by its mean over time (a face that is gone,
a body upside down or melted). r is the mean of the two. Nothing is asked of where a patch stands, so a pose costs little and
histograms' blindness to shape is gone: a frame with the right colours in the wrong arrangement has few of the reference's patches.
    score = max(0, s(output) - s(driver)) / (1 - s(driver)) * (1 - copied) * intact,     s(clip) = min(1, r(clip) / LEVEL)
LEVEL is what a change of pose alone costs: r(truth) less FREE where the truth exists, else TYPICAL_LEVEL. An output as near to the
reference as the truth is gets exactly 1: copying the reference's pixels earns no more.
`copied` is how far the output repeats the driver's own edges, in place and frame by frame (`copied_structure` above COPY_FREE, all of it
at COPY_ALL): the driver in other colours keeps them, another body in another scene does not.

`intact` asks, where a truth exists, for local ruin that a reference in another pose cannot show: of the truth's own patches, frame by
frame, the ratio q of the worst tenth to the mean. Another pose or a bent picture lowers both (q is 0.4 to 0.5 for most of `flow_warp` and
`still`), a covered or melted face the worst alone (0.1 to 0.3): intact = sqrt(min(1, q / INTACT)), and 1 without truth.

On the self track, where the driver already has the look, score = s(output) * intact: identity over time. Unscored where driver and
reference look too much alike for the ratio to mean anything. Limits: a change of framing (a close-up from a full figure) costs; what
the reference hides cannot be judged. Without truth a bent copy of the reference (`flow_warp`, `still`) keeps more of its patches than a
right answer in another pose does: no ranking there.
Source of the bidirectional view: Simakov et al., "Summarizing visual data using bidirectional similarity", CVPR 2008; the other direction
(is every patch of the frame in the reference?) saw less on our ladders.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence, sampled
from awbench.metrics.metric import Metric, Unscored
from awbench.metrics.patches import MAX_FRAMES, Sought, found, sought

TYPICAL_LEVEL, FREE, LEAST_LEVEL, LEAST_GAP = 0.35, 0.05, 0.05, 0.15
WORST, COPY_FREE, COPY_ALL, INTACT = 0.1, 0.65, 0.9, 0.4
Edges = tuple[np.ndarray, np.ndarray]


def _worst(per_patch: np.ndarray, weights: np.ndarray) -> float:
    """The mean of the worst tenth, by weight."""
    order = np.argsort(per_patch)
    lowest = order[: 1 + int(np.searchsorted(np.cumsum(weights[order]), WORST))]
    return float((per_patch[lowest] * weights[lowest]).sum() / weights[lowest].sum())


def intact(frames: np.ndarray, truth: np.ndarray) -> float:
    """The square root of how far the worst tenth of the truth's patches keeps up with their mean, 0-1; both uint8 `[T,H,W,3]`."""
    means, worsts = [], []
    for t in sampled(len(frames), MAX_FRAMES):
        wanted = sought(truth[t])
        (row,) = found(frames[t : t + 1], wanted)
        means.append(float(row @ wanted.weights))
        worsts.append(_worst(row, wanted.weights))
    return float(np.sqrt(min(1.0, np.mean(worsts) / (INTACT * max(np.mean(means), 1e-6)))))


def completeness(frames: np.ndarray, reference: np.ndarray) -> float:
    """r: how much of the reference uint8 `[H,W,3]` is found in uint8 `[T,H,W,3]`, 0-1."""
    wanted = sought(reference)
    return complete(found(frames, wanted), wanted.weights)


def complete(table: np.ndarray, weights: np.ndarray) -> float:
    """r of a table `[t, patches]` of how well patches are found."""
    per_frame, per_patch = table @ weights, table.mean(0)
    slow = np.sort(per_frame)[: max(1, round(0.1 * len(per_frame)))].mean()
    return 0.5 * float(0.5 * per_frame.mean() + 0.5 * slow) + 0.5 * _worst(per_patch, weights)


def copied_structure(frames: np.ndarray, driver: np.ndarray) -> float:
    """How alike the edges of two clips uint8 `[T,H,W,3]` lie, frame by frame, 0-1, whatever their colours, mirrored or not.

    The absolute cosine of gradients, each divided by its neighbourhood's mean strength. The driver recoloured or inverted: 0.95 and
    more; half driver, half reference: 0.75; right answers on the world and `flow_warp` on footage: 0.3-0.6.
    """
    places = sampled(min(len(frames), len(driver)), MAX_FRAMES)
    return float(np.mean([_edges_alike(_edges(frames[t]), _edges(driver[t])) for t in places], axis=0).max())


def _edges_alike(first: Edges, second: Edges) -> tuple[float, float]:
    """Straight and mirrored."""
    (ax, ay), (bx, by) = first, second
    norm = float(np.sqrt((ax**2 + ay**2).sum() * (bx**2 + by**2).sum()))
    if norm == 0:
        return 0.0, 0.0
    pairs = ((bx, by), (-bx[:, ::-1], by[:, ::-1]))
    straight, mirrored = (float(np.abs(ax * x + ay * y).sum() / norm) for x, y in pairs)
    return straight, mirrored


def _edges(frame: np.ndarray) -> Edges:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    scale = min(1.0, 64 / min(grey.shape))
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    grey = cv2.GaussianBlur(grey, (0, 0), 1.0)
    x, y = (cv2.Sobel(grey, cv2.CV_32F, *axis, ksize=3) for axis in ((1, 0), (0, 1)))
    strength = np.sqrt(cv2.GaussianBlur(x * x + y * y, (0, 0), 4.0)) + 2.0
    return x / strength, y / strength


def copied(evidence: Evidence) -> float:
    """The share of the score that is lost to a copied driver, 0-1."""
    return evidence.once("copied", lambda: _copied(evidence))


def wanted(evidence: Evidence) -> Sought:
    """The patches of the reference."""
    return evidence.once("sought", lambda: sought(evidence.reference))


def output_table(evidence: Evidence) -> np.ndarray:
    """How well they are found in the output."""
    return evidence.once("found", lambda: found(evidence.output.frames, wanted(evidence)))


def found_in_output(evidence: Evidence) -> float:
    """r of the output."""
    return complete(output_table(evidence), wanted(evidence).weights)


def _copied(evidence: Evidence) -> float:
    alike = copied_structure(evidence.output.frames, evidence.driver.frames)
    truth = 0.0 if evidence.truth is None else copied_structure(evidence.truth.clip.frames, evidence.driver.frames)
    free = max(COPY_FREE, truth + 0.02)  # where the right answer shares the driver's scene, so may the output
    return float(np.clip((alike - free) / (max(COPY_ALL, free + 0.1) - free), 0, 1))


def appearance_consistency(evidence: Evidence) -> float | Unscored:
    level = TYPICAL_LEVEL
    if evidence.truth is not None:
        level = max(LEAST_LEVEL, complete(found(evidence.truth.clip.frames, wanted(evidence)), wanted(evidence).weights) * (1 - FREE))
    output = min(1.0, found_in_output(evidence) / level)
    whole = 1.0 if evidence.truth is None else intact(evidence.output.frames, evidence.truth.clip.frames)
    if evidence.track == "self":
        return output * whole
    driver = min(1.0, complete(found(evidence.driver.frames, wanted(evidence)), wanted(evidence).weights) / level)
    if 1 - driver < LEAST_GAP:
        return Unscored(reason=f"driver and reference look alike (1 - s = {1 - driver:.2f} < {LEAST_GAP})")
    return float(max(0.0, output - driver) / (1 - driver)) * (1 - copied(evidence)) * whole


METRIC = Metric(
    name="appearance_consistency",
    version="2",
    dimension="appearance",
    low=0,
    high=1,
    function=appearance_consistency,
    margin=0.12,
    rank_without_truth=False,
    sees="wrong or drifting identity, a missing, melted, covered, deformed or upside-down subject, the driver in other colours",
    blind="what the reference hides; a change of framing costs though it may be right; without truth a deformed body",
)
