"""Films the tests make for themselves."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np

from models.types import Clip

TEXTURE = np.random.default_rng(1).integers(0, 255, (32, 48, 3), dtype=np.uint8) // 2


def numbered(count: int, size=(48, 32), fps: float = 10.0) -> Clip:
    """Frames that carry their number as a grey level, 6 levels apart, so that a wrong frame cannot hide."""
    frames = np.repeat(np.arange(count, dtype=np.uint8) * 6 + 10, size[0] * size[1] * 3).reshape(count, size[1], size[0], 3)
    return Clip(frames=frames, fps=fps)


def numbers(clip: Clip) -> list[int]:
    return [round((float(frame.mean()) - 10) / 6) for frame in clip.frames]


def film(
    fmt: str, codec: str, frames, *, rate=10, pix_fmt: str = "yuv420p", given: str = "rgb24", times: list[int] | None = None,
    gop: int | None = None, metadata: dict | None = None, **context,
) -> bytes:  # fmt: skip
    """`frames` as a file of that format. `times`: their stamps in ticks of 1 / `rate`; `context`: fields of the codec context."""
    sink = io.BytesIO()
    with av.open(sink, "w", format=fmt) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = pix_fmt, 1 / Fraction(rate)
        stream.options = context.pop("options", {})
        stream.metadata.update(metadata or {})
        if gop:
            stream.codec_context.gop_size = gop
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=given)
            frame = frame.reformat(format=pix_fmt) if codec == "gif" else frame
            frame.pts, frame.time_base = times[number] if times else number, 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


def rolling(count: int) -> list[np.ndarray]:
    """A texture that moves to the right."""
    return [np.roll(TEXTURE, 3 * number, 1) for number in range(count)]


def with_matrix(mp4: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """The same file with another display matrix (whole numbers: -1, 0, 1)."""
    data = bytearray(mp4)
    at = data.index(b"tkhd") + 4 + 4 + 8 + 4 + 4 + 4 + 8 + 2 * 4  # version/flags, times, id, reserved, duration, reserved, layer..volume
    matrix = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 0x40000000]
    data[at : at + 36] = b"".join((value & 0xFFFFFFFF).to_bytes(4, "big") for value in matrix)
    return bytes(data)


def song() -> bytes:
    """An mp4 of a moment of silence and no film."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()
