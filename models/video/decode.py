"""A film, frame by frame in the order of showing, each with its time and as a player shows it.

`Film` is an iterator of `TimedFrame` that knows more the further it is read: what was done to the pixels, how many frames were damaged,
when the last one ends. One decoder thread. Frames that decode with errors are counted; more than `MOST_DAMAGED` of them make the film
unusable. Interlaced frames are deinterlaced (bwdif, one picture a frame). A frame of another size than the first is fitted into the first
one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Iterable, Iterator

import av
import numpy as np

from models.framing import fit_image
from models.images import MAX_PIXELS, MediaError
from models.video import seeking
from models.video.animated import Strip, is_strip, open_strip, uncovered
from models.video.container import Source, film_stream, open_film, open_source, rate_of, tick_of
from models.video.interlaced import Deinterlaced
from models.video.shown import Screen
from models.video.times import Clock

MOST_DAMAGED = 0.1
"""Share of frames with decoding errors above which a clip, or the part of it that was read, is refused."""
_MAX_SOURCE_FRAMES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimedFrame:
    """A decoded frame: uint8 `[H,W,3]` RGB and its presentation time from the first frame on."""

    image: np.ndarray
    time_s: float


class Film(Iterator[TimedFrame]):
    """The frames of a source; from `start_s` on only the first and those that follow a key frame at or before it.

    `size`: (W,H) px as shown, unreduced; `fps`: the rate the stream is meant to have; `frames_told`: how many frames its header says there
    are, 0 where it does not say; known from the first frame on. `frames_seen`, `end_s` (when the last frame stops being shown) and `notes`
    are whole once all is read. Raises MediaError where the stream breaks.
    """

    def __init__(self, source: Source, *, long_side: int | None = None, start_s: float = 0.0) -> None:
        self.size, self.fps, self.frames_seen, self.frames_told = (0, 0), 0.0, 0, 0
        self._times, self._comment = (0.0, 0.0), ""
        self._damage, self._told = _Damage(), dict[str, None]()
        self._shown = self._read(source, long_side, start_s)

    def __next__(self) -> TimedFrame:
        return next(self._shown)

    def close(self) -> None:
        """Give the file back before its end. Raises MediaError where too many of the frames read were damaged."""
        self._shown.close()
        self._damage.check()

    @property
    def gap_s(self) -> float:
        """How long the last frame is shown, s: as long as the one before it."""
        before, last = self._times
        return last - before if self.frames_seen > 1 else 1 / self.fps if self.fps else 0.0

    @property
    def end_s(self) -> float:
        """When the last frame stops being shown, s."""
        return self._times[1] + self.gap_s

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self._told, *self._damage.notes())

    def _read(self, source: Source, long_side: int | None, start_s: float) -> Iterator[TimedFrame]:
        with open_source(source) as file:
            if is_strip(file):
                yield from self._leaf_through(open_strip(file, long_side))
                return
            whole = uncovered(file)
            if whole is not None:
                yield from self._behind_the_cover(whole, long_side)
                return
            if start_s > 0:
                with open_film(file) as container:
                    stream = self._stream(container)
                    late = seeking.late_frames(file, container, stream, start_s, self._damage)
                    if late is not None:
                        yield from self._show(chain([late.first], late.frames), stream, long_side)
                        return
                self._damage = _Damage()  # what was tried does not count
            with open_film(file, "" if isinstance(source, bytes) else str(source)) as container:
                stream = self._stream(container)
                yield from self._show(seeking.decoded(container.demux(stream), stream, self._damage), stream, long_side)

    def _behind_the_cover(self, data: bytes, long_side: int | None) -> Iterator[TimedFrame]:
        self._told["cover picture passed over"] = None
        with open_film(data) as container:
            stream = self._stream(container)
            yield from self._show(islice(seeking.decoded(container.demux(stream), stream, self._damage), 1, None), stream, long_side)

    def _stream(self, container: Any) -> Any:
        stream, notes = film_stream(container)
        self.fps, self._comment = rate_of(stream), container.metadata.get("comment", "")
        self.frames_told = stream.frames
        self._told.update(dict.fromkeys(notes))
        return stream

    def _leaf_through(self, strip: Strip) -> Iterator[TimedFrame]:
        clock = Clock(strip.fps, 0.001)
        self.size, self.fps, self.frames_told = strip.size, strip.fps, strip.count
        self._told.update({"alpha over white": None} if strip.clear else {})
        for image, time_s in strip.frames:
            yield self._seen(image, clock.time_of(time_s))

    def _seen(self, image: np.ndarray, time_s: float) -> TimedFrame:
        self._times, self.frames_seen = (self._times[1], time_s), self.frames_seen + 1
        if self.frames_seen > _MAX_SOURCE_FRAMES:
            raise MediaError(f"more than {_MAX_SOURCE_FRAMES} frames; cut the clip first")
        return TimedFrame(image=image, time_s=time_s)

    def _show(self, frames: Iterable[av.VideoFrame], stream: Any, long_side: int | None) -> Iterator[TimedFrame]:
        clock, screen = Clock(self.fps, tick_of(stream)), Screen(float(stream.sample_aspect_ratio or 1), long_side, self._comment)
        shape: tuple[int, ...] = ()
        try:
            for frame in Deinterlaced(seeking.counted(frames, self._damage), self._told):
                for size in ((frame.width, frame.height), screen.size_of(frame)):  # as it is, and with its pixels made square
                    if size[0] * size[1] > MAX_PIXELS:
                        raise MediaError(f"frame too large: {size[0]}x{size[1]} px")
                image = screen.show(frame)
                self.size, shape = self.size if shape else screen.size_of(frame), shape or image.shape
                yield self._seen(self._same_size(image, shape), clock.time_of(frame.time))
                self._told.update(screen.notes)
        except (av.error.FFmpegError, IndexError) as error:  # IndexError: PyAV, when damage announces another stream
            raise MediaError(f"stream breaks after {clock.last_s:.2f} s ({type(error).__name__})") from error
        finally:
            self._told.update(screen.notes)
            self._told.update({"time stamps restart: parts joined": None} if clock.restarts else {})
        self._damage.check()

    def _same_size(self, image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if image.shape == shape:
            return image
        self._told["frame size changes: later frames fitted into the first one's"] = None
        return fit_image(image, (shape[1], shape[0]), "pad")


class _Damage:
    """Counts frames that decode with errors, and those up to the next key frame, which build on them."""

    def __init__(self) -> None:
        self.frames, self.broken, self.tainted, self._spoilt = 0, 0, 0, False

    def see(self, frame: av.VideoFrame) -> None:
        self._spoilt = frame.is_corrupt or (self._spoilt and not frame.key_frame)
        self.frames, self.broken, self.tainted = self.frames + 1, self.broken + frame.is_corrupt, self.tainted + self._spoilt

    def lose(self) -> None:
        self.frames, self.broken, self.tainted, self._spoilt = self.frames + 1, self.broken + 1, self.tainted + 1, True

    def notes(self) -> tuple[str, ...]:
        said = f"damaged: {self.broken} of {self.frames} frames decode with errors, {self.tainted} up to the next key frames"
        return (said,) if self.broken else ()

    def check(self) -> None:
        if self.broken > MOST_DAMAGED * self.frames:
            raise MediaError(f"damaged: {self.broken} of {self.frames} frames decode with errors; copy or export the clip anew")


def frames_of(source: Source) -> Film:
    """Every frame as a player shows it. Raises MediaError, on reading, where the source is no film or the stream breaks."""
    return Film(source)


def count_frames(source: Source, *, decode: bool = True) -> int:
    """How many frames a film has, one at least, without making pictures of them. Raises as `frames_of`.

    Without `decode` the packets that hold them are counted: enough for a film that was just written, of any other it proves less.
    """
    damage, count = _Damage(), 0
    with open_film(source) as container:
        stream, _ = film_stream(container)
        packets = container.demux(stream)
        try:
            whole = seeking.counted(seeking.decoded(packets, stream, damage), damage) if decode else (one for one in packets if one.size)
            count = sum(1 for _ in whole)
        except (av.error.FFmpegError, IndexError) as error:  # IndexError: PyAV, when damage announces another stream
            raise MediaError(f"stream breaks ({type(error).__name__})") from error
    if not count:
        raise MediaError("no frame could be decoded")
    damage.check()
    return count


def small_frames_of(source: Source, long_side: int = 160, *, start_s: float = 0.0) -> Film:
    """As `frames_of`, with pictures of at most `long_side` px, reduced while colours are converted: for looking a film through."""
    return Film(source, long_side=long_side, start_s=start_s)
