"""What ends a call from outside, so that code which survives whatever a model raises can tell it from that.

A model may call exit, or raise KeyboardInterrupt itself: that is the failure of its item. A user who presses Ctrl-C, and a limit of time,
are not.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from types import FrameType
from typing import Iterator


class Interrupt(BaseException):
    """Raised into a call by whoever watches it. Whoever catches everything lets this through."""


_pressed = threading.Event()


@contextmanager
def ctrl_c_noticed() -> Iterator[None]:
    """Inside, `from_outside` knows a real Ctrl-C. Only the main thread of a process can hear of one; elsewhere this does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _pressed.clear()
    before = signal.signal(signal.SIGINT, _press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _press(number: int, frame: FrameType | None) -> None:
    _pressed.set()
    raise KeyboardInterrupt


def from_outside(error: BaseException) -> bool:
    """Whether it was raised into the call: an `Interrupt`, or the KeyboardInterrupt of a real Ctrl-C."""
    return isinstance(error, Interrupt) or (isinstance(error, KeyboardInterrupt) and _pressed.is_set())
