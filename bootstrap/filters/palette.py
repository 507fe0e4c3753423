"""Does the driver have the identity's colours? 0-1: the overlap of their distributions of Lab a and b, over sampled frames.

Brightness is left out. Exchanged channels, noise, another character or scene, and the source handed back have other colours; a bent, turned
or melted identity has the same. What comes into view beside the identity's own scene costs by its share of the picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import sampled
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter

BINS, RANGE, FRAMES = 32, (-64, 64), 8


def palette(evidence: PairEvidence) -> float:
    frames = evidence.driver_frames
    size = frames.shape[2:0:-1]
    identity = cv2.resize(evidence.identity, size, interpolation=cv2.INTER_AREA)
    shown = np.mean([_colours(frames[t]) for t in sampled(len(frames), FRAMES)], axis=0)
    return float(np.minimum(shown, _colours(identity)).sum())


def _colours(frame: np.ndarray) -> np.ndarray:
    """The share of pixels of uint8 `[h,w,3]` in each smoothed cell of the a-b plane, float32 `[BINS,BINS]`; the sum is 1."""
    lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    counts = cv2.calcHist([lab[..., 1], lab[..., 2]], [0, 1], None, [BINS, BINS], [*RANGE, *RANGE])
    smooth = cv2.GaussianBlur(counts, (0, 0), 1.0)
    return smooth / max(float(smooth.sum()), 1e-6)


PALETTE = Filter(name="palette", function=palette, lacking="of the identity's colours")
