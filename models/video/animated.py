"""Moving pictures that ffmpeg does not play as they are: WebP and AVIF, and APNG whose default picture is none of its frames.

Of WebP and AVIF, pictures and times come from Pillow. APNG and GIF are films like others; where an APNG begins with a picture for viewers
that show no motion (its first fcTL stands behind IDAT), `uncovered` makes a frame of it that is cleared away, for the reader to pass over:
ffmpeg refuses such files where their first frame is smaller than the picture.
Source: W3C, Portable Network Graphics (Third Edition), 11.3.2 Animation information.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Iterator

import cv2
import numpy as np
from PIL import Image

from models.images import MediaError, checked_header, over_white, pictures_in, read_bytes
from models.video.times import nice_rate

_DEFAULT_S = 0.1
_MAX_STRIP_PIXELS = 1 << 33
_PNG, _HEADER, _ANIMATION, _IMAGE, _FRAME = b"\x89PNG\r\n\x1a\n", b"IHDR", b"acTL", b"IDAT", b"fcTL"
_CLEARED, _NUMBERED = 1, (_FRAME, b"fdAT")
_CONTROL = struct.Struct(">IIIIIHHBB")
"""fcTL: number in order, width, height, x, y, delay as a fraction of s (2), what becomes of the frame, how it is laid over."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strip:
    """A file of pictures: how many, (W,H) px, its mean rate, whether some of it is clear, and its frames in order, opaque."""

    count: int
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
    return Strip(count=count, size=header.size, fps=fps, clear=clear, frames=_pictures(data, durations_s, long_side))


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


def uncovered(file: BinaryIO) -> bytes | None:
    """An APNG with its hidden default picture as the first frame, cleared away before the next; None for every other file."""
    at = _first_chunks(file)
    if list(at)[-2:] != [_IMAGE, _FRAME]:
        return None
    data = read_bytes(file)
    try:
        width, height = struct.unpack_from(">II", data, at[_HEADER] + 8)
        frames, plays = struct.unpack_from(">II", data, at[_ANIMATION] + 8)
        delay = _CONTROL.unpack_from(data, at[_FRAME] + 8)[5:7]
    except (struct.error, KeyError):  # damaged: whoever decodes it tells
        return None
    cover = _chunk(_FRAME, _CONTROL.pack(0, width, height, 0, 0, *delay, _CLEARED, 0))
    told, shown = at[_ANIMATION], at[_IMAGE]
    return (
        data[:told] + _chunk(_ANIMATION, struct.pack(">II", frames + 1, plays)) + data[told + 20 : shown] + cover + _counted_on(data, shown)
    )


def _first_chunks(file: BinaryIO) -> dict[bytes, int]:
    """Where the chunks of an APNG that matter begin, the first of each kind, in order, up to the first fcTL; nothing for other files."""
    file.seek(0)
    found, place = dict[bytes, int](), len(_PNG)
    if file.read(place) != _PNG:
        return found
    while _FRAME not in found and not (_IMAGE in found and _ANIMATION not in found):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return {}
        length, kind = struct.unpack(">I4s", head)
        if kind in (_HEADER, _ANIMATION, _IMAGE, _FRAME):
            found.setdefault(kind, place)
        place += 12 + length
    return found


def _counted_on(data: bytes, place: int) -> bytes:
    """The chunks from `place` on, with the numbers that put frames in order each one higher; what is cut off at the end stays so."""
    parts = []
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        numbered = kind in _NUMBERED and length >= 4 and end <= len(data)
        number = (struct.unpack_from(">I", data, place + 8)[0] + 1) & 0xFFFFFFFF if numbered else 0
        parts.append(_chunk(kind, struct.pack(">I", number) + data[place + 12 : end - 4]) if numbered else data[place:end])
        place = end
    return b"".join([*parts, data[place:]])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
