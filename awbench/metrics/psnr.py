"""psnr, dB: 10 log10(255^2 / mse) against the truth, mse over all counted pixels of the clip; at most 100 dB.

Only pixels inside the reference's view count (`seen`); what lay behind its subject counts as seen.
The logarithm is taken once, of the clip's error (ffmpeg's `average`), and not of every frame's: where the reference is the truth's first
frame, a copy of it earns some 46 dB for that frame, and one frame in six would decide the clip.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored

CAP_DB = 100.0


def clip_psnr(output: np.ndarray, truth: np.ndarray, regions: np.ndarray) -> float | Unscored:
    """dB of uint8 `[T,H,W,3]` over the pixels of bool `[T,H,W]`; unscored where not one pixel counts."""
    if not regions.any():
        return Unscored(reason="no pixel of the truth is visible in the reference")
    total = sum(_squares(*frame) for frame in zip(output, truth, regions))
    error = total / (3 * int(regions.sum()))
    return CAP_DB if error == 0 else float(min(CAP_DB, 10 * np.log10(255**2 / error)))


def _squares(output: np.ndarray, truth: np.ndarray, region: np.ndarray) -> float:
    """Sum of squared differences of one frame inside the region, exact: a whole number below 2^53."""
    return cv2.norm(output, truth, cv2.NORM_L2SQR, None if region.all() else region.astype(np.uint8))


def psnr(evidence: Evidence) -> float | Unscored:
    if evidence.truth is None:
        return Unscored(reason="needs the truth")
    return clip_psnr(evidence.output.frames, evidence.truth.clip.frames, evidence.truth.seen)


METRIC = Metric(
    name="psnr",
    version="2",
    dimension="fidelity",
    low=0,
    high=CAP_DB,
    function=psnr,
    margin=0.3,
    sees="every difference from the truth, pixel by pixel",
    blind="structure: a shift by one pixel costs as much as a blur; needs the truth",
)
