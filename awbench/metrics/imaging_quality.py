"""imaging_quality, 0-1: is every frame as crisp and as clean as the reference is?

Per frame three figures. Detail: log of mean |fine band| / mean |middle band| (difference of Gaussians, sigma 1 and 2.5 px
scaled with the picture), a slope of the spectrum that hardly depends on what is shown. Noise: the mean absolute
response of Immerkaer's operator [1 -2 1; -2 4 -2; 1 -2 1] / 6 on the flattest half of the picture, in grey levels.
Evenness: with p(x) the mean |grey difference| across the line between columns x and x + 1, log of (mean sqrt p)^2 / mean p, and
the same for rows, averaged. A picture enlarged by repeated pixels changes on some lines only: every pixel doubled gives about -log 2.
    q_t = exp(-max(0, d - DETAIL_FREE) - max(0, n - NOISE_FREE) / NOISE_SCALE - BLOCKS_GAIN * max(0, b - BLOCKS_FREE))
    score = mean of q_t
where d is how far the detail lies outside what the source shows, n by how much noise exceeds it, and b by how much the
evenness falls short of it. The source is the reference and, where it exists, the truth at t; anything between the two is
free. Half the detail gives half the score, and so do doubled pixels. Detail counts both ways, so blur and sharpening both
cost and neither noise nor sharpness buys anything: the score saturates at the source's own quality.
With truth the subject's surroundings (truth's and reference's subject) are judged beside the whole frame, by the mean.

Without truth a change of framing (a close-up from a full figure) changes detail too; the free zone covers part of it.
Not judged: contrast and colour as such.
Source: Immerkaer, "Fast Noise Variance Estimation", 1996; the need for all three: sharpness alone rewards noise and blocks.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric

DETAIL_FREE = 0.10  # natural-log units
NOISE_FREE, NOISE_SCALE = 0.8, 4.0  # grey levels
BLOCKS_FREE, BLOCKS_GAIN = 0.10, 2.0  # natural-log units; the free zone covers a change of pose and framing
_IMMERKAER = np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32) / 6


def _figures_of(frame: np.ndarray, regions: list[np.ndarray | None]) -> np.ndarray:
    """Detail, noise and evenness of uint8 `[H,W,3]` in every region: `[regions, 3]`."""
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    unit = max(1.0, min(gray.shape) / 256)
    near, far = cv2.GaussianBlur(gray, (0, 0), 1.0 * unit), cv2.GaussianBlur(gray, (0, 0), 2.5 * unit)
    fine, middle = np.abs(gray - near), np.abs(near - far)
    residue = np.abs(cv2.filter2D(gray, cv2.CV_32F, _IMMERKAER))
    return np.array([(*_figures(fine, middle, residue, region), evenness(gray, region)) for region in regions])


def _figures(fine: np.ndarray, middle: np.ndarray, residue: np.ndarray, region: np.ndarray | None) -> tuple[float, float]:
    if region is not None:
        fine, middle, residue = fine[region], middle[region], residue[region]
    flat = residue[middle <= np.median(middle)]
    return float(np.log((fine.mean() + 0.25) / (middle.mean() + 0.25))), float(flat.mean())


def evenness(gray: np.ndarray, region: np.ndarray | None = None) -> float:
    """How evenly change is spread over the lines between pixels of float32 `[H,W]`: 0 when equal, -log k for pixels of k x k."""
    inside = np.ones(gray.shape, bool) if region is None else region
    return float(np.mean([_evenness(*pair) for pair in ((gray, inside), (gray.T, inside.T))]))


def _evenness(gray: np.ndarray, inside: np.ndarray) -> float:
    both = inside[:, 1:] & inside[:, :-1]
    counts = both.sum(0)
    change = (np.abs(np.diff(gray, axis=1)) * both).sum(0)[counts > 0] / counts[counts > 0]
    weight = counts[counts > 0] / max(1, counts.sum())
    return float(np.log(((weight * np.sqrt(change)).sum() ** 2 + 0.25) / ((weight * change).sum() + 0.25)))


def _quality(output: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Quality per region of output `[regions, 3]` against sources `[sources, regions, 3]`."""
    low, high = sources.min(0), sources.max(0)
    detail = np.maximum(low[:, 0] - output[:, 0], output[:, 0] - high[:, 0])
    noise = output[:, 1] - high[:, 1]
    blocks = low[:, 2] - output[:, 2]
    penalty = np.maximum(0, detail - DETAIL_FREE) + np.maximum(0, noise - NOISE_FREE) / NOISE_SCALE
    return np.exp(-penalty - BLOCKS_GAIN * np.maximum(0, blocks - BLOCKS_FREE))


def _regions(evidence: Evidence, t: int) -> list[np.ndarray | None]:
    if evidence.truth is None:
        return [None]
    near = evidence.truth.subject[t] | evidence.truth.reference_subject
    return [None, near] if near.sum() >= 64 else [None]


def imaging_quality(evidence: Evidence) -> float:
    qualities = []
    for t, frame in enumerate(evidence.output.frames):
        regions = _regions(evidence, t)
        sources = [evidence.reference] + ([] if evidence.truth is None else [evidence.truth.clip.frames[t]])
        known = np.stack([_figures_of(source, regions) for source in sources])
        qualities.append(_quality(_figures_of(frame, regions), known).mean())
    return float(np.mean(qualities))


METRIC = Metric(name="imaging_quality", version="1", dimension="imaging", low=0, high=1, function=imaging_quality)
