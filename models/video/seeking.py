"""Decoding, and decoding from a key frame near the wanted moment instead of from the beginning, where that changes nothing.

What lies before is demuxed, not decoded: its time stamps tell whether the frames after it would be given other times. Damage in there goes
unnoticed. Containers with an index are sought in; of others (transport streams and the like) the packets before the key frame are passed
over.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, Iterable, Iterator, Protocol

import av

from models.video.container import film_stream, open_film, rate_of
from models.video.times import restarts

_INDEXED = ("mov", "matroska", "avi")
_FROM_THE_START = ("gif", "apng")
"""Their frames are drawn on those before them, whatever is marked as key."""
_LEAD_FRAMES = 3
"""Interlaced frames are filtered with their neighbours in time."""
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


class Damage(Protocol):
    """Who counts what does not decode well."""

    def see(self, frame: av.VideoFrame) -> None: ...

    def lose(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Late:
    """The first frame of a film, then frames from a key frame on, at least two."""

    first: av.VideoFrame
    frames: Iterator[av.VideoFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """A packet decoding may begin with: its time stamps in ticks, and how many packets lie before it."""

    pts: int
    dts: int
    before: int


def decoder_of(stream: Any) -> Any:
    """The codec context that decodes a stream: ffmpeg's own VP8 and VP9 decoders drop the alpha channel, libvpx's do not."""
    name = _ALPHA_DECODERS.get(stream.codec_context.codec.canonical_name) if stream.metadata.get("alpha_mode") == "1" else None
    if name is None or name not in av.codecs_available:
        return stream.codec_context
    context = av.CodecContext.create(name, "r")
    context.thread_count = 1
    return context


def decoded(packets: Iterable[av.Packet], stream: Any, damage: Damage) -> Iterator[av.VideoFrame]:
    """Frames in the order of showing; a packet that cannot be decoded costs its frame. Raises FFmpegError where not one can."""
    decoder, some = decoder_of(stream), False
    for packet in packets:
        try:
            frames = decoder.decode(packet)
        except (av.error.InvalidDataError, av.error.EOFError) as error:
            if not packet.size and not some and isinstance(error, av.error.InvalidDataError):
                raise
            damage.lose() if packet.size else None
            continue
        for frame in frames:
            frame.time_base, some = frame.time_base or stream.time_base, True
            yield frame


def counted(frames: Iterable[av.VideoFrame], damage: Damage) -> Iterator[av.VideoFrame]:
    """The frames, each looked at for damage."""
    for frame in frames:
        damage.see(frame)
        yield frame


def late_frames(file: BinaryIO, container: Any, stream: Any, start_s: float, damage: Damage) -> Late | None:
    """What a window from `start_s` on needs; None where decoding from the start is the only sure way."""
    kind = container.format.name.split(",")[0]
    if kind in _FROM_THE_START:
        return None
    try:
        first, key = _scan(container, stream, start_s)
        if first is None or key is None:
            return None
        frames = _from_key(_resumed(file, container, stream, key, kind in _INDEXED, damage), key.pts)
        ahead = list(islice(frames, 2))  # of a lone last frame nobody knows how long it is shown
    except (av.error.FFmpegError, IndexError):
        return None
    return Late(first=first, frames=chain(ahead, frames)) if len(ahead) == 2 else None


def _resumed(file: BinaryIO, container: Any, stream: Any, key: _Key, indexed: bool, damage: Damage) -> Iterator[av.VideoFrame]:
    if indexed:
        container.seek(key.dts, stream=stream, backward=True, any_frame=False)
        yield from decoded(container.demux(stream), stream, damage)
        return
    with open_film(file) as again:
        stream, _ = film_stream(again)
        yield from decoded(islice(again.demux(stream), key.before, None), stream, damage)


def _scan(container: Any, stream: Any, start_s: float) -> tuple[av.VideoFrame | None, _Key | None]:
    """Decode the first frame, then look at packets up to `start_s` for the last key frame that comes later than all before it.

    So time stamps that restart, or are missing, give no key; nor do those that follow the order of decoding although the
    decoder shows frames in another one (B-frames in avi).
    """
    decoder, rate, base = decoder_of(stream), rate_of(stream), float(stream.time_base)
    first, key, latest, reordered, lead_s = None, None, None, False, 0.0
    for count, packet in enumerate(container.demux(stream)):
        if not packet.size or packet.pts is None:
            break
        if first is None:
            first = next(iter(decoder.decode(packet)), None)
            lead_s = _LEAD_FRAMES / rate if first is not None and first.interlaced_frame else 0.0
        elif first.time is None or packet.pts * base - first.time > start_s - lead_s:
            break
        elif packet.is_keyframe and not packet.is_discard and packet.pts > latest:
            key = _Key(pts=packet.pts, dts=packet.pts if packet.dts is None else packet.dts, before=count)
        if latest is not None and restarts(packet.pts * base, latest * base, rate):
            return first, None
        reordered = reordered or (latest is not None and packet.pts < latest)
        latest = packet.pts if latest is None else max(latest, packet.pts)
    trusted = reordered or not stream.codec_context.has_b_frames
    return first, key if trusted else None


def _from_key(frames: Iterator[av.VideoFrame], pts: int) -> Iterator[av.VideoFrame]:
    """The frames from the key frame at `pts` on; nothing where seeking has missed it. Those shown before it lack what they refer to."""
    found = False
    for frame in frames:
        whole = frame.key_frame and frame.pict_type == av.video.frame.PictureType.I
        if not found and (frame.pts is None or frame.pts > pts or (frame.pts == pts and not whole)):
            return
        found = found or frame.pts == pts
        if found:
            yield frame
