"""Moving WebP and AVIF, which ffmpeg does not play: their pictures and times by Pillow. APNG and GIF are films like others."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO, Iterator

import cv2
import numpy as np
from PIL import Image

from models.images import MediaError, checked_header, over_white, pictures_in, read_bytes
from models.video.times import nice_rate

_DEFAULT_S = 0.1
_MAX_STRIP_PIXELS = 1 << 33


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strip:
    """A file of pictures: (W,H) px, its mean rate, whether some of it is clear, and its frames in order, opaque."""

    size: tuple[int, int]
    fps: float
    clear: bool
    frames: Iterator[tuple[np.ndarray, float]]


def is_strip(file: BinaryIO) -> bool:
    """Whether a file begins like WebP or AVIF."""
    file.seek(0)
    head = file.read(12)
    return (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or head[4:12] in (b"ftypavif", b"ftypavis")


def open_strip(file: BinaryIO, long_side: int | None) -> Strip:
    """Read all of the file; decode picture by picture. Raises MediaError."""
    data = read_bytes(file)
    header = checked_header(data)
    count = pictures_in(header)
    if count * header.width * header.height > _MAX_STRIP_PIXELS:
        raise MediaError(f"too large: {count} pictures of {header.width}x{header.height} px; make it a video")
    try:
        durations_s = [_duration_s(header, index) for index in range(count)]
    except Exception as error:  # see models.images.checked_header
        raise MediaError(f"not a readable moving picture ({type(error).__name__}: damaged)") from error
    fps, clear = nice_rate(count / sum(durations_s)), header.has_transparency_data
    return Strip(size=header.size, fps=fps, clear=clear, frames=_pictures(data, durations_s, long_side))


def _duration_s(strip: Image.Image, index: int) -> float:
    strip.seek(index)
    strip.load()  # only then it is known
    return (strip.info.get("duration") or 1000 * _DEFAULT_S) / 1000


def _pictures(data: bytes, durations_s: list[float], long_side: int | None) -> Iterator[tuple[np.ndarray, float]]:
    strip, time_s = Image.open(io.BytesIO(data)), 0.0
    for index, duration_s in enumerate(durations_s):
        strip.seek(index)
        image = over_white(np.asarray(strip.convert("RGBA")))
        share = min(1.0, (long_side or max(strip.size)) / max(strip.size))
        size = tuple(max(1, round(side * share)) for side in strip.size)
        yield image if size == strip.size else cv2.resize(image, size, interpolation=cv2.INTER_AREA), time_s
        time_s += duration_s
