"""The media folder beside a page: small browser-ready copies under the name of their content.

In: clips and images as arrays. Out: relative links. Videos become yuv420p, the only H.264 layout that every browser plays; small
pictures are enlarged by repeating pixels (x4 below 96 px on the short side, x2 below 192). The name is a hash of the
content and the settings, so equal media are stored once, a rerun writes nothing twice, and an interrupted one continues.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable
from urllib.parse import quote

import numpy as np

from models.artifacts import write_bytes
from models.images import encode_image
from models.types import Clip
from models.video import encode_video

_CRF = 14  # chroma is halved anyway; below this the copies grow without a visible gain
_PRESET = "veryfast"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFolder:
    """`page`: the html file; the media lie in `<stem>_files` beside it."""

    page: Path

    @property
    def folder(self) -> Path:
        return self.page.with_name(f"{self.page.stem}_files")

    def video(self, clip: Clip) -> str:
        """The link of a browser-ready copy of `clip`."""
        key = _key(f"video {_CRF} {clip.fps}", clip.frames)
        return self._publish(f"{key}.mp4", lambda: encode_video(_enlarged_clip(clip), pix_fmt="yuv420p", crf=_CRF, preset=_PRESET))

    def picture(self, image: np.ndarray) -> str:
        """The link of a png copy of `image` (uint8 `[H,W,3]`)."""
        key = _key("picture", image)
        return self._publish(f"{key}.png", lambda: encode_image(enlarged(image)))

    def _publish(self, name: str, make: Callable[[], bytes]) -> str:
        path = self.folder / name
        if not path.exists():  # whole if it exists: it appeared by a rename
            write_bytes(path, make())
        return f"{quote(self.folder.name)}/{name}"


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
