"""Film -> `Clip`: the whole of it, a window of it on a grid, a decoded clip on a grid. All three by the one rule of `times`.

A window is framed while it streams, so memory holds only what is kept, and begins to decode at the key frame before it. A whole clip is
held decoded; `most_clip_b` is what one may weigh.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Callable

import numpy as np

from models import storage
from models.framing import box_within, fit_box, fit_image
from models.images import MediaError
from models.subject import subject_box
from models.types import Clip, Grid, Origin, require
from models.video.container import Source
from models.video.decode import Film, frames_of, small_frames_of
from models.video.stack import FrameStack
from models.video.times import TIE_S, is_steady, lies_within, nearest, nearest_frames, nice_rate

MAX_CLIP_GIB, MAX_CLIP = 8.0, "ACTORFORGE_MAX_CLIP_GIB"
"""What a whole clip may weigh decoded, and the variable of the environment that says otherwise: 30 s of 1080p at 30 fps are 5.2 GiB."""
_EXACT, _ROUGH = 1e-3, 0.25
_FEW = 40
"""Reduced frames of a window that are looked at for its subject, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How a source was brought to a grid: start, the box (x, y, w, h) px of the source that is shown, source raster and (median) rate.

    `notes`: what was done to the pixels on reading.
    """

    start_s: float
    crop: tuple[int, int, int, int]
    source_size: tuple[int, int]
    source_fps: float
    notes: tuple[str, ...] = ()


def read_video(source: Source, at_fps: float | None = None) -> Clip:
    """The whole clip. A steady one comes as it is; one of variable rate is resampled, once, to `at_fps`, else to its mean rate.

    Without `at_fps`, stamps that waver by less than a quarter of a frame (gif counts in 10 ms) still make a steady clip.

    Raises MediaError, also when the decoded clip would weigh more than `most_clip_b`: before it is decoded where the header says so. While
    it is resampled, a clip is there twice.
    """
    film, stack, times, most_b = frames_of(source), FrameStack(), [], most_clip_b()
    for item in film:
        told = film.frames_told > len(times)  # a header may say less than there is, or nothing
        _refuse_heavy(film.frames_told if told else len(times) + 1, item.image, most_b, "" if told else " or more")
        stack.add(item.image)
        times.append(item.time_s)
    if not times:
        raise MediaError("no frame could be decoded")
    frames = stack.frames
    origin = _origin(source, start_s=0.0, crop=(0, 0, *film.size), source_size=film.size)
    fps = nice_rate((len(times) - 1) / times[-1]) if len(times) > 1 else film.fps
    if is_steady(times, _EXACT if at_fps else _ROUGH):
        return Clip(frames=frames, fps=fps, origin=origin, notes=film.notes)
    fps = at_fps or fps
    count = max(1, int(np.ceil((film.end_s - TIE_S) * fps)))
    _refuse_heavy(count, frames[0], most_b, f", at {fps:g} fps,")
    wanted = np.arange(count) / fps
    notes = (*film.notes, f"variable rate resampled to {fps:g} fps")
    return Clip(frames=frames[nearest(times, wanted)], fps=fps, origin=origin, notes=notes)


def most_clip_b() -> int:
    """What a whole clip may weigh decoded, bytes. Raises ValueError where the environment says what is no number of GiB."""
    told = os.environ.get(MAX_CLIP, "")
    try:
        most_gib = float(told) if told else MAX_CLIP_GIB
    except ValueError:
        most_gib = 0.0
    require(0 < most_gib < 1 << 20, "environment", MAX_CLIP, repr(told), "GiB > 0, such as 2.5")
    return int(most_gib * (1 << 30))


def _refuse_heavy(count: int, image: np.ndarray, most_b: int, more: str) -> None:
    """Raises MediaError where `count` frames like that one are too much to hold."""
    if count * image.nbytes > most_b:
        (height, width, _), size_gib, most_gib = image.shape, count * image.nbytes / (1 << 30), most_b / (1 << 30)
        frames = f"{count} frames{more} of {width}x{height} px"
        raise MediaError(f"{frames} are {size_gib:.3g} GiB decoded, at most {most_gib:.3g}; cut the film, or raise {MAX_CLIP}")


def read_first_frame(source: Source) -> np.ndarray:
    """The first frame as `read_video` gives it, uint8 `[H,W,3]`, without decoding the others. Raises MediaError."""
    film = frames_of(source)
    with closing(film):
        for item in film:
            return item.image
    raise MediaError("no frame could be decoded")


def _origin(source: Source, **where: Any) -> Origin | None:
    named = isinstance(source, str) or hasattr(source, "__fspath__")
    return Origin(file=storage.name_of(str(source)), **where) if named else None


def read_window(source: Source, grid: Grid, start_s: float = 0.0, fit: str = "crop") -> tuple[Clip, Window]:
    """`grid.num_frames` frames from `start_s` on, brought to the grid by `fit` (`models.framing.FITS`).

    Raises MediaError when the source ends before the window does.
    """
    wanted_s = start_s + np.arange(grid.num_frames) / grid.fps
    box = _subject_of_window(source, grid, wanted_s) if fit == "subject" else None
    film = Film(source, start_s=start_s)
    frames, gap_s = _frames_at(film, wanted_s, lambda image: fit_image(image, grid.size, fit, box=box))
    if not film.frames_seen:
        raise MediaError("no frame could be decoded")
    if len(frames) < grid.num_frames:
        said = f"{grid.num_frames} frames at {grid.fps:g} fps"
        raise MediaError(f"too short: ends at {film.end_s:.2f} s, the window needs {wanted_s[-1]:.2f} s ({said})")
    crop, fps = box or fit_box(film.size, grid.size, fit), round(1 / gap_s, 3)
    window = Window(start_s=start_s, crop=crop, source_size=film.size, source_fps=fps, notes=film.notes)
    origin = _origin(source, start_s=start_s, crop=crop, source_size=film.size)
    return Clip(frames=frames.frames, fps=grid.fps, origin=origin, notes=film.notes), window


def _frames_at(film: Film, wanted_s: np.ndarray, framed: Callable[[np.ndarray], np.ndarray]) -> tuple[FrameStack, float]:
    """The frame nearest to each wanted moment, while the film runs, fewer where it ends before; and how long most of them are shown, s."""
    kept, previous, gaps_s = FrameStack(len(wanted_s)), None, list[float]()

    def keep(due: int) -> None:
        image = framed(previous.image) if due > 0 else None
        for _ in range(due):
            kept.add(image)

    with closing(film):
        for item in film:
            if previous is not None:
                keep(int(np.searchsorted(wanted_s, (previous.time_s + item.time_s) / 2 + TIE_S, side="right")) - len(kept))
                gaps_s += [item.time_s - previous.time_s] if len(kept) else []
            previous = item
            if len(kept) == len(wanted_s):
                return kept, _middle(gaps_s)
    if previous is not None and lies_within(wanted_s[-1], film.end_s):
        keep(len(wanted_s) - len(kept))
    return kept, _middle(gaps_s or [film.gap_s])


def _middle(values: list[float]) -> float:
    """The median, the lower of two: one frame that hangs does not move it."""
    return sorted(values)[(len(values) - 1) // 2]


def _subject_of_window(source: Source, grid: Grid, wanted_s: np.ndarray) -> tuple[int, int, int, int]:
    """The box of the window's subject, from reduced frames of the window; in px of the source."""
    images: list[np.ndarray] = []
    film = small_frames_of(source, start_s=float(wanted_s[0]))
    with closing(film):
        for item in film:
            if item.time_s > wanted_s[-1]:
                break
            images += [item.image] if item.time_s >= wanted_s[0] - TIE_S else []
    if not images:
        raise MediaError("too short: the window begins behind the last frame")
    return subject_box(np.stack(images[:: max(1, len(images) // _FEW)]), film.size, grid.size)


def fit_clip(clip: Clip, grid: Grid, fit: str = "crop") -> Clip:
    """Bring a decoded clip to a grid: nearest frames in time, each by `fit`; a short clip holds its last frame.

    Its origin, where it has one, says in pixels of the source what is shown.
    """
    times = np.minimum(nearest_frames(grid.num_frames, grid.fps, clip.fps), len(clip) - 1)
    few = np.unique(times)[:: max(1, len(np.unique(times)) // _FEW)]
    box = subject_box(clip.frames[few], clip.size, grid.size) if fit == "subject" else fit_box(clip.size, grid.size, fit)
    origin = clip.origin and replace(clip.origin, crop=box_within(clip.origin.crop, clip.size, box))
    shown = box if fit == "subject" else None
    frames = np.stack([fit_image(clip.frames[t], grid.size, fit, box=shown) for t in times])
    return Clip(frames=frames, fps=grid.fps, origin=origin, notes=clip.notes)
