"""A file of anybody's -> its film: the stream that a player would show, opened so that no other file is opened with it.

A source is a local path, the bytes themselves, an open binary file, or any location of `models.storage`. Demuxers that follow references
(playlists, image sequences, captures) are not admitted, nor can a file make another one open.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Iterator

import av
from av.stream import Disposition

from models import storage
from models.endings import advice_for, suffix_of
from models.images import MAX_PIXELS, MediaError
from models.video.times import nice_rate

Source = str | Path | bytes | BinaryIO
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,mpeg,mpegvideo,mpegts,asf,flv,ogg,mxf,dv,yuv4mpegpipe,ivf,nut,rm,wtv,mjpeg,"
    "h264,hevc,m4v,obu,av1,live_flv"
)
_NOT_THE_FILM = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image | Disposition.dependent


@contextmanager
def open_film(source: Source, name: str = "") -> Iterator[av.container.InputContainer]:
    """Open a source for decoding; its `name` tells what to advise.

    Raises MediaError with the reason, OSError where it is gone or a storage does not answer.
    """
    with open_source(source) as file:
        try:
            container = av.open(file, options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "none"})
        except (av.error.FFmpegError, ValueError) as error:
            said = getattr(error, "strerror", None) or "refused by the demuxer"  # str(error) has the path, on which rows must not depend
            raise MediaError(f"not a readable video ({type(error).__name__}: {said}){_advice(name)}") from error
        with container:
            yield container


@contextmanager
def open_source(source: Source) -> Iterator[BinaryIO]:
    """The bytes of a source from their beginning, as a file that can be sought in. Raises as `open_film`."""
    if isinstance(source, bytes):
        source = io.BytesIO(source)
    if not isinstance(source, (str, Path)):
        source.seek(0)
        yield source
        return
    location = storage.resolve(source)
    facts = storage.facts_of(location)
    if facts.fault:
        raise MediaError(facts.fault)  # a pipe would be waited for, for ever
    if facts.size_b == 0:
        raise MediaError("empty file (0 bytes)")
    with storage.open_read(location) as file:
        yield file


def _advice(name: str) -> str:
    advice = advice_for(suffix_of(name))
    return f"; {advice}" if advice else ""


def film_stream(container: av.container.InputContainer) -> tuple[av.video.stream.VideoStream, tuple[str, ...]]:
    """The first real video stream, one marked as default before others, set to one thread; and what was passed over for it."""
    videos = list(container.streams.video)
    real = [stream for stream in videos if not stream.disposition & _NOT_THE_FILM]
    if real and not any(stream.codec_context for stream in real):
        raise MediaError("a video of a kind that cannot be decoded here; convert it with: ffmpeg -i FILE out.mp4")
    real = [stream for stream in real if stream.codec_context]
    if not real:
        kinds = sorted({"cover picture" if stream in videos else stream.type for stream in container.streams}) or ["none"]
        raise MediaError(f"no video stream (streams: {', '.join(kinds)})")
    stream = next((one for one in real if one.disposition & Disposition.default), real[0])
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise MediaError(f"frame too large: {width}x{height} px")
    stream.thread_type, stream.codec_context.thread_count = "NONE", 1
    notes = ("cover picture passed over",) if any(one.disposition & Disposition.attached_pic for one in videos) else ()
    return stream, notes + (("the first of several films shown",) if len(real) > 1 else ())


def rate_of(stream: av.video.stream.VideoStream) -> float:
    """Frames per second a stream is meant to have: the rate its ticks fit where that is near its mean, else its mean; 25 where unknown."""
    mean, base = (float(rate) if rate else 0.0 for rate in (stream.average_rate or stream.guessed_rate, stream.base_rate))
    if base and mean and abs(base - mean) <= 0.005 * mean:
        mean = base
    return next((nice_rate(rate) for rate in (mean, base) if 0 < rate <= 1000), 25.0)


def tick_of(stream: av.video.stream.VideoStream) -> float:
    """How finely the container stamps time, s."""
    return float(stream.time_base) if stream.time_base else 0.0
