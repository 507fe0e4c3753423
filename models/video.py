"""Clip <-> file, frame-exact, by PyAV.

Reading follows presentation times, so variable frame rates resample right; rotation metadata is applied; a window is
cropped and resized while it streams, so memory holds only what is kept; what lies before it is decoded from the nearest
key frame on, where that changes nothing. Writing uses one encoder thread and no
timestamps of its own, so equal clips give equal bytes. Demuxers that open other files (playlists) are refused.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Iterable, Iterator

import av
import cv2
import numpy as np

from models.artifacts import publish
from models.images import MAX_PIXELS, MediaError, box_within, fit_box, fit_image
from models.types import Clip, Grid, Origin

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".gif", ".mpg", ".mpeg", ".ts"})
_X264 = "sliced-threads=0:mbtree=0:bframes=0"
"""Macroblock-tree rate control with B-frames gives other bytes from run to run on small pictures, even with one thread."""
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpeg,mpegvideo,mpegts"
_INDEXED = ("mov", "matroska", "avi")
"""Demuxers that know where a time stamp lies; in the others (transport streams, gif) a stamp may come twice and the first is not found."""
_MAX_SOURCE_FRAMES = 200_000
_MAX_CLIP_BYTES = 8 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What the header says. `size`: (W,H) px as shown, after rotation is *not* yet applied; `frames` 0 = unknown."""

    size: tuple[int, int]
    fps: float
    duration_s: float
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How a source was brought to a grid: start, the box (x, y, w, h) px of the source that is shown (`fit_box`), source raster."""

    start_s: float
    crop: tuple[int, int, int, int]
    source_size: tuple[int, int]
    source_fps: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimedFrame:
    """A decoded frame: uint8 `[H,W,3]` RGB and its presentation time from the first frame on."""

    image: np.ndarray
    time_s: float


def _open(source: str | Path | bytes | BinaryIO) -> av.container.InputContainer:
    file = io.BytesIO(source) if isinstance(source, bytes) else (str(source) if isinstance(source, (str, Path)) else source)
    if isinstance(file, str) and Path(file).is_file() and Path(file).stat().st_size == 0:
        raise MediaError("empty file (0 bytes)")
    try:
        return av.open(file, options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"})
    except (av.error.FFmpegError, ValueError) as error:
        said = (
            getattr(error, "strerror", None) or "refused by the demuxer"
        )  # str(error) would carry the path, and rows must not depend on it
        raise MediaError(f"not a readable video ({type(error).__name__}: {said})") from error


def _video_stream(container: av.container.InputContainer) -> av.video.stream.VideoStream:
    if not container.streams.video:
        kinds = sorted({stream.type for stream in container.streams}) or ["none"]
        raise MediaError(f"no video stream (streams: {', '.join(kinds)})")
    stream = container.streams.video[0]
    if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
        raise MediaError(f"frame too large: {stream.codec_context.width}x{stream.codec_context.height} px")
    stream.thread_type, stream.codec_context.thread_count = "NONE", 1
    return stream


def _rate(stream: av.video.stream.VideoStream) -> float:
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    return float(rate) if rate and 0 < float(rate) <= 1000 else 25.0


def _square_pixels(image: np.ndarray, stream: av.video.stream.VideoStream) -> np.ndarray:
    ratio = float(stream.sample_aspect_ratio or 1)
    if ratio == 1 or not 0.1 < ratio < 10:
        return image
    return cv2.resize(image, (max(1, round(image.shape[1] * ratio)), image.shape[0]), interpolation=cv2.INTER_LINEAR)


def probe(source: str | Path | bytes) -> VideoInfo:
    """Read the header of a video. Raises MediaError with the reason."""
    with _open(source) as container:
        stream = _video_stream(container)
        duration = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else (container.duration or 0) / 1e6
        size = (stream.codec_context.width, stream.codec_context.height)
        return VideoInfo(size=size, fps=_rate(stream), duration_s=duration, frames=stream.frames)


def frames_of(source: str | Path | bytes) -> Iterator[TimedFrame]:
    """Decode frame by frame in presentation order. Raises MediaError where the stream breaks."""
    with _open(source) as container:
        stream = _video_stream(container)
        yield from _timed(container.decode(stream), stream)


def _timed(frames: Iterable[av.VideoFrame], stream: Any, first: float | None = None, before: int = 0) -> Iterator[TimedFrame]:
    """Frames with their times, which never go back. `first`: raw time of the stream's first frame; `before`: frames passed over."""
    last, step = -1.0, 1 / _rate(stream)
    try:
        for count, frame in enumerate(frames, before):
            if count >= _MAX_SOURCE_FRAMES:
                raise MediaError(f"more than {_MAX_SOURCE_FRAMES} frames; cut the clip first")
            raw = frame.time if frame.time is not None else last + step + (first or 0.0)
            first = raw if first is None else first
            last = max(raw - first, last + 1e-6)
            image = frame.to_ndarray(format="rgb24")
            yield TimedFrame(image=np.rot90(_square_pixels(image, stream), (frame.rotation // 90) % 4), time_s=last)
    except av.error.FFmpegError as error:
        raise MediaError(f"stream breaks after {max(last, 0):.2f} s ({type(error).__name__})") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """A packet decoding may begin with: its time stamps in ticks, and how many packets lie before it."""

    pts: int
    dts: int
    before: int


def _frames_near(source: str | Path | bytes, start_s: float) -> Iterator[TimedFrame]:
    """Of `frames_of` the first frame and then all from a key frame at or before `start_s` on; all of it where that cannot be had.

    What lies between is demuxed, not decoded: its time stamps tell whether the frames after it would be given other times. Damage
    in there goes unnoticed.
    """
    if start_s > 0:
        with _open(source) as container:
            stream = _video_stream(container)
            late = _late_frames(container, stream, start_s)
            if late is not None:
                first, frames, before = late
                yield from _timed([first], stream)
                yield from _timed(frames, stream, first.time, before)
                return
    yield from frames_of(source)


def _late_frames(container: Any, stream: Any, start_s: float) -> tuple[av.VideoFrame, Iterator[av.VideoFrame], int] | None:
    """The first frame, the frames from a key frame on, at least two, and how many packets lie before it."""
    if container.format.name.split(",")[0] not in _INDEXED:
        return None
    try:
        first, key = _scan(container, stream, start_s)
        if key is None:
            return None
        container.seek(key.dts, stream=stream, backward=True, any_frame=False)
        frames = _from_key(container.decode(stream), key.pts)
        ahead = list(islice(frames, 2))  # of a lone last frame nobody knows how long it is shown
    except av.error.FFmpegError:
        return None
    return (first, chain(ahead, frames), key.before) if len(ahead) == 2 else None


def _scan(container: Any, stream: Any, start_s: float) -> tuple[av.VideoFrame | None, _Key | None]:
    """Decode the first frame, then look at packets up to `start_s` for the last key frame that comes later than all before it.

    So time stamps that restart, or are missing, give no key; nor do those that follow the order of decoding although the
    decoder shows frames in another one (B-frames in avi).
    """
    first, key, latest, reordered = None, None, None, False
    for count, packet in enumerate(container.demux(stream)):
        if not packet.size or packet.pts is None:
            break
        if first is None:
            first = next(iter(packet.decode()), None)
        elif first.time is None or packet.pts * float(stream.time_base) - first.time > start_s:
            break
        elif packet.is_keyframe and not packet.is_discard and packet.pts > latest:
            key = _Key(pts=packet.pts, dts=packet.pts if packet.dts is None else packet.dts, before=count)
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


def read_video(source: str | Path | bytes) -> Clip:
    """The whole clip at its average frame rate; variable rates are resampled by nearest presentation time.

    Raises MediaError, also when the decoded clip would exceed 8 GiB.
    """
    images, times, size = [], [], 0
    for item in frames_of(source):
        if images and item.image.shape != images[0].shape:
            raise MediaError(f"frame size changes from {images[0].shape[1::-1]} to {item.image.shape[1::-1]}; re-encode the clip")
        size += item.image.nbytes
        if size > _MAX_CLIP_BYTES:
            raise MediaError("clip larger than 8 GiB decoded; read a window of it")
        images.append(np.ascontiguousarray(item.image))
        times.append(item.time_s)
    if not images:
        raise MediaError("no frame could be decoded")
    height, width = images[0].shape[:2]
    origin = _origin(source, start_s=0.0, crop=(0, 0, width, height), source_size=(width, height))
    if len(images) == 1:
        return Clip(frames=images[0][None], fps=probe(source).fps, origin=origin)
    gaps = np.diff(times)
    steady = gaps.max() - gaps.min() <= 0.25 * np.median(gaps)  # rounding of time stamps stays below a quarter frame
    fps = _nice_rate((len(times) - 1) / times[-1])
    if steady:
        return Clip(frames=np.stack(images), fps=fps, origin=origin)
    wanted = np.arange(int(np.floor(times[-1] * fps + 1e-6)) + 1) / fps
    nearest = np.abs(np.asarray(times)[None] - wanted[:, None]).argmin(1)
    return Clip(frames=np.stack([images[i] for i in nearest]), fps=fps, origin=origin)


def _origin(source: str | Path | bytes, **where: Any) -> Origin | None:
    return Origin(file=Path(source).name, **where) if isinstance(source, (str, Path)) else None


def _nice_rate(fps: float) -> float:
    near = Fraction(fps).limit_denominator(1001)
    whole = round(fps)
    return float(whole) if abs(fps - whole) < 0.005 * fps and whole > 0 and abs(fps - whole) < 0.02 else float(near)


def read_window(source: str | Path | bytes, grid: Grid, start_s: float = 0.0, fit: str = "crop") -> tuple[Clip, Window]:
    """`grid.num_frames` frames from `start_s` on, each the nearest in time, brought to the grid by `fit` (`models.images.FITS`).

    Raises MediaError when the source ends before the window does.
    """
    wanted = start_s + np.arange(grid.num_frames) / grid.fps
    kept: list[np.ndarray] = []
    previous, first_size, gap = None, (0, 0), 1 / grid.fps

    def keep_until(limit_s: float) -> None:
        while previous is not None and len(kept) < grid.num_frames and wanted[len(kept)] <= limit_s + 1e-9:
            kept.append(fit_image(previous.image, grid.size, fit))

    for item in _frames_near(source, start_s):
        if previous is None:
            first_size = (item.image.shape[1], item.image.shape[0])
        else:
            gap = item.time_s - previous.time_s
            keep_until((previous.time_s + item.time_s) / 2)
        previous = item
        if len(kept) == grid.num_frames:
            break
    if previous is None:
        raise MediaError("no frame could be decoded")
    keep_until(previous.time_s + gap)
    if len(kept) < grid.num_frames:
        needed = wanted[-1]
        raise MediaError(
            f"too short: ends at {previous.time_s:.2f} s, the window needs {needed:.2f} s ({grid.num_frames} frames at {grid.fps:g} fps)"
        )
    box = fit_box(first_size, grid.size, fit)
    window = Window(start_s=start_s, crop=box, source_size=first_size, source_fps=round(1 / gap, 3))
    origin = _origin(source, start_s=start_s, crop=window.crop, source_size=first_size)
    return Clip(frames=np.stack(kept), fps=grid.fps, origin=origin), window


def nearest_frames(num_frames: int, fps: float, source_fps: float) -> np.ndarray:
    """Which frame of a steady source stands for each frame of a grid: the nearest in time, the earlier of two; int `[num_frames]`."""
    return np.ceil(np.arange(num_frames) * source_fps / fps - 0.5 - 1e-6).astype(int)


def fit_clip(clip: Clip, grid: Grid, fit: str = "crop") -> Clip:
    """Bring a decoded clip to a grid: nearest frames in time, each by `fit`; a short clip holds its last frame.

    Its origin, where it has one, says in pixels of the source what is shown.
    """
    times = np.minimum(nearest_frames(grid.num_frames, grid.fps, clip.fps), len(clip) - 1)
    origin, box = clip.origin, fit_box(clip.size, grid.size, fit)
    origin = None if origin is None else replace(origin, crop=box_within(origin.crop, clip.size, box))
    return Clip(frames=np.stack([fit_image(clip.frames[t], grid.size, fit) for t in times]), fps=grid.fps, origin=origin)


def encode_video(clip: Clip, *, pix_fmt: str = "yuv444p", crf: int = 4, preset: str = "medium") -> bytes:
    """H.264 in mp4 as bytes, one encoder thread, deterministic. yuv420p pads odd sizes by one replicated row or column."""
    frames = clip.frames
    if pix_fmt == "yuv420p":
        frames = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(clip.fps).limit_denominator(1_000_000))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.codec_context.thread_count = pix_fmt, 1
        stream.options = {"crf": str(crf), "preset": preset, "threads": "1", "x264-params": _X264}
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode(None))
    return sink.getvalue()


def write_video(path: str | Path, clip: Clip, *, pix_fmt: str = "yuv444p", crf: int = 4) -> None:
    """Write `clip` as mp4 (H.264), whole or not at all."""
    with publish(path) as draft:
        draft.write_bytes(encode_video(clip, pix_fmt=pix_fmt, crf=crf))
