"""imaging_quality, 0-1: is every frame as crisp, as clean and as rich in contrast as the reference is?

Per frame five figures. Detail: log of mean |fine band| / mean |middle band| (difference of Gaussians, sigma 1 and 2.5 px
scaled with the picture), a slope of the spectrum that hardly depends on what is shown. Noise: the mean absolute
response of Immerkaer's operator [1 -2 1; -2 4 -2; 1 -2 1] / 6 on the flattest half of the picture, in grey levels.
Evenness: with p(x) the mean |grey difference| across the line between columns x and x + 1, log of (mean sqrt p)^2 / mean p, and
the same for rows, averaged. A picture enlarged by repeated pixels changes on some lines only: every pixel doubled gives about -log 2.
Blocks: the log of the mean |grey difference| across the lines of the 8 px grid of JPEG and its relatives over that of the other lines.
Contrast: the log of the standard deviation of grey.
    q_t = exp(-max(0, d - DETAIL_FREE) - max(0, n - NOISE_FREE) / NOISE_SCALE - EVEN_GAIN * max(0, e - EVEN_FREE)
              - BLOCKS_GAIN * max(0, b - BLOCKS_FREE) - max(0, c - CONTRAST_FREE))
    score = mean of q_t over at most MAX_FRAMES frames, evenly spread
where d is how far the detail lies outside what the source shows, n by how much noise exceeds it, e by how much the
evenness falls short of it, b by how much blocks exceed it and c how far the contrast lies outside. The source is the reference and, where
it exists, the truth at t; anything between the two is
free. Half the detail gives half the score, and so do doubled pixels. Detail counts both ways, so blur and sharpening both
cost and neither noise nor sharpness buys anything: the score saturates at the source's own quality.
With truth the subject's surroundings (truth's and reference's subject) are judged beside the whole frame, by the mean.

Without truth a change of framing (a close-up from a full figure) changes detail and contrast too; the free zones cover part of it.
Not judged: colour as such, and blocks of an answer that was resized after it was compressed.
Source: Immerkaer, "Fast Noise Variance Estimation", 1996; the need for all: sharpness alone rewards noise and blocks.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence, sampled
from awbench.metrics.metric import Metric

DETAIL_FREE = 0.10  # natural-log units
NOISE_FREE, NOISE_SCALE = 0.8, 4.0  # grey levels
EVEN_FREE, EVEN_GAIN = 0.10, 2.0  # natural-log units; the free zone covers a change of pose and framing
BLOCKS_FREE, BLOCKS_GAIN = 0.15, 1.0  # natural-log units
CONTRAST_FREE = 0.35  # natural-log units
MAX_FRAMES = 16
_IMMERKAER = np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32) / 6


def _figures_of(frame: np.ndarray, regions: list[np.ndarray | None]) -> np.ndarray:
    """Detail, noise, evenness, blocks and contrast of uint8 `[H,W,3]` in every region: `[regions, 5]`."""
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    unit = max(1.0, min(gray.shape) / 256)
    near, far = cv2.GaussianBlur(gray, (0, 0), 1.0 * unit), cv2.GaussianBlur(gray, (0, 0), 2.5 * unit)
    fine, middle = np.abs(gray - near), np.abs(near - far)
    residue = np.abs(cv2.filter2D(gray, cv2.CV_32F, _IMMERKAER))
    return np.array([(*_figures(fine, middle, residue, region), *_over_lines(gray, region), _spread(gray, region)) for region in regions])


def _spread(gray: np.ndarray, region: np.ndarray | None) -> float:
    return float(np.log((gray if region is None else gray[region]).std() + 2.0))


def blocks(gray: np.ndarray, region: np.ndarray | None = None) -> float:
    """Log of the change across the lines of the 8 px grid over that across the others of float32 `[H,W]`: 0 where none stands out."""
    return float(np.mean([_blocks(*pair) for pair in _changes(gray, region)]))


def _changes(gray: np.ndarray, region: np.ndarray | None) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Of columns and of rows: the change across the lines between them, and where it counts (None: everywhere)."""
    counted = (None, None) if region is None else (region[:, 1:] & region[:, :-1], (region[1:] & region[:-1]).T)
    return [(np.abs(np.diff(one, axis=1)), inside) for one, inside in zip((gray, gray.T), counted)]


