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

_WINDOW, _SIGMA, _CROP, _STRIP = 11, 1.5, 5, 64


def _smooth(image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (_WINDOW, _WINDOW), _SIGMA, borderType=cv2.BORDER_REFLECT)[_CROP:-_CROP, _CROP:-_CROP]


def ssim_map(output: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """SSIM per pixel and channel of two uint8 `[H,W,3]`, cropped: float32 `[H-10,W-10,3]`.

    Moments are taken about the truth's mean colour, which keeps single precision within 1e-6 of double on the mean of a picture; strips
    of rows stay in the processor's cache.
    """
    height, middle = truth.shape[0] - 2 * _CROP, np.float32(cv2.mean(truth)[:3])
    starts = range(0, height, _STRIP)
    strips = (slice(start, min(start + _STRIP, height) + 2 * _CROP) for start in starts)
    return np.concatenate([_strip(output[rows], truth[rows], middle) for rows in strips])


def _strip(output: np.ndarray, truth: np.ndarray, middle: np.ndarray) -> np.ndarray:
    x, y = output - middle, truth - middle
    mx, my, squares, product = (_smooth(field) for field in (x, y, x * x + y * y, x * y))
    c1, c2 = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
    means, variances = mx * my, mx * mx + my * my
    product -= means
    squares -= variances
    # the luminance term takes the true means: (mx + m)(my + m) and (mx + m)^2 + (my + m)^2
    both = middle * (mx + my) + middle * middle
    above = (2 * (means + both) + c1) * (2 * product + c2)
    return above / ((variances + 2 * both + c1) * (squares + c2))


def ssim(evidence: Evidence) -> float | Unscored:
    if evidence.truth is None:
        return Unscored(reason="needs the truth")
    if min(evidence.output.size) <= 2 * _CROP:
        return Unscored(reason=f"{evidence.output.size} px, the window needs more than {2 * _CROP} px a side")
    values = []
    for output, truth, seen in zip(evidence.output.frames, evidence.truth.clip.frames, evidence.truth.seen):
        inner = seen[_CROP:-_CROP, _CROP:-_CROP]
        if inner.any():
            values.append(_mean(ssim_map(output, truth), inner))
    return float(np.mean(values)) if values else Unscored(reason="no pixel of the truth is visible in the reference")


def _mean(values: np.ndarray, inner: np.ndarray) -> float:
    channels = cv2.mean(values, None if inner.all() else inner.astype(np.uint8))[:3]
    return float(np.mean(channels))


METRIC = Metric(
    name="ssim",
    version="1",
    dimension="fidelity",
    low=-1,
    high=1,
    function=ssim,
    margin=0.035,
    sees="whatever differs from the truth in structure, place or contrast",
    blind="why it differs; needs the truth",
)
