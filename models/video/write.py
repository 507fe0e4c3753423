"""`Clip` -> H.264 in mp4 that plays everywhere and says what its colours mean.

Colours are converted by the matrix of BT.709 to limited range and tagged so (matrix, primaries, transfer, range); the index lies before the
pictures (faststart). One encoder thread and no time stamps of its own, so that equal clips give equal bytes.

How hard the encoder tries is chosen for the seconds of those who make a pair and of those who read it again and again: `superfast` without
arithmetic coding. Against `medium` with it, on footage at crf 4: a sixth of the seconds to encode, half of them to decode, 7 to 30 % more
bytes, 0.2 to 0.8 dB less of 47 to 50 dB (`tests/benchmarks/video_coding.py`). A copy must stay nearer to its source than the factory's
filter `distinct` asks a driver to be, so bits are not moved to where the eye looks (aq-mode): small pictures lose fidelity by it.

`yuv444p` keeps every pixel's colour but is High 4:4:4 Predictive, which software decodes and most hardware and some browsers do not;
`yuv420p` plays everywhere and halves the resolution of colour. Its rasters have even sides: an odd one is filled up by one replicated row
or column, and the file's comment says what is to be shown (`comment`), so that a clip comes back in its own size.
"""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from models.storage import publish
from models.types import Clip, require
from models.video.comment import comment_for

PIX_FMTS = ("yuv444p", "yuv420p")
PRESET = "superfast"
"""How hard the encoder tries; part of what decides bytes, so a dataset's key has it."""
_X264 = "sliced-threads=0:mbtree=0:bframes=0:cabac=0:aq-mode=0"
"""Macroblock-tree rate control with B-frames gives other bytes from run to run on small pictures, even with one thread. At this quality
most of the time went into arithmetic coding (cabac), in the decoder more than in the encoder."""
_BT709, _LIMITED = 1, 1
_HOW = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP | Interpolation.BITEXACT


def encode_video(clip: Clip, *, pix_fmt: str = "yuv444p", crf: int = 4, preset: str = PRESET) -> bytes:
    """The file as bytes. Raises ValueError for another pixel format."""
    require(pix_fmt in PIX_FMTS, "video", "pix_fmt", repr(pix_fmt)[:80], f"one of {', '.join(PIX_FMTS)}")
    sink, frames = _Sink(), _even(clip.frames) if pix_fmt == "yuv420p" else clip.frames
    with av.open(sink, "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}, io_open=sink.again) as container:
        if frames.shape != clip.frames.shape:
            container.metadata["comment"] = comment_for(clip.size)
        stream = container.add_stream("libx264", rate=Fraction(clip.fps).limit_denominator(1_000_000))
        stream.height, stream.width = frames.shape[1:3]
        context = stream.codec_context
        context.pix_fmt, context.thread_count = pix_fmt, 1
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        stream.options = {"crf": str(crf), "preset": preset, "threads": "1", "x264-params": _X264}
        convert = VideoReformatter()
        for image in frames:
            container.mux(stream.encode(_coded(convert, image, pix_fmt)))
        container.mux(stream.encode(None))
    return sink.getvalue()


def _coded(convert: VideoReformatter, image: np.ndarray, pix_fmt: str) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    return convert.reformat(
        frame, format=pix_fmt, src_colorspace=Colorspace.ITU709, dst_colorspace=Colorspace.ITU709, interpolation=_HOW,
        src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG, threads=1,
    )  # fmt: skip


def _even(frames: np.ndarray) -> np.ndarray:
    return np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")


class _Sink(io.BytesIO):
    """A file in memory that can be opened a second time, for reading, while it is written: so the index gets to the front."""

    def again(self, url: str, flags: int, options: dict) -> io.BytesIO:
        return io.BytesIO(self.getvalue()) if flags == 1 else self


def write_video(location: str, clip: Clip, *, pix_fmt: str = "yuv444p", crf: int = 4) -> None:
    """Write `clip` as mp4 (H.264), whole or not at all."""
    with publish(location) as draft:
        draft.write_bytes(encode_video(clip, pix_fmt=pix_fmt, crf=crf))
