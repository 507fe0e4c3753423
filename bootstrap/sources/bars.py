"""Black bars around a picture, and the box they leave: seen while a clip streams by.

A bar is black in every frame, reaches from edge to edge and ends in a straight line: beyond it most of the line is brighter at some time.
So a dark studio without such a line has none. Bars of other colours and blurred copies of the picture beside it are not seen.
"""

from __future__ import annotations

import numpy as np

from bootstrap.sources.reduced import ReducedFrame

BLACK_LEVEL, LINE_SHARE, LEAST_SHARE = 24, 0.6, 0.02
"""Brightest level of a bar; share of the line beyond it that is brighter; share of the side a bar takes at least."""


class Bars:
    """`box(size)`: what the bars leave of a picture of `size` (W,H), as (x, y, w, h) px, or none without bars."""

    def __init__(self) -> None:
        self._brightest: np.ndarray | None = None

    def see(self, look: ReducedFrame) -> None:
        """Take the next frame."""
        level = look.image.max(-1)
        known = self._brightest
        self._brightest = level if known is None or known.shape != level.shape else np.maximum(known, level)

    def box(self, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
        if self._brightest is None:
            return None
        bright = self._brightest > BLACK_LEVEL
        top, bottom = _bars(bright)
        left, right = _bars(bright[top : bright.shape[0] - bottom].T)
        if not any((top, bottom, left, right)):
            return None
        height, width = bright.shape
        x, y = size[0] / width, size[1] / height
        return round(left * x), round(top * y), round((width - left - right) * x), round((height - top - bottom) * y)


def _bars(bright: np.ndarray) -> tuple[int, int]:
    """How many lines the first and the last bar of bool `[lines, places]` take."""
    if not bright.any():
        return 0, 0
    return _bar(bright), _bar(bright[::-1])


def _bar(bright: np.ndarray) -> int:
    rows = bright.mean(1)
    first = int(np.argmax(rows > 0.02))
    edge = rows[first : first + 2].max()
    return first + 1 if edge >= LINE_SHARE and first >= LEAST_SHARE * len(rows) else 0  # the first bright line may be a mixture
