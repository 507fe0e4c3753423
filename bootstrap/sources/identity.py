"""The identity picture in a file: an image as it is, or the first frame of a clip."""

from __future__ import annotations

import numpy as np

from models.endings import kind_of
from models.images import MediaError, read_image
from models.storage import read_bytes
from models.video import frames_of


def read_identity(location: str, data: bytes | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """uint8 `[H,W,3]` RGB and how it was adapted. `data`: the file's bytes where they are at hand. Raises MediaError or OSError."""
    if kind_of(location) != "clip":
        picture = read_image(read_bytes(location) if data is None else data)
        return picture.image, picture.notes
    film = frames_of(location if data is None else data)
    for frame in film:
        return np.ascontiguousarray(frame.image), (*film.notes, "first frame of the clip")
    raise MediaError("no frame could be decoded")
