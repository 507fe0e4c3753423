"""Image <-> file.

Whatever a file holds (16 bit, alpha, palette, CMYK, a colour profile, EXIF rotation, many pictures) becomes uint8 `[H,W,3]` RGB, and what
had to change is said. OpenCV decodes what it decodes right, Pillow the rest; of moving pictures the first one is read.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageCms

from models import storage
from models.endings import advice_for, suffix_of

MAX_PIXELS = 1 << 27
"""134 million: a larger picture is taken for a decompression bomb."""

_TURNS = {2: (True, 0), 3: (False, 2), 4: (True, 2), 5: (True, 1), 6: (False, 3), 7: (True, 3), 8: (False, 1)}
"""EXIF orientation -> (mirror left-right first, quarter turns counter-clockwise)."""
_ORIENTATION = 0x0112
_MOVING = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
_BY_OPENCV = frozenset({"PNG", "JPEG", "MPO", "WEBP", "BMP", "DIB", "TIFF", "PPM", "JPEG2000"})
_FORMATS = (*sorted(_BY_OPENCV - {"MPO"}), "AVIF", "GIF", "ICO", "PCX", "QOI", "SGI")
"""What Pillow may take a file for: no formats that call other programs (EPS), and none without a mark of their own (TGA)."""
_OTHER_COLOURS, _GREY = ("CMYK", "LAB", "YCbCr"), ("1", "L", "LA", "I", "I;16", "I;16B", "F")
_MAX_FILE_BYTES = 1 << 30


class MediaError(ValueError):
    """A file that cannot be used; the message is the reason that lands in a manifest row."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A decoded image: uint8 `[H,W,3]` RGB, and what had to be changed on the way (empty for a plain 8-bit RGB file)."""

    image: np.ndarray
    notes: tuple[str, ...] = ()


def read_image(source: str | Path | bytes) -> Picture:
    """Decode an image file, any location or the bytes themselves, to 8-bit RGB: alpha over white, colour profile to sRGB, EXIF rotation
    applied.

    Raises MediaError with the reason, before decoding when the header promises more than 134 million pixels.
    """
    data = read_bytes(source)
    try:
        header = checked_header(data)
    except MediaError as error:
        advice = advice_for(suffix_of(str(source))) if isinstance(source, (str, Path)) else ""
        raise MediaError(f"{error}; {advice}" if advice else str(error)) from error
    orientation, notes = _orientation(header), list[str]()
    notes += ["first of several pictures"] if header.format in _MOVING and pictures_in(header) > 1 else []
    by_opencv = header.format in _BY_OPENCV and header.mode not in _OTHER_COLOURS and not notes
    image = _by_opencv(data, notes) if by_opencv else _by_pillow(header, notes)
    image = _upright(_in_srgb(image, header, notes), orientation, header.format == "TIFF", notes)
    return Picture(image=np.ascontiguousarray(image), notes=tuple(notes))


def read_bytes(source: str | Path | bytes | BinaryIO) -> bytes:
    """The bytes of a source. Raises MediaError for an empty one, what is no file, and one of more than 1 GiB."""
    if not isinstance(source, (str, Path, bytes)):
        source.seek(0)
        return source.read()
    if isinstance(source, bytes):
        data = source
    else:
        location = storage.resolve(source)
        facts = storage.facts_of(location)
        if facts.fault or facts.size_b > _MAX_FILE_BYTES:
            raise MediaError(facts.fault or f"larger than 1 GiB ({facts.size_b} bytes)")
        data = storage.read_bytes(location)
    if not data:
        raise MediaError("empty file (0 bytes)")
    return data


def is_animated(source: str | Path | bytes) -> bool:
    """Whether a file of pictures (`models.endings.MAY_MOVE`) holds more than one to be shown in turn. Raises MediaError."""
    header = checked_header(read_bytes(source))
    hidden = bool(header.info.get("default_image"))  # a PNG's picture for viewers that show no motion
    return header.format in _MOVING and pictures_in(header) - hidden > 1


def pictures_in(header: Image.Image) -> int:
    """How many pictures a file holds."""
    try:
        return getattr(header, "n_frames", 1)
    except Exception:  # see checked_header
        return 1  # broken behind the first