def _blocks(change: np.ndarray, both: np.ndarray | None) -> float:
    on = np.arange(1, change.shape[1] + 1) % 8 == 0
    means = [_mean(change[:, lines], None if both is None else both[:, lines]) for lines in (on, ~on)]
    return float(np.log((means[0] + 0.25) / (means[1] + 0.25)))


def _mean(values: np.ndarray, where: np.ndarray | None) -> float:
    """0 of nothing."""
    values = values.reshape(-1) if where is None else values[where]
    return float(values.mean()) if values.size else 0.0


def _figures(fine: np.ndarray, middle: np.ndarray, residue: np.ndarray, region: np.ndarray | None) -> tuple[float, float]:
    if region is not None:
        fine, middle, residue = fine[region], middle[region], residue[region]
    flat = residue[middle <= _median(middle.reshape(-1))]
    return float(np.log((fine.mean() + 0.25) / (middle.mean() + 0.25))), float(flat.mean())


def _over_lines(gray: np.ndarray, region: np.ndarray | None) -> tuple[float, float]:
    """`evenness` and `blocks`."""
    changes = _changes(gray, region)
    even, blocky = ([one(*pair) for pair in changes] for one in (_evenness, _blocks))
    return float(np.mean(even)), float(np.mean(blocky))


def _median(values: np.ndarray) -> np.float32:
    """As `numpy.median` to the bit, of numbers only; looking for one place and not for two is several times faster."""
    half = len(values) // 2
    parted = np.partition(values, half)
    return parted[half] if len(values) % 2 else (parted[:half].max() + parted[half]) / np.float32(2)


def evenness(gray: np.ndarray, region: np.ndarray | None = None) -> float:
    """How evenly change is spread over the lines between pixels of float32 `[H,W]`: 0 when equal, -log k for pixels of k x k."""
    return float(np.mean([_evenness(*pair) for pair in _changes(gray, region)]))


def _evenness(change: np.ndarray, both: np.ndarray | None) -> float:
    counts = np.full(change.shape[1], change.shape[0]) if both is None else both.sum(0)
    change = (change if both is None else change * both).sum(0)[counts > 0] / counts[counts > 0]
    weight = counts[counts > 0] / max(1, counts.sum())
    return float(np.log(((weight * np.sqrt(change)).sum() ** 2 + 0.25) / ((weight * change).sum() + 0.25)))


def _quality(output: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Quality per region of output `[regions, 5]` against sources `[sources, regions, 5]`."""
    low, high = sources.min(0), sources.max(0)
    detail = np.maximum(low[:, 0] - output[:, 0], output[:, 0] - high[:, 0])
    noise = output[:, 1] - high[:, 1]
    uneven, blocky = low[:, 2] - output[:, 2], output[:, 3] - high[:, 3]
    contrast = np.maximum(low[:, 4] - output[:, 4], output[:, 4] - high[:, 4])
    penalty = np.maximum(0, detail - DETAIL_FREE) + np.maximum(0, noise - NOISE_FREE) / NOISE_SCALE
    penalty += EVEN_GAIN * np.maximum(0, uneven - EVEN_FREE) + BLOCKS_GAIN * np.maximum(0, blocky - BLOCKS_FREE)
    return np.exp(-penalty - np.maximum(0, contrast - CONTRAST_FREE))


def _regions(evidence: Evidence, t: int) -> list[np.ndarray | None]:
    if evidence.truth is None:
        return [None]
    near = evidence.truth.subject[t] | evidence.truth.reference_subject
    return [None, near] if near.sum() >= 64 and not near.all() else [None]


def imaging_quality(evidence: Evidence) -> float:
    qualities, whole = [], _figures_of(evidence.reference, [None])
    for t in sampled(len(evidence.output), MAX_FRAMES):
        regions = _regions(evidence, t)
        known = [whole if regions == [None] else _figures_of(evidence.reference, regions)]
        known += [] if evidence.truth is None else [_figures_of(evidence.truth.clip.frames[t], regions)]
        qualities.append(_quality(_figures_of(evidence.output.frames[t], regions), np.stack(known)).mean())
    return float(np.mean(qualities))


METRIC = Metric(
    name="imaging_quality",
    version="2",
    dimension="imaging",
    low=0,
    high=1,
    function=imaging_quality,
    margin=0.02,
    sees="blur, noise, sharpening, blocks, doubled pixels, lost contrast",
    blind="colour, and everything that is crisp but wrong",
)
