"""`recorded:DIR`: answers from a folder of videos, DIR/CASE_ID.mp4, made by any system anywhere.

Any ending of a clip will do, in any case; a moving picture (WebP, AVIF, PNG) answers where there is no video. `recorded:RUN/videos`
replays a run. The video is handed over as it is, only one of variable rate comes at the driver's; who asked brings it to the grid and
records how. A lag that is known is declared by lags.csv in the folder (`lags`) or for all cases by --set offset_s=1; else the referee
looks for one.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Iterable, Mapping

from models.artifacts import sha256_file
from models.baselines.weightless.lags import LAGS_FILE, checked_offset, read_lags
from models.capabilities import Capabilities
from models.endings import MAY_MOVE, VIDEO_SUFFIXES
from models.types import AnimationRequest, AnimationResult, require
from models.video import read_video

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedOptions:
    """`offset_s`: the moment of the driver that every answer's first frame shows, where lags.csv says nothing else; None: not known."""

    offset_s: float | None = None

    def __post_init__(self) -> None:
        if self.offset_s is not None:
            checked_offset(self.offset_s, "animator recorded")


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="weightless",
        licence="that of the system that made them",
        weights="none; recorded:DIR holds CASE_ID.mp4 for every case",
        note="a lag that is known is declared: lags.csv (case, offset_s) or --set offset_s=1",
    )


def options(name: str) -> type:
    return RecordedOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Plays the video named after the request. Raises ValueError (MediaError) where there is none, or several, or it is unreadable."""

    folder: Path
    offset_s: float | None = None
    lags: Mapping[str, float] = field(default_factory=dict)
    weights_hash: str = ""
    """Of lags.csv, where there is one: other lags make another run."""

    @property
    def name(self) -> str:
        """recorded:FOLDER, where the folder of a run's videos is called after the run."""
        folder = self.folder.resolve()
        return f"recorded:{folder.parent.name if folder.name == 'videos' else folder.name}"

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start_s = time.monotonic()
        plain = Path(request.id).name == request.id
        require(plain, self.name, "request id", request.id, "a plain file name")
        clip = read_video(self.video_of(request.id), at_fps=request.driving.fps)
        offset_s = self.lags.get(request.id.casefold(), self.offset_s)
        known = {} if offset_s is None else {"offset_s": offset_s}
        seconds = time.monotonic() - start_s
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=seconds, provenance=known)

    def video_of(self, case_id: str) -> Path:
        """The one video of that case. Raises ValueError naming what is there instead."""
        named = _by_stem(self.folder, self.folder.stat().st_mtime_ns).get(case_id.casefold(), ()) or self._named(case_id)
        found = [path for path in named if _is_video(path)] or [path for path in named if path.suffix.lower() in MAY_MOVE]
        wanted, several = "one video for every case", ", ".join(path.name for path in found[:_SHOWN])
        near = [] if found else _near(case_id, _files(self.folder))
        advice = f"add it to the folder, or rename what was meant; found {', '.join(near)}" if near else "add it to the folder"
        other = "no regular file" if not found and os.path.lexists(self.folder / f"{case_id}.mp4") else "no such file"
        require(bool(found), self.name, f"{case_id}.mp4", other, wanted, advice)
        require(len(found) == 1, self.name, case_id, f"{len(found)} videos ({several})", wanted, "keep one")
        return found[0]

    def strays(self, case_ids: Iterable[str]) -> list[str]:
        """Names of files, and lines of lags.csv, that belong to none of these cases; hidden files are nobody's."""
        wanted = {case_id.casefold() for case_id in case_ids}
        media = VIDEO_SUFFIXES | MAY_MOVE
        files = [path for path in _files(self.folder) if path.name != LAGS_FILE]
        strange = [path.name for path in files if not (path.suffix.lower() in media and path.stem.casefold() in wanted)]
        return strange + [f"{LAGS_FILE}: {case}" for case in self.lags if case not in wanted]

    def _named(self, case_id: str) -> list[Path]:
        """Looked for anew: an answer may have come in the same moment of the clock as the last one."""
        return [path for path in _files(self.folder) if path.stem.casefold() == case_id.casefold()]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())


@lru_cache(maxsize=8)
def _by_stem(folder: Path, changed_ns: int) -> Mapping[str, list[Path]]:
    """The files of a folder as it was when it last changed, by name without ending: it is listed once, and not for every request."""
    found: dict[str, list[Path]] = {}
    for path in _files(folder):
        found.setdefault(path.stem.casefold(), []).append(path)
    return found


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _near(case_id: str, files: list[Path]) -> list[str]:
    """Names that may have been meant: those with the words of the id in a row, and those that begin as it does and then end."""
    wanted = _words(case_id)

    def close(path: Path) -> bool:
        words, stem = _words(path.name), _words(path.stem)
        held = any(words[first : first + len(wanted)] == wanted for first in range(len(words)))
        return held or bool(stem) and wanted[: len(stem)] == stem

    return [path.name for path in files if close(path)][:_SHOWN]


def _words(text: str) -> list[str]:
    """Letters and numbers apart, numbers without zeros before them: case1 is case_01."""
    return [word.lstrip("0") or "0" if word.isdigit() else word for word in re.findall("[0-9]+|[a-z]+", text.casefold())]


def missing(name: str, options: RecordedOptions, argument: str | None = None, cases: Iterable[str] = ()) -> list[str]:
    """The folder, or the cases that it answers not or twice."""
    if not argument or not Path(argument).expanduser().is_dir():
        return [f"folder: {f'{argument} does not exist' if argument else 'none'}; write recorded:DIR with DIR/CASE_ID.mp4 for every case"]
    lines, answers = [], Recorded(folder=Path(argument).expanduser())
    for case in cases:
        try:
            answers.video_of(case)
        except ValueError as error:
            lines.append(str(error).removeprefix(f"{answers.name}: "))
    return lines


def strays(name: str, argument: str | None = None, cases: Iterable[str] = ()) -> list[str]:
    """What in the folder answers none of these cases."""
    folder = Path(argument or "").expanduser()
    return Recorded(folder=folder, lags=read_lags(folder)).strays(cases) if argument and folder.is_dir() else []


def create(argument: str | None = None, *, options: RecordedOptions = RecordedOptions()) -> Recorded:
    """The animator over the folder `argument`."""
    require(bool(argument), "animator recorded", "argument", repr(argument), "a folder of CASE_ID.mp4 files", "write recorded:DIR")
    folder = Path(str(argument)).expanduser()
    require(folder.is_dir(), "animator recorded", "argument", repr(argument), "an existing folder of CASE_ID.mp4 files")
    lags_hash = sha256_file(folder / LAGS_FILE) if (folder / LAGS_FILE).is_file() else ""
    return Recorded(folder=folder, offset_s=options.offset_s, lags=read_lags(folder), weights_hash=lags_hash)
