"""The one way a picture is brought to a size.

`crop` cuts what is too much off both sides, `subject` places the same box where the subject is (`models.subject`), `pad` shows all of it
between bars of `PAD_LEVEL`, `stretch` changes its proportions. Boxes are (x, y, w, h) px.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.box import Box, centred_crop
from models.subject import subject_box
from models.types import require

FITS = ("crop", "pad", "subject", "stretch")
"""How a picture of another shape is brought to a size."""
PAD_LEVEL = 128
"""The grey of the bars, 0-255 in each colour; they are part of the picture from then on."""


def fit_box(source: tuple[int, int], target: tuple[int, int], fit: str = "crop") -> Box:
    """The box (x, y, w, h) px of a `source` (W,H) picture that `fit_image` shows at `target` (W,H); that of `pad` reaches beyond it."""
    require(fit in FITS, "picture", "fit", repr(fit)[:80], f"one of {', '.join(FITS)}")
    require(fit != "subject", "picture", "fit", repr(fit), "a fit that does not look at the picture", "ask models.subject.subject_box")
    if fit == "crop":
        return centred_crop(source, target)
    if fit == "stretch":
        return 0, 0, *source
    width, height = source
    across, down = max(width, round(height * target[0] / target[1])), max(height, round(width * target[1] / target[0]))
    return -((across - width) // 2), -((down - height) // 2), across, down


def box_within(crop: Box, shown: tuple[int, int], box: Box) -> Box:
    """The box in the source, whole px, that is `box` in a picture that shows `crop` of the source at `shown` (W,H) px."""
    (x, y, w, h), (left, top, width, height) = crop, box
    across, down = w / shown[0], h / shown[1]
    return x + round(left * across), y + round(top * down), max(1, round(width * across)), max(1, round(height * down))


def fit_image(image: np.ndarray, size: tuple[int, int], fit: str = "crop", box: Box | None = None) -> np.ndarray:
    """Bring uint8 `[H,W,3]` to `size` (W,H) by one of `FITS`, or show `box` of it; by area when shrinking, cubic when growing."""
    source = (image.shape[1], image.shape[0])
    if fit == "subject" and box is None:
        box = subject_box(image[None], source, size)
    x, y, w, h = box or fit_box(source, size, fit)
    if source == tuple(size) == (w, h):
        return np.ascontiguousarray(image)
    return _padded(image, size) if fit == "pad" and box is None else _resized(image[y : y + h, x : x + w], size)


def _padded(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    source = (image.shape[1], image.shape[0])
    scale = min(size[0] / source[0], size[1] / source[1])
    shown = tuple(min(most, max(1, round(side * scale))) for side, most in zip(source, size))
    left, top = (size[0] - shown[0]) // 2, (size[1] - shown[1]) // 2
    canvas = np.full((size[1], size[0], 3), PAD_LEVEL, np.uint8)
    canvas[top : top + shown[1], left : left + shown[0]] = _resized(image, shown)
    return canvas


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    method = cv2.INTER_AREA if image.shape[1] >= size[0] else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(image), size, interpolation=method)
