"""How much a clip moves, whatever its own rate: the picture as it stands every 1/MOTION_PER_S s against the one before.

What was shown at such a moment counts, so a clip of 8 frames a second is not still between its frames, noise counts once a sample and not
once a frame, and a held picture is zero. Perceptual hashes and mean colours are taken on the way. One byte a sample, for `motion_levels`.
"""

from __future__ import annotations

import numpy as np

from bootstrap.sources.facts import MOTION_PER_S, PRINTS_PER_S
from bootstrap.sources.prints import colours_of, print_of
from bootstrap.sources.reduced import ReducedFrame
from models.images import MediaError

MAX_S = 24 * 3600.0
_FINE, _STEPS = 8.0, 16.0
_LEVELS = (np.exp2(np.arange(256) / _STEPS) - 1) / _FINE


def motion_byte(levels: float) -> int:
    """Mean change in grey levels 0-255 -> 0-176, finer where it is small."""
    return round(_STEPS * np.log2(1 + _FINE * levels))


def motion_levels(motion: bytes) -> np.ndarray:
    """The mean change of the picture over each 1/MOTION_PER_S s in grey levels, float64 `[n]`."""
    return _LEVELS[np.frombuffer(motion, np.uint8)]


class Profile:
    """`motion`, `prints` and `colours` as `ClipFacts` hold them; complete once `end` was called."""

    def __init__(self) -> None:
        self.motion, self.prints, self.colours = bytearray(), bytearray(), bytearray()
        self._shown: ReducedFrame | None = None
        self._sampled: ReducedFrame | None = None
        self._samples = 0

    def see(self, look: ReducedFrame) -> None:
        """Take the next frame."""
        if look.time_s > MAX_S:
            raise MediaError(f"time stamps reach {look.time_s / 3600:.0f} h; re-encode the clip")
        if self._shown is None:
            self._sample_print(look)
        else:
            self._sample_until(look.time_s)
        self._shown = look

    def end(self, stop_s: float) -> None:
        """The last frame is shown until `stop_s`."""
        if self._shown is not None:
            self._sample_until(min(stop_s, MAX_S))

    def _sample_until(self, stop_s: float) -> None:
        while (self._samples + 1) / MOTION_PER_S < stop_s - 1e-6:
            self._samples += 1
            change = 0.0 if self._sampled is self._shown else float(np.abs(self._shown.grey - self._sampled.grey).mean())
            self.motion.append(motion_byte(change))
            self._sampled = self._shown
        while len(self.prints) // 8 / PRINTS_PER_S < stop_s - 1e-6:
            self._add_print(self._shown)

    def _sample_print(self, look: ReducedFrame) -> None:
        self._sampled = look
        self._add_print(look)

    def _add_print(self, look: ReducedFrame) -> None:
        self.prints += print_of(look.image)
        self.colours += colours_of(look.image)
