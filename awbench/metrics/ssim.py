"""ssim against the truth, -1 to 1: Gaussian window 11 px, sigma 1.5, border of 5 px cropped, mean over RGB.

Equals scikit-image's `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
data_range=255)` to 1e-5 where every pixel counts. Only pixels inside the reference's view
are averaged (`seen`); what lay behind its subject counts as seen.
Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored

_WINDOW, _SIGMA, _CROP = 11, 1.5, 5


def _smooth(image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (_WINDOW, _WINDOW), _SIGMA, borderType=cv2.BORDER_REFLECT)


def ssim_map(output: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """SSIM per pixel and channel of two uint8 `[H,W,3]`, cropped: float64 `[H-10,W-10,3]`."""
    x, y = output.astype(np.float64), truth.astype(np.float64)
    mx, my = _smooth(x), _smooth(y)
    vx, vy, vxy = _smooth(x * x) - mx * mx, _smooth(y * y) - my * my, _smooth(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return values[_CROP:-_CROP, _CROP:-_CROP]


def ssim(evidence: Evidence) -> float | Unscored:
    if evidence.truth is None:
        return Unscored(reason="needs the truth")
    if min(evidence.output.size) <= 2 * _CROP:
        return Unscored(reason=f"{evidence.output.size} px, the window needs more than {2 * _CROP} px a side")
    values = []
    for output, truth, seen in zip(evidence.output.frames, evidence.truth.clip.frames, evidence.truth.seen):
        inner = seen[_CROP:-_CROP, _CROP:-_CROP]
        if inner.any():
            values.append(ssim_map(output, truth)[inner].mean())
    return float(np.mean(values)) if values else Unscored(reason="no pixel of the truth is visible in the reference")


METRIC = Metric(name="ssim", version="1", dimension="fidelity", low=-1, high=1, function=ssim)
