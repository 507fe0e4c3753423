"""One look at a file, frame by frame in small, for everything the factory wants to know of it: independent of any grid, so it is done once.

In: a location; out: `ClipFacts`, `ImageFacts`, `PeopleFacts` or `Still`, or `Unread` with the reason. A clip is decoded to its end: what
breaks late is known before the first pair is made. Observers (`shots`, `blemishes`, `bars`, `profile`) see every frame once and keep none.
People are counted where they are asked for (`people.asked_of`). Not looked for: text overlays (no weight-free way tells them from signs).
"""

from __future__ import annotations

import errno
import hashlib
from array import array
from dataclasses import replace

import cv2
import numpy as np

from awbench.media.kinds import is_still
from bootstrap.reasons import reason_of
from bootstrap.sources.bars import Bars
from bootstrap.sources.blemishes import Blemishes
from bootstrap.sources.facts import ClipFacts, Facts, ImageFacts, Still, Unfit, Unread
from bootstrap.sources.identity import read_identity
from bootstrap.sources.people import asked_estimator, people_in
from bootstrap.sources.prints import colours_of, print_of
from bootstrap.sources.profile import Profile
from bootstrap.sources.reduced import flaw_of, reduced
from bootstrap.sources.shots import Shots
from models.images import MediaError
from models.retries import is_transient
from models.storage import facts_of, is_url, open_read, read_bytes
from models.types import Clip
from models.video import small_frames_of

LONG_SIDE_PX = 160
_LACKS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EACCES, errno.EPERM})
_CV2_NO_MEMORY = -4
_HELD_B = 256 << 20
"""Remote files up to this size are fetched once and looked at in memory."""


def inspect(location: str, kind: str) -> Facts:
    """Look at a file as a "clip", an "image" or for people, whatever it is: what goes wrong is told, never raised."""
    try:
        estimator = asked_estimator(kind)
        if estimator is not None:
            return people_in(location, _held(location), estimator)
        return inspect_clip(location) if kind == "clip" else inspect_image(location)
    except Exception as error:  # whatever a damaged file provokes is this file's row, never the end of the run
        return Unread(reason=reason_of(error), transient=not _is_the_files(error))


def _is_the_files(error: BaseException) -> bool:
    """Whether it will be the same the next time: a MediaError that comes from neither storage, rights, handles nor memory."""
    if not isinstance(error, MediaError) or is_transient(error):
        return False
    while error.__cause__ is not None:
        error = error.__cause__
        lacking = isinstance(error, cv2.error) and error.code == _CV2_NO_MEMORY
        if lacking or isinstance(error, (MemoryError, PermissionError)) or getattr(error, "errno", None) in _LACKS:
            return False
    return True


def inspect_clip(location: str) -> ClipFacts | Still:
    """Decode a clip to its end. Raises MediaError or OSError."""
    source = _held(location)
    if is_still(location, source if isinstance(source, bytes) else None):
        return Still()
    film, watch = small_frames_of(source, LONG_SIDE_PX), _Watch()
    for frame in film:
        watch.see(frame.image, frame.time_s)
    return watch.facts(_sha256(source), film.size, film.fps, film.end_s, tuple(film.notes))


def inspect_image(location: str) -> ImageFacts:
    """Read a picture; of a clip, the first frame. Raises MediaError or OSError."""
    source = _held(location)
    image, notes = read_identity(location, source if isinstance(source, bytes) else None)
    return facts_of_image(image, _sha256(source), tuple(notes))


def facts_of_clip(clip: Clip, sha256: str = "") -> ClipFacts:
    """What `inspect_clip` would tell of a decoded clip."""
    watch, (width, height) = _Watch(), clip.size
    scale = LONG_SIDE_PX / max(clip.size)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    for number, frame in enumerate(clip.frames):
        watch.see(cv2.resize(frame, small, interpolation=cv2.INTER_AREA) if scale < 1 else frame, number / clip.fps)
    return watch.facts(sha256, clip.size, clip.fps, clip.duration_s, clip.notes)


def facts_of_image(image: np.ndarray, sha256: str = "", notes: tuple[str, ...] = ()) -> ImageFacts:
    """What can be told of uint8 `[H,W,3]` RGB."""
    size, flaw = (image.shape[1], image.shape[0]), flaw_of(reduced(image, 0.0))
    return ImageFacts(sha256=sha256, size=size, prints=print_of(image), colours=colours_of(image), flaw=flaw, notes=notes)


class _Watch:
    """The observers of one clip, and the times of its frames."""

    def __init__(self) -> None:
        self._times = array("d")
        self._shots, self._blemishes, self._bars, self._profile = Shots(), Blemishes(), Bars(), Profile()

    def see(self, image: np.ndarray, time_s: float) -> None:
        look = reduced(image, time_s)
        self._times.append(time_s)
        for observer in (self._shots, self._blemishes, self._bars, self._profile):
            observer.see(look)

    def facts(self, sha256: str, size: tuple[int, int], nominal_fps: float, end_s: float, notes: tuple[str, ...]) -> ClipFacts:
        """What was seen, once there are no more frames. Raises MediaError where there was none."""
        if not self._times:
            raise MediaError("no frame could be decoded")
        self._shots.end()
        self._profile.end(end_s)
        between = _Between(self._times, end_s)
        return ClipFacts(
            sha256=sha256,
            size=size,
            frames=len(self._times),
            fps=_median_rate(self._times, nominal_fps),
            end_s=round(end_s, 4),
            cuts_s=tuple(between.before(cut_s) for cut_s in self._shots.cuts_s),
            unfit=tuple(between.around(stretch) for stretch in self._blemishes.stretches),
            bars=self._bars.box(size),
            motion=bytes(self._profile.motion),
            prints=bytes(self._profile.prints),
            colours=bytes(self._profile.colours),
            notes=notes,
        )


class _Between:
    """Times of frames -> moments midway between two frames, where the nearest frame changes."""

    def __init__(self, times: array, end_s: float) -> None:
        self._times, self._end_s = np.asarray(times), end_s

    def before(self, time_s: float) -> float:
        """Midway between the frame at `time_s` and the one before it; 0 for the first."""
        at = int(np.searchsorted(self._times, time_s - 1e-3))
        return 0.0 if at == 0 else round(float(self._times[at - 1] + self._times[at]) / 2, 4)

    def after(self, time_s: float) -> float:
        """Midway between the frame at `time_s` and the one after it; the end for the last."""
        at = int(np.searchsorted(self._times, time_s + 1e-3, side="right"))
        return round(self._end_s if at == len(self._times) else float(self._times[at - 1] + self._times[at]) / 2, 4)

    def around(self, stretch: Unfit) -> Unfit:
        return replace(stretch, start_s=self.before(stretch.start_s), stop_s=self.after(stretch.stop_s))


def _median_rate(times: array, nominal_fps: float) -> float:
    gap_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    return round(1 / gap_s if gap_s > 1e-4 else nominal_fps, 3)


def _held(location: str) -> str | bytes:
    """The location, or the bytes where they are far away and few: they are needed for the hash and for the frames."""
    return read_bytes(location) if is_url(location) and facts_of(location).size_b <= _HELD_B else location


def _sha256(source: str | bytes) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with open_read(source) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
