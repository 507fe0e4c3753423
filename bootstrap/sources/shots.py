"""Where one shot ends and the next begins, seen frame by frame while a clip streams by.

    change s(t) = mean of |dH|, |dS|, |dV| from frame t-1 to frame t, on 8-bit HSV; a cut where s(t) >= LEAST and s(t) >= RATIO * around(t)
`around` is the mean of the changes nearest to t, AROUND before and AROUND after it, so that a fast pan is no cut. Next to either end those
further inside stand in for what is missing: nothing is made up there, which would be a still picture and make a cut of any motion.
Source: the AdaptiveDetector of PySceneDetect (github.com/Breakthrough/PySceneDetect), whose numbers these are. In: `ReducedFrame`s.
"""

from __future__ import annotations

from array import array

import cv2
import numpy as np

from bootstrap.sources.reduced import ReducedFrame
from models.images import MediaError

AROUND, RATIO, LEAST, MAX_CUTS = 2, 3.0, 15.0, 5000
"""Changes compared before and after; times their mean; 8-bit levels; more cuts than MAX_CUTS are no footage."""


class Shots:
    """`cuts_s`: the time of the first frame of every shot after the first; complete once `end` was called."""

    def __init__(self) -> None:
        self.cuts_s: list[float] = []
        self._changes, self._times, self._last = array("d"), array("d"), None

    def see(self, look: ReducedFrame) -> None:
        """Take the next frame."""
        shown = cv2.cvtColor(look.image, cv2.COLOR_RGB2HSV)
        if self._last is not None:
            self._changes.append(float(np.mean(cv2.mean(cv2.absdiff(shown, self._last))[:3])))
            self._times.append(look.time_s)
        self._last = shown

    def end(self) -> None:
        """There are no more frames. Raises MediaError where there are more than MAX_CUTS cuts."""
        changes = np.asarray(self._changes)
        cuts = np.flatnonzero((changes >= LEAST) & (changes >= RATIO * _around(changes)))
        if len(cuts) > MAX_CUTS:
            raise MediaError(f"more than {MAX_CUTS} cuts; cut the clip first")
        self.cuts_s = [round(self._times[cut], 4) for cut in cuts]


def _around(changes: np.ndarray) -> np.ndarray:
    """The mean of the 2 * AROUND changes nearest to each, itself left out; 0 where there is no other."""
    count = min(2 * AROUND + 1, len(changes))
    first = np.clip(np.arange(len(changes)) - AROUND, 0, len(changes) - count)
    sums = np.concatenate([[0.0], np.cumsum(changes)])
    return (sums[first + count] - sums[first] - changes) / max(1, count - 1)
