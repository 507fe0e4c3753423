"""Where one shot ends and the next begins, seen frame by frame while a clip streams by.

PySceneDetect's AdaptiveDetector decides: the change of hue, saturation and brightness against that of the two frames before and after, so
that a fast pan is no cut. The first and last frame are shown to it twice more, else a cut next to either end would go unseen.
"""

from __future__ import annotations

from collections import deque

import cv2
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from bootstrap.sources.reduced import ReducedFrame
from models.images import MediaError

AROUND, MAX_CUTS = 2, 5000
"""Frames compared before and after; more cuts than MAX_CUTS are no footage."""


class Shots:
    """`cuts_s`: the time of the first frame of every shot after the first; complete once `end` was called."""

    def __init__(self) -> None:
        self.cuts_s: list[float] = []
        self._detector = AdaptiveDetector(window_width=AROUND, min_scene_len=1)
        self._count, self._times, self._last = 0, deque(maxlen=3 * AROUND + 2), None

    def see(self, look: ReducedFrame) -> None:
        """Take the next frame."""
        for _ in range(1 if self._last is not None else 1 + AROUND):
            self._show(look)
        self._last = look

    def end(self) -> None:
        """There are no more frames."""
        for _ in range(AROUND if self._last is not None else 0):
            self._show(self._last)

    def _show(self, look: ReducedFrame) -> None:
        self._times.append((self._count, look.time_s))
        found = self._detector.process_frame(FrameTimecode(self._count, 25.0), cv2.cvtColor(look.image, cv2.COLOR_RGB2BGR))
        self._count += 1
        times = dict(self._times)
        self.cuts_s += [round(times[cut.frame_num], 4) for cut in found]
        if len(self.cuts_s) > MAX_CUTS:
            raise MediaError(f"more than {MAX_CUTS} cuts; cut the clip first")
