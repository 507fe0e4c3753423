"""A teacher that misbehaves on some pairs, each in its way; importable in worker processes.

In: `modes`, key of a pair -> how it misbehaves; out: a good answer for all other pairs, and for those of `HARMLESS` modes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Mapping

import cv2
import numpy as np

from models.types import AnimationRequest, AnimationResult, Clip
from tests.bootstrap.factory_fakes import ShiftTeacher

POISON = "CUDA error: an illegal memory access was encountered"
LEAK_B = 300 << 20
_kept: list[Any] = []
_state = {"poisoned": False}


class Mute(Exception):
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("str broke")


@dataclass(frozen=True, kw_only=True)
class HostileTeacher(ShiftTeacher):
    modes: Mapping[str, str]
    notes: str = ""
    """Folder for what the test wants to know: the child's pid."""

    def __post_init__(self) -> None:
        if "torch" in self.modes.values():  # while the worker is made: it takes longer than a pair may on a busy machine
            import torch  # noqa: F401

    def animate(self, request: AnimationRequest) -> AnimationResult:
        if _state["poisoned"]:
            raise RuntimeError(POISON)
        good = super().animate(request)
        mode = self.modes.get(request.id, "")
        if mode in RAISES:
            RAISES[mode]()
        if mode in ANSWERS:
            return ANSWERS[mode](good)
        if mode in HARMLESS:
            HARMLESS[mode](request, self.notes)
        return good


def _raise(error: Callable[[], BaseException]) -> Callable[[], None]:
    def act() -> None:
        raise error()

    return act


def _poison() -> None:
    _state["poisoned"] = True
    raise RuntimeError(POISON)


RAISES: dict[str, Callable[[], Any]] = {
    "newline": _raise(lambda: ValueError("two\nlines")),
    "surrogates": _raise(lambda: ValueError("odd \udc80 name")),
    "5 MB message": _raise(lambda: ValueError("long " * (1 << 20))),
    "mute": _raise(Mute),
    "SystemExit": _raise(lambda: SystemExit(3)),
    "KeyboardInterrupt": _raise(KeyboardInterrupt),
    "MemoryError": lambda: np.empty(1 << 50, np.uint8),
    "os._exit": lambda: os._exit(0),
    "SIGSEGV": lambda: ctypes.string_at(0),
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda: time.sleep(600),
    "poison": _poison,
}
"""Nothing comes of the pair."""


def _frames(change: Callable[[np.ndarray], Any]) -> Callable[[AnimationResult], Any]:
    """An answer no constructor would let pass."""
    return lambda good: SimpleNamespace(clip=SimpleNamespace(frames=change(good.clip.frames), fps=good.clip.fps, size=good.clip.size))


def _clip(change: Callable[[Clip], Clip]) -> Callable[[AnimationResult], AnimationResult]:
    return lambda good: replace(good, clip=change(good.clip))


ANSWERS: dict[str, Callable[[AnimationResult], Any]] = {
    "None": lambda good: None,
    "list": lambda good: [good.clip.frames],
    "float32": _frames(lambda frames: frames.astype(np.float32) / 255),
    "NaN": _clip(lambda clip: Clip(frames=np.full(clip.frames.shape, np.nan), fps=clip.fps)),
    "RGBA": _clip(lambda clip: Clip(frames=np.concatenate([clip.frames, clip.frames[..., :1]], axis=3), fps=clip.fps)),
    "wrong size": _clip(lambda clip: Clip(frames=clip.frames[:, ::2, ::2], fps=clip.fps)),
    "wrong fps": _clip(lambda clip: Clip(frames=clip.frames, fps=clip.fps * 2)),
    "wrong length": _clip(lambda clip: Clip(frames=clip.frames[:-1], fps=clip.fps)),
}
"""Something comes that is no answer."""


def _into_base(request: AnimationRequest, notes: str) -> None:
    for array in (request.driving.frames, request.reference):
        while isinstance(array.base, np.ndarray):
            array = array.base
        with contextlib.suppress(ValueError):
            array[...] = 0


def _setflags(request: AnimationRequest, notes: str) -> None:
    for array in (request.driving.frames, request.reference):
        with contextlib.suppress(ValueError):
            array.setflags(write=True)
            array[...] = 0


def _by_torch(request: AnimationRequest, notes: str) -> None:
    import torch

    for array in (request.driving.frames, request.reference):
        torch.from_numpy(array)[...] = 0


def _closed(request: AnimationRequest, notes: str) -> None:
    for number in (1, 2):
        os.close(number)


def _child(request: AnimationRequest, notes: str) -> None:
    child = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL, start_new_session=True)
    (Path(notes) / "child").write_text(str(child.pid))


def _settings(request: AnimationRequest, notes: str) -> None:
    os.chdir("/")
    cv2.setNumThreads(2)
    cv2.setRNGSeed(7)
    np.random.seed(7)
    random.seed(7)


def _leak(request: AnimationRequest, notes: str) -> None:
    _kept.append(np.ones(LEAK_B, np.uint8))


HARMLESS: dict[str, Callable[[AnimationRequest, str], None]] = {
    "into base": _into_base,
    "setflags": _setflags,
    "torch": _by_torch,
    "closed streams": _closed,
    "9 MB printed": lambda request, notes: print("noise\n" * (9 << 20 >> 3), end=""),
    "child": _child,
    "settings": _settings,
    "leak": _leak,
}
"""The answer is good all the same."""
