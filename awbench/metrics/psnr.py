"""psnr, dB: 10 log10(255^2 / mse) against the truth, per frame, then the mean; at most 100 dB.

Only pixels inside the reference's view count (`seen`); what lay behind its subject counts as seen.
"""

from __future__ import annotations

import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored

CAP_DB = 100.0


def psnr_of(output: np.ndarray, truth: np.ndarray, region: np.ndarray) -> float | None:
    """dB of uint8 `[H,W,3]` over bool `[H,W]`; None where the region is empty."""
    if not region.any():
        return None
    error = np.mean(np.square(output[region].astype(np.float64) - truth[region]))
    return CAP_DB if error == 0 else float(min(CAP_DB, 10 * np.log10(255**2 / error)))


def mean_psnr(output: np.ndarray, truth: np.ndarray, regions: np.ndarray) -> float | Unscored:
    """Mean over frames of uint8 `[T,H,W,3]`; frames whose region (bool `[T,H,W]`) is empty are left out."""
    values = [value for value in map(psnr_of, output, truth, regions) if value is not None]
    return float(np.mean(values)) if values else Unscored(reason="no pixel of the truth is visible in the reference")


def psnr(evidence: Evidence) -> float | Unscored:
    if evidence.truth is None:
        return Unscored(reason="needs the truth")
    return mean_psnr(evidence.output.frames, evidence.truth.clip.frames, evidence.truth.seen)


METRIC = Metric(name="psnr", version="1", dimension="fidelity", low=0, high=CAP_DB, function=psnr)
