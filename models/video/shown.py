"""A decoded frame -> the picture a player shows: uint8 `[H,W,3]` RGB, upright, with square pixels, opaque.

Colours by the frame's own matrix and range; without a word of them, as players guess: BT.709 from 1280 px of width or above 576 px of
height on, else BT.601; limited range. Clear parts go over white, as with images (straight alpha). PQ and HLG are tone-mapped (`hdr`).
Pixels that are not square are, after that; the display matrix is obeyed in quarter turns and mirrors. What was done is told as notes.
"""

from __future__ import annotations

import struct

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from models.images import over_white
from models.video import hdr
from models.video.comment import shown_size

_MATRICES = {1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M}
_MATRICES |= {9: Colorspace.BT2020, 10: Colorspace.BT2020}
_HOW = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
"""Without ACCURATE_RND swscale takes a road from 4:2:0 that is 3 levels off on average, darker by one; BITEXACT costs nothing and gives
every processor the same."""
_SMALL = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
_LEFT_OUT = {
    Type.SPHERICAL: "all-round footage shown flat", Type.STEREO3D: "stereoscopic: both views shown as they lie",
    Type.DOVI_METADATA: "Dolby Vision layer left out",
}  # fmt: skip
Turn = tuple[bool, bool, bool]
"""(swap the axes first, then mirror left-right, mirror top-bottom)."""


def turn_of(frame: av.VideoFrame) -> tuple[Turn, str]:
    """How the display matrix wants a frame shown, in the nearest quarter turns and mirrors, and a note for what that leaves out."""
    side = frame.side_data.get(Type.DISPLAYMATRIX)
    if side is None or len(bytes(side)) < 36:
        return (False, False, False), ""
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(side)[:36])
    swap = abs(b) + abs(c) > abs(a) + abs(d)
    turn = (True, c < 0, b < 0) if swap else (False, a < 0, d < 0)
    off = min(abs(b) + abs(c), abs(a) + abs(d)) > 0.05 * max(abs(b) + abs(c), abs(a) + abs(d), 1)
    return turn, "an oblique turn is left out" if off else ""


def turned(image: np.ndarray, turn: Turn) -> np.ndarray:
    swap, mirror, flip = turn
    image = image.swapaxes(0, 1) if swap else image
    return np.ascontiguousarray(image[:: -1 if flip else 1, :: -1 if mirror else 1])


def shape_shown(frame: av.VideoFrame, aspect: float, turn: Turn) -> tuple[int, int]:
    """(W,H) px of a frame as shown."""
    width = max(1, round(frame.width * aspect)) if 0.1 < aspect < 10 else frame.width
    return (frame.height, width) if turn[0] else (width, frame.height)


class Screen:
    """Shows the frames of one stream. `aspect`: width of a pixel to its height; `long_side`: px of reduced pictures, None for whole ones;
    `comment`: the file's, which may say that an even raster shows an odd picture (`write`).

    `notes` grow with what had to be done to the frames.
    """

    def __init__(self, aspect: float = 1.0, long_side: int | None = None, comment: str = "") -> None:
        self._aspect, self._long_side, self._comment, self._convert = aspect, long_side, comment, VideoReformatter()
        self.notes: dict[str, None] = {}
        self._turn: Turn | None = None
        self._after_key = False

    def size_of(self, frame: av.VideoFrame) -> tuple[int, int]:
        """(W,H) px of a frame as shown, unreduced."""
        return shown_size(self._comment, shape_shown(frame, self._aspect, self._turn_of(frame)))

    def _turn_of(self, frame: av.VideoFrame) -> Turn:
        """The turn said by the first frame, or by the last key frame that followed another kind of frame.

        A frame that was asked for its side data lives until the next garbage collection: 81 of 720p would be 300 MB.
        """
        if self._turn is None or (frame.key_frame and not self._after_key):
            self._turn, note = turn_of(frame)
            self._note(note)
            for kind, left_out in _LEFT_OUT.items():
                self._note(left_out if frame.side_data.get(kind) is not None else "")
        self._after_key = bool(frame.key_frame)
        return self._turn

    def show(self, frame: av.VideoFrame) -> np.ndarray:
        turn = self._turn_of(frame)
        upright = shape_shown(frame, self._aspect, (False, False, False))
        size = self._reduced(upright)
        raster = size if self._long_side else (frame.width, frame.height)
        image = self._rgb(frame, raster)
        if raster != size:
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
            self._note("pixels made square")
        image = turned(image, turn)
        across, down = (image.shape[1], image.shape[0]) if self._long_side else shown_size(self._comment, image.shape[1::-1])
        return image[:down, :across]

    def _reduced(self, size: tuple[int, int]) -> tuple[int, int]:
        share = min(1.0, (self._long_side or max(size)) / max(size))
        return max(1, round(size[0] * share)), max(1, round(size[1] * share))

    def _rgb(self, frame: av.VideoFrame, raster: tuple[int, int]) -> np.ndarray:
        high = frame.color_trc in (hdr.PQ, hdr.HLG)
        clear = any(part.is_alpha for part in frame.format.components) or frame.format.name == "pal8"
        if high:
            self._note(f"{'PQ' if frame.color_trc == hdr.PQ else 'HLG'} tone-mapped to BT.709")
            return hdr.to_sdr(self._converted(frame, raster, "rgb48le"), frame.color_trc)
        return self._over_white(self._converted(frame, raster, "rgba")) if clear else self._converted(frame, raster, "rgb24")

    def _converted(self, frame: av.VideoFrame, raster: tuple[int, int], form: str) -> np.ndarray:
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        shrink = raster[0] < frame.width
        return self._convert.reformat(
            frame, width=raster[0], height=raster[1], format=form, src_colorspace=_matrix(frame), dst_colorspace=Colorspace.ITU709,
            interpolation=_SMALL if shrink else _HOW, src_color_range=ColorRange.JPEG if full or frame.format.is_rgb else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG, threads=1,
        ).to_ndarray()  # fmt: skip

    def _over_white(self, image: np.ndarray) -> np.ndarray:
        if image[..., 3].min() == 255:
            return np.ascontiguousarray(image[..., :3])
        self._note("alpha over white")
        return over_white(image)

    def _note(self, note: str) -> None:
        if note:
            self.notes[note] = None


def _matrix(frame: av.VideoFrame) -> Colorspace:
    told = _MATRICES.get(frame.colorspace)
    if told is None and frame.color_trc in (hdr.PQ, hdr.HLG):
        return Colorspace.BT2020
    return told or (Colorspace.ITU709 if frame.width >= 1280 or frame.height > 576 else Colorspace.ITU601)
