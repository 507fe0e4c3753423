"""Which endings name clips, which name pictures, and what to do with those nobody here can decode.

A name is a first guess only; what a file is, its bytes decide when it is opened. Pictures that may move (`MAY_MOVE`) are told apart by
`models.images.is_animated`. Nothing heavy is imported.
"""

from __future__ import annotations

from typing import Literal

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".avif", ".avifs"}
    | {".gif", ".apng", ".jp2", ".j2k", ".pbm", ".pgm", ".ppm", ".pnm", ".ico", ".pcx", ".sgi", ".qoi"}
)
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mp4v", ".qt", ".3gp", ".3g2", ".f4v", ".mkv", ".webm", ".avi", ".divx", ".gif", ".apng"}
    | {".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".vob", ".mod", ".tod", ".ts", ".mts", ".m2ts", ".m2t", ".trp"}
    | {".wmv", ".asf", ".flv", ".ogv", ".ogm", ".mxf", ".dv", ".y4m", ".ivf", ".nut", ".rm", ".rmvb", ".wtv", ".mjpg", ".mjpeg"}
    | {".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".obu", ".av1"}
)
MAY_MOVE = frozenset({".gif", ".webp", ".png", ".apng", ".avif", ".avifs"})
"""Endings of pictures that may hold many: a clip among driving clips, their first picture among references."""

BVH_ADVICE = "a BVH is motion, not a picture: put NAME.bvh in a folder, name a driver video NAME.mp4 and use tracks:DIR"

_RAW = ".cr2 .cr3 .nef .nrw .arw .dng .raf .orf .rw2 .pef .srw"
_ADVICE = {
    "convert it with: magick FILE out.png": ".heic .heif .tga .psd .xcf .exr .hdr .svg .dds .pdf .eps",
    "convert it with: djxl FILE out.png": ".jxl",
    f"develop it to PNG or TIFF, as with: darktable-cli FILE out.png ({_RAW.split()[0]} and its like are sensor data)": _RAW,
    "export it to ProRes or H.264 with its maker's software": ".braw .r3d .ari .crm .mlv .insv .lrv",
    "render it to a video first": ".swf .blend .aep .prproj .veg .kdenlive",
    "convert it with: ffmpeg -i FILE out.mp4": ".m3u8 .mpd .bik .bk2 .smk .roq .amv .fli .flc .viv .nsv .dat",
}
_ADVISED = {suffix: advice for advice, suffixes in _ADVICE.items() for suffix in suffixes.split()}


def suffix_of(name: str) -> str:
    """The ending of a path or URL, with its dot, in lower case; of s3://bucket/a.MP4?version=2 it is .mp4."""
    plain = name.partition("?")[0] if "://" in name else name
    stem, _, ending = plain.replace("\\", "/").rstrip("/").rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if stem and ending else ""


def kind_of(name: str) -> Literal["clip", "image", "unknown"]:
    """What a file of that name is taken for at first; .gif and .apng are clips, .webp, .png and .avif images until they are opened."""
    suffix = suffix_of(name)
    return "clip" if suffix in VIDEO_SUFFIXES else "image" if suffix in IMAGE_SUFFIXES else "unknown"


def advice_for(suffix: str) -> str:
    """How to convert a file of an ending that cannot be decoded here; "" where nothing is known of it."""
    return _ADVISED.get(suffix.lower(), "")