def checked_header(data: bytes) -> Image.Image:
    """The file opened, not decoded. Raises MediaError for what is no image or promises an unbearable size."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
            header = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Exception as error:  # decoders of Pillow answer damage with whatever they stumble over
        raise MediaError(f"not a readable image ({type(error).__name__})") from error
    if header.width * header.height > MAX_PIXELS:
        raise MediaError(f"image too large: {header.width}x{header.height} px, at most {MAX_PIXELS} pixels")
    return header


def _by_opencv(data: bytes, notes: list[str]) -> np.ndarray:
    try:
        raw = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise MediaError(f"not a readable image ({str(error)[:120]})") from error
    if raw is None:
        raise MediaError("not a readable image (unknown or damaged format)")
    if raw.dtype != np.uint8:
        notes.append(f"{raw.dtype} to 8 bit")
        top = 1.0 if raw.dtype.kind == "f" else np.iinfo(raw.dtype).max
        raw = np.clip(np.nan_to_num(raw.astype(np.float32)) * np.float32(255 / top) + 0.5, 0, 255).astype(np.uint8)
    if raw.ndim == 2 or raw.shape[2] == 1:
        notes.append("grey to RGB")
        return cv2.cvtColor(raw, cv2.COLOR_GRAY2RGB)
    if raw.shape[2] == 2:
        raw = cv2.merge([raw[..., 0]] * 3 + [raw[..., 1]])
    return _opaque(cv2.cvtColor(raw, cv2.COLOR_BGRA2RGBA), notes) if raw.shape[2] == 4 else cv2.cvtColor(raw, cv2.COLOR_BGR2RGB)


def _by_pillow(header: Image.Image, notes: list[str]) -> np.ndarray:
    try:
        header.seek(0)
        if header.mode in _OTHER_COLOURS:
            notes.append(f"{header.mode} to RGB")
            return np.asarray(_profiled(header) or header.convert("RGB"))
        return _opaque(np.asarray(header.convert("RGBA")), notes)
    except Exception as error:  # see checked_header
        raise MediaError(f"not a readable image ({type(error).__name__}: damaged)") from error


def _opaque(rgba: np.ndarray, notes: list[str]) -> np.ndarray:
    if rgba[..., 3].min() < 255:
        notes.append("alpha over white")
    return over_white(rgba)


def over_white(rgba: np.ndarray) -> np.ndarray:
    """uint8 `[H,W,4]` with straight alpha -> uint8 `[H,W,3]` over white."""
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _in_srgb(image: np.ndarray, header: Image.Image, notes: list[str]) -> np.ndarray:
    """Colours by the file's own RGB profile; sRGB's are left alone, and a profile that cannot be read says nothing."""
    if not header.info.get("icc_profile") or header.mode in (*_OTHER_COLOURS, *_GREY):
        return image
    changed = _profiled(Image.fromarray(image), header.info["icc_profile"])
    if changed is None or np.array_equal(np.asarray(changed), image):
        return image
    notes.append("colour profile to sRGB")
    return np.asarray(changed)


def _profiled(image: Image.Image, profile: bytes | None = None) -> Image.Image | None:
    """`image` in sRGB by `profile`, else by its own; None where there is none, or none that can be used."""
    profile = profile or image.info.get("icc_profile")
    if not profile:
        return None
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in (ImageCms.getProfileDescription(own) or "").lower():
            return None
        return ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _orientation(header: Image.Image) -> int:
    """As EXIF gives it, 1 = upright; asked before decoding, as Pillow turns a TIFF and forgets."""
    try:
        return int(header.getexif().get(_ORIENTATION, 1))
    except Exception:  # see checked_header
        return 1  # damaged EXIF says nothing about the picture


def _upright(image: np.ndarray, orientation: int, turned: bool, notes: list[str]) -> np.ndarray:
    """The picture as EXIF wants it shown. OpenCV and Pillow have `turned` a TIFF, and no other format, when they decoded it."""
    if orientation not in _TURNS:
        return image
    notes.append("EXIF rotation applied")
    mirrored, quarters = (False, 0) if turned else _TURNS[orientation]
    return np.rot90(image[:, ::-1] if mirrored else image, quarters)


def encode_image(image: np.ndarray) -> bytes:
    """PNG bytes of uint8 `[H,W,3]` RGB."""
    return cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR))[1].tobytes()
