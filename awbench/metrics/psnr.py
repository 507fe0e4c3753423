"""psnr, dB: 10 log10(255^2 / mse) against the truth, mse over all counted pixels of the clip; at most 100 dB.

Only pixels inside the reference's view count (`seen`); what lay behind its subject counts as seen.
The logarithm is taken once, of the clip's error (ffmpeg's `average`), and not of every frame's. Version 1 averaged the dB of
frames: where the reference is the truth's first frame, a copy of it earned some 46 dB for that frame, and one frame in six
decided the clip (README.md has the means of both versions).
"""

from __future__ import annotations

import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored

CAP_DB = 100.0


def clip_psnr(output: np.ndarray, truth: np.ndarray, regions: np.ndarray) -> float | Unscored:
    """dB of uint8 `[T,H,W,3]` over the pixels of bool `[T,H,W]`; unscored where not one pixel counts."""
    if not regions.any():
        return Unscored(reason="no pixel of the truth is visible in the reference")
    error = np.mean(np.square(output[regions].astype(np.float64) - truth[regions]))
    return CAP_DB if error == 0 else float(min(CAP_DB, 10 * np.log10(255**2 / error)))


def psnr(evidence: Evidence) -> float | Unscored:
    if evidence.truth is None:
        return Unscored(reason="needs the truth")
    return clip_psnr(evidence.output.frames, evidence.truth.clip.frames, evidence.truth.seen)


METRIC = Metric(name="psnr", version="2", dimension="fidelity", low=0, high=CAP_DB, function=psnr)
