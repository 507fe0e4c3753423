"""The media of a page: small browser-ready copies, in a folder beside it or inside the page itself.

In: clips and images as arrays. Out: links. Videos become yuv420p, the only H.264 layout that every browser plays; small
pictures are enlarged by repeating pixels (x4 below 96 px on the short side, x2 below 192). The name is a hash of the
content and the settings, so equal media are stored once, a rerun writes nothing twice, and an interrupted one continues.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Protocol
from urllib.parse import quote

import cv2
import numpy as np

from models.storage import write_bytes
from models.types import Clip
from models.video import encode_video

_CRF, _PRESET = 16, "medium"  # the PSNR of 14 at "veryfast" in a fifth fewer bytes (24 frames of 192 and 256 px)
POSTER_PX = 192


class Media(Protocol):
    """Where a page's media go."""

    def video(self, clip: Clip) -> str:
        """The link of a browser-ready copy of `clip`."""

    def picture(self, image: np.ndarray) -> str:
        """The link of a copy of `image` (uint8 `[H,W,3]`)."""

    def poster(self, image: np.ndarray) -> str:
        """The link of a small copy of a clip's frame: what stands there until the clip has loaded, in print and without scripts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFolder:
    """`page`: the html file; the media lie in `<stem>_files` beside it."""

    page: Path

    @property
    def folder(self) -> Path:
        return self.page.with_name(f"{self.page.stem}_files")

    def video(self, clip: Clip) -> str:
        return self._publish(f"{_video_key(clip)}.mp4", lambda: _video_bytes(clip))

    def picture(self, image: np.ndarray) -> str:
        return self._publish(f"{_key('picture', image)}.webp", lambda: _picture_bytes(image))

    def poster(self, image: np.ndarray) -> str:
        return self._publish(f"{_key('poster', image)}.webp", lambda: _poster_bytes(image))

    def _publish(self, name: str, make: Callable[[], bytes]) -> str:
        path = self.folder / name
        if not path.exists():  # whole if it exists: it appeared by a rename
            write_bytes(path, make())
        return f"{quote(self.folder.name)}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineMedia:
    """Media inside the page. Pictures are data URIs; a video is `#KEY`, and `videos` maps the keys to base64 of their bytes, each once."""

    videos: dict[str, str] = field(default_factory=dict)

    def video(self, clip: Clip) -> str:
        key = _video_key(clip)
        if key not in self.videos:
            self.videos[key] = base64.b64encode(_video_bytes(clip)).decode()
        return f"#{key}"

    def picture(self, image: np.ndarray) -> str:
        return f"data:image/webp;base64,{base64.b64encode(_picture_bytes(image)).decode()}"

    def poster(self, image: np.ndarray) -> str:
        return f"data:image/webp;base64,{base64.b64encode(_poster_bytes(image)).decode()}"


def media_of(page: Path, *, inline: bool) -> MediaFolder | InlineMedia:
    """Where the media of `page` go."""
    return InlineMedia() if inline else MediaFolder(page=page)


def _video_key(clip: Clip) -> str:
    return _key(f"video {_CRF} {_PRESET} {clip.fps}", clip.frames)


def _video_bytes(clip: Clip) -> bytes:
    return encode_video(_enlarged_clip(clip), pix_fmt="yuv420p", crf=_CRF, preset=_PRESET)


def _picture_bytes(image: np.ndarray) -> bytes:
    """Lossless WebP: exact, and smaller than PNG."""
    pixels = cv2.cvtColor(np.ascontiguousarray(enlarged(image)), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()


def _poster_bytes(image: np.ndarray) -> bytes:
    """Lossy WebP, at most POSTER_PX on the short side."""
    scale = min(1.0, POSTER_PX / min(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else enlarged(image)
    pixels = cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, 60])[1].tobytes()


def upscale_factor(width: int, height: int) -> int:
    """How much a picture of that size (px) is enlarged."""
    short = min(width, height)
    return 4 if short < 96 else 2 if short < 192 else 1


def enlarged(pictures: np.ndarray) -> np.ndarray:
    """`[...,H,W,3]` with every pixel repeated where the picture is small."""
    factor = upscale_factor(pictures.shape[-2], pictures.shape[-3])
    return pictures.repeat(factor, axis=-3).repeat(factor, axis=-2) if factor > 1 else pictures


def _enlarged_clip(clip: Clip) -> Clip:
    return Clip(frames=enlarged(clip.frames), fps=clip.fps)


def _key(settings: str, pixels: np.ndarray) -> str:
    digest = hashlib.sha256(f"{settings} {pixels.shape}".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()[:20]
