"""What an exception says and where in whose code it was raised, without the places of this machine.

A file is named by its way from where Python found it (`sway.py`, `numpy/linalg/linalg.py`), else by its name alone; the home folder in what
was said is `~`. Frames of the four packages and of Python's import are ours; all others are theirs.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Iterable

PACKAGES = ("models", "awbench", "bootstrap", "pipelines")
"""What lies in them is ours."""
_ROOT = Path(__file__).resolve().parents[1]


def raised(error: BaseException) -> str:
    """Class and words in one line: "KeyError: 'width'"."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}".removesuffix(": ")


def where(error: BaseException) -> str:
    """Their frames in one line, the outermost and the last two: "sway.py:12 in create: sizes[name]"; "" where all are ours."""
    theirs = [frame for frame in traceback.extract_tb(error.__traceback__) if not _ours(frame)]
    shown = theirs if len(theirs) <= 3 else [theirs[0], *theirs[-2:]]
    return ", then ".join(f"{_way(frame.filename)}:{frame.lineno} in {frame.name}: {frame.line}" for frame in shown)


def raised_at(error: BaseException) -> str:
    """Both: "KeyError: 'width' at sway.py:12 in create: sizes[name]"."""
    place = where(error)
    return f"{raised(error)} at {place}" if place else raised(error)


def is_told(error: BaseException) -> bool:
    """Whether it says itself what is wrong: of `require`, or a ValueError or class of ours that no code but ours had a part in."""
    frames = traceback.extract_tb(error.__traceback__)
    words = isinstance(error, ValueError) or type(error).__module__.partition(".")[0] in PACKAGES
    return words and (all(map(_ours, frames)) or (frames[-1].name == "require" and _ours(frames[-1])))


def traceback_of(error: BaseException) -> str:
    """The traceback as Python prints it, causes too, from the first frame that is theirs; all of it where none is."""
    told = traceback.TracebackException.from_exception(error)
    _cut(told)
    return _homeless("".join(told.format()))


def _cut(told: traceback.TracebackException | None) -> None:
    if told is None:
        return
    first = next((at for at, frame in enumerate(told.stack) if not _ours(frame)), 0)
    frames = [traceback.FrameSummary(_way(one.filename), one.lineno, one.name, line=one.line) for one in told.stack[first:]]
    told.stack = traceback.StackSummary.from_list(frames)
    _cut(told.__cause__)
    _cut(told.__context__)


def _ours(frame: traceback.FrameSummary) -> bool:
    if frame.filename.startswith("<frozen") or frame.filename == sys.modules["importlib"].__file__:
        return True
    path = Path(frame.filename)
    return path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in PACKAGES


def _way(file: str) -> str:
    """From the longest folder of Python's path that holds it."""
    if not os.path.isabs(file):
        return file  # "<string>", or told so already
    path = Path(file)
    below = [path.relative_to(root).as_posix() for root in _found_in() if path.is_relative_to(root)]
    return min(below, key=len, default=path.name)


def _found_in() -> Iterable[Path]:
    return [_ROOT, *(Path(os.path.abspath(entry or ".")) for entry in sys.path)]


def _homeless(text: str) -> str:
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text
