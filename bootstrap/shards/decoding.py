"""The members of one sample -> a `TrainingExample`, through an allow-list: png, mp4 and json, never pickle.

Nothing is decoded before its own header has promised a size that is borne: the dataset's grid where that is known, else some limit. The
hash of each member is held against the sample's card. Raises ValueError naming the member that is broken.
"""

from __future__ import annotations

import json
import struct
from itertools import islice
from typing import Any, Mapping

import av

from models.artifacts import sha256
from models.images import MediaError, read_image
from models.shards import MEMBERS, shown
from models.types import Clip, Grid, TrainingExample
from models.video import read_video
from models.video.container import film_stream, open_film

_MOST_PX, _MOST_CLIP_B = 1 << 24, 1 << 30
"""Of a picture, and of a decoded clip, where no grid is known."""
_PNG = b"\x89PNG\r\n\x1a\n"


def decode(key: str, members: Mapping[str, bytes], grid: Grid | None = None) -> TrainingExample:
    """Decode one sample. `grid`: of its dataset. Raises ValueError naming the member that is broken."""
    lacking = [name for name in MEMBERS if name not in members]
    if lacking:
        raise ValueError(f"members: got none of {', '.join(lacking)}")
    card = card_of(members)
    driver, reference, target = (_named(name, read, members[name], grid) for name, read in _READERS.items())
    return TrainingExample(id=key, reference=reference, driver=driver, target=target, prompt=_prompt(card))


def card_of(members: Mapping[str, bytes]) -> Any:
    """KEY.json as a value. Raises ValueError."""
    try:
        return json.loads(members["json"])
    except ValueError as error:  # also what is no UTF-8, and numbers beyond Python's limit
        raise ValueError(f"json: {error}") from error
    except RecursionError as error:
        raise ValueError("json: nested too deeply") from error


def check_hashes(members: Mapping[str, bytes]) -> None:
    """A decoder paints over some damage without a word; the hash in the card does not."""
    card = card_of(members)
    hashes = card.get("members_sha256") if isinstance(card, dict) else None
    for name, want in hashes.items() if isinstance(hashes, dict) else ():
        if name in members and sha256(members[name]) != want:
            raise ValueError(f"{name}: sha256 differs from its card")


def _named(name: str, read: Any, data: bytes, grid: Grid | None) -> Any:
    try:
        return read(data, grid)
    except (MediaError, av.error.FFmpegError, ValueError) as error:
        raise ValueError(f"{name}: {shown(str(error))}") from error


def _clip(data: bytes, grid: Grid | None) -> Clip:
    if data[4:8] != b"ftyp":
        raise ValueError("not an mp4")
    with open_film(data) as container:
        stream, _ = film_stream(container)
        size = stream.codec_context.width, stream.codec_context.height
        _check_size(size, grid)
        most = _MOST_CLIP_B // (3 * max(1, size[0] * size[1])) if grid is None else grid.num_frames
        frames = sum(1 for _ in islice((packet for packet in container.demux(stream) if packet.size), most + 1))
    if frames > most:
        raise ValueError(f"got more than {most} frames of {size[0]}x{size[1]} px, expected {'at most ' if grid is None else ''}{most}")
    return read_video(data)


def _picture(data: bytes, grid: Grid | None) -> Any:
    if data[:8] != _PNG or len(data) < 24:
        raise ValueError("not a png")
    _check_size(struct.unpack(">II", data[16:24]), grid)
    return read_image(data).image


def _check_size(size: tuple[int, int], grid: Grid | None) -> None:
    if grid is not None and size != grid.size:
        raise ValueError(f"got {size[0]}x{size[1]} px, expected {grid.width}x{grid.height}, the dataset's")
    if size[0] * size[1] > _MOST_PX:
        raise ValueError(f"got {size[0]}x{size[1]} px, expected at most {_MOST_PX} pixels")


_READERS = {"driver.mp4": _clip, "reference.png": _picture, "target.mp4": _clip}


def _prompt(card: Any) -> str:
    """The sample's own prompt; where that is empty, the text its guidance wrote."""
    card = card if isinstance(card, dict) else {}
    guidance = card.get("guidance")
    found = card.get("prompt") or (guidance.get("prompt") if isinstance(guidance, dict) else "")
    return found if isinstance(found, str) else ""
