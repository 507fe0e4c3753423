"""Image <-> file by OpenCV, and the one way a picture is brought to a size.

Whatever a file holds (16 bit, alpha, grey, EXIF rotation) becomes uint8 `[H,W,3]` RGB, and what had to change is said.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from models.types import require

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
FITS = ("crop", "pad", "stretch")
"""How a picture of another shape is brought to a size: `crop` cuts what is too much off both sides, `pad` shows all of it between bars of
`PAD_LEVEL`, `stretch` changes its proportions."""
PAD_LEVEL = 128
"""The grey of the bars, 0-255 in each colour; they are part of the picture from then on."""

MAX_PIXELS = 1 << 27
"""134 million: a larger picture is taken for a decompression bomb."""

_TURNS = {2: (True, 0), 3: (False, 2), 4: (True, 2), 5: (True, 1), 6: (False, 3), 7: (True, 3), 8: (False, 1)}
"""EXIF orientation -> (mirror left-right first, quarter turns counter-clockwise)."""


class MediaError(ValueError):
    """A file that cannot be used; the message is the reason that lands in a manifest row."""


def centred_crop(source: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest centred box (x, y, w, h) of a `source` (W,H) picture that has the aspect ratio of `target` (W,H)."""
    width, height = source
    crop_w = min(width, max(1, round(height * target[0] / target[1])))
    crop_h = min(height, max(1, round(width * target[1] / target[0])))
    return (width - crop_w) // 2, (height - crop_h) // 2, crop_w, crop_h


def fit_box(source: tuple[int, int], target: tuple[int, int], fit: str = "crop") -> tuple[int, int, int, int]:
    """The box (x, y, w, h) px of a `source` (W,H) picture that `fit_image` shows at `target` (W,H); that of `pad` reaches beyond it."""
    require(fit in FITS, "picture", "fit", repr(fit)[:80], f"one of {', '.join(FITS)}")
    if fit == "crop":
        return centred_crop(source, target)
    if fit == "stretch":
        return 0, 0, *source
    width, height = source
    across, down = max(width, round(height * target[0] / target[1])), max(height, round(width * target[1] / target[0]))
    return -((across - width) // 2), -((down - height) // 2), across, down


def box_within(crop: tuple[int, int, int, int], shown: tuple[int, int], box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The box in the source, whole px, that is `box` in a picture that shows `crop` of the source at `shown` (W,H) px."""
    (x, y, w, h), (left, top, width, height) = crop, box
    across, down = w / shown[0], h / shown[1]
    return x + round(left * across), y + round(top * down), max(1, round(width * across)), max(1, round(height * down))


def fit_image(image: np.ndarray, size: tuple[int, int], fit: str = "crop") -> np.ndarray:
    """Bring uint8 `[H,W,3]` to `size` (W,H) by one of `FITS`; resized by area when shrinking, cubic when growing."""
    source = (image.shape[1], image.shape[0])
    x, y, w, h = fit_box(source, size, fit)
    if source == tuple(size):
        return np.ascontiguousarray(image)
    if fit != "pad":
        return _resized(image[y : y + h, x : x + w], size)
    scale = min(size[0] / source[0], size[1] / source[1])
    shown = tuple(min(most, max(1, round(side * scale))) for side, most in zip(source, size))
    left, top = (size[0] - shown[0]) // 2, (size[1] - shown[1]) // 2
    canvas = np.full((size[1], size[0], 3), PAD_LEVEL, np.uint8)
    canvas[top : top + shown[1], left : left + shown[0]] = _resized(image, shown)
    return canvas


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    method = cv2.INTER_AREA if image.shape[1] >= size[0] else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(image), size, interpolation=method)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A decoded image: uint8 `[H,W,3]` RGB, and what had to be changed on the way (empty for a plain 8-bit RGB file)."""

    image: np.ndarray
    notes: tuple[str, ...] = ()


def read_image(source: str | Path | bytes) -> Picture:
    """Decode png, jpeg, webp, bmp or tiff to 8-bit RGB; alpha goes over white, 16 bit to 8, EXIF rotation is applied.

    Raises MediaError with the reason, before decoding when the header promises more than 134 million pixels.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    if not data:
        raise MediaError("empty file (0 bytes)")
    orientation = _checked_orientation(data)
    try:
        raw = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise MediaError(f"not a readable image ({str(error)[:120]})") from error
    if raw is None:
        raise MediaError("not a readable image (unknown or damaged format)")
    notes: list[str] = []
    if raw.dtype != np.uint8:
        notes.append(f"{raw.dtype} to 8 bit")
        top = 1.0 if raw.dtype.kind == "f" else np.iinfo(raw.dtype).max
        raw = np.clip(np.nan_to_num(raw.astype(np.float32)) * np.float32(255 / top) + 0.5, 0, 255).astype(np.uint8)
    image = _to_rgb(raw, notes)
    if orientation in _TURNS:
        mirrored, quarters = _TURNS[orientation]
        image = np.ascontiguousarray(np.rot90(image[:, ::-1] if mirrored else image, quarters))
        notes.append("EXIF rotation applied")
    return Picture(image=image, notes=tuple(notes))


def _checked_orientation(data: bytes) -> int:
    """The EXIF orientation (1 = upright) of a file whose header promises a bearable size."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
            header = Image.open(io.BytesIO(data))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MediaError(f"not a readable image ({type(error).__name__})") from error
    if header.width * header.height > MAX_PIXELS:
        raise MediaError(f"image too large: {header.width}x{header.height} px, at most {MAX_PIXELS} pixels")
    try:
        return int(header.getexif().get(0x0112, 1))
    except (OSError, ValueError, SyntaxError, TypeError):
        return 1  # damaged EXIF says nothing about the picture


def _to_rgb(raw: np.ndarray, notes: list[str]) -> np.ndarray:
    if raw.ndim == 2 or raw.shape[2] == 1:
        notes.append("grey to RGB")
        return cv2.cvtColor(raw, cv2.COLOR_GRAY2RGB)
    if raw.shape[2] == 2:
        raw = cv2.merge([raw[..., 0]] * 3 + [raw[..., 1]])
    if raw.shape[2] == 4:
        notes.append("alpha over white")
        alpha = raw[..., 3:].astype(np.float32) / 255
        raw = (raw[..., :3] * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)
    return cv2.cvtColor(raw, cv2.COLOR_BGR2RGB)


def encode_image(image: np.ndarray) -> bytes:
    """PNG bytes of uint8 `[H,W,3]` RGB."""
    return cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR))[1].tobytes()
