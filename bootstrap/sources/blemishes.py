"""Stretches nobody should learn from: fades and dissolves, flashes, black and empty frames, seen while a clip streams by.

A stretch is a fade where its frames are mixtures of its two ends in the proportions of time: |f(t) - mix(t)| below MIXED of |end - begin|,
at the middle and both quarters; a change of exposure that strong counts as a fade. Something with edges that moves is far from that (above
0.4), for a mixture would have it twice; a smooth ground or a soft disc that moves is not. So what motion explains is no fade: where either
end, moved along the optical flow, shows the middle. In a fade the middle is half of the change away from both, in motion nowhere: MOVED
lies between. A flash is a frame or a few that are much brighter or darker than the frames before and after, which are alike.
In: `ReducedFrame`s; out: `Unfit` stretches.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np

from bootstrap.sources.facts import Unfit
from bootstrap.sources.reduced import ReducedFrame, flaw_of
from models.images import MediaError
from models.optical_flow import backward_warp, flow_between

SPANS, MAX_FADE_S, LEAST_CHANGE, MIXED, MOVED = (4, 8, 16, 32, 64), 2.0, 20.0, 0.2, 0.25  # frames; s; grey levels; shares
FLASH_FRAMES, MAX_FLASH_S, FLASH_LEVELS, ALIKE = 3, 0.3, 20.0, 0.4
MAX_STRETCHES = 5000


class Blemishes:
    """`stretches`: what was found so far, by begin."""

    def __init__(self) -> None:
        self._seen: deque[ReducedFrame] = deque(maxlen=max(SPANS) + 1)
        self._found: dict[str, list[list[float]]] = {"black": [], "empty": [], "fade": [], "flash": []}

    def see(self, look: ReducedFrame) -> None:
        """Take the next frame."""
        previous_s = self._seen[-1].time_s if self._seen else look.time_s
        self._seen.append(look)
        flaw = flaw_of(look)
        if flaw:
            self._mark(flaw, look.time_s, look.time_s, previous_s)
        self._look_for_fades()
        self._look_for_flashes()

    @property
    def stretches(self) -> tuple[Unfit, ...]:
        flat = [(round(start, 4), round(stop, 4), why) for why, spans in self._found.items() for start, stop in spans]
        return tuple(Unfit(start_s=start, stop_s=stop, why=why) for start, stop, why in sorted(flat))

    def _mark(self, why: str, start_s: float, stop_s: float, joins_s: float) -> None:
        """Add a stretch, or make the last one longer where that reaches `joins_s`."""
        spans = self._found[why]
        if spans and spans[-1][1] >= joins_s:
            spans[-1] = [min(spans[-1][0], start_s), max(spans[-1][1], stop_s)]
        else:
            spans.append([start_s, stop_s])
        if len(spans) > MAX_STRETCHES:
            raise MediaError(f"more than {MAX_STRETCHES} stretches of {why}; cut the clip first")

    def _look_for_fades(self) -> None:
        for span in SPANS:
            if len(self._seen) <= span:
                return
            begin, end = self._seen[-1 - span], self._seen[-1]
            if end.time_s - begin.time_s > MAX_FADE_S:
                return
            between = [self._seen[-1 - span + k * span // 4] for k in (1, 2, 3)]
            if _is_mixed(begin, end, between) and not _is_moved(begin, end, between[1]):
                self._mark("fade", begin.time_s, end.time_s, begin.time_s)

    def _look_for_flashes(self) -> None:
        after = self._seen[-1]
        for length in range(1, FLASH_FRAMES + 1):
            if len(self._seen) < length + 2:
                return
            before, inside = self._seen[-2 - length], list(self._seen)[-1 - length : -1]
            if inside[-1].time_s - inside[0].time_s <= MAX_FLASH_S and _is_flash(before, inside, after):
                self._mark("flash", inside[0].time_s, inside[-1].time_s, inside[0].time_s)
                return


def _difference(first: ReducedFrame, second: ReducedFrame) -> float:
    return float(np.abs(first.grey - second.grey).mean())


def _is_mixed(begin: ReducedFrame, end: ReducedFrame, between: list[ReducedFrame]) -> bool:
    change = _difference(begin, end)
    if change < LEAST_CHANGE:
        return False
    for look in between:
        share = (look.time_s - begin.time_s) / (end.time_s - begin.time_s)
        if np.abs(look.grey - (1 - share) * begin.grey - share * end.grey).mean() > MIXED * change:
            return False
    return True


def _is_moved(begin: ReducedFrame, end: ReducedFrame, middle: ReducedFrame) -> bool:
    """Whether what is between shows the ends, moved; what is covered or not yet in the picture in one of them stands in the other."""
    seen = _grey_picture(middle)
    moved = (backward_warp(look.grey, flow_between(seen, _grey_picture(look))) for look in (begin, end))
    left = np.minimum(*(np.abs(middle.grey - each) for each in moved)).mean()
    return bool(left < MOVED * _difference(begin, end))


def _grey_picture(look: ReducedFrame) -> np.ndarray:
    return cv2.cvtColor(look.grey.astype(np.uint8), cv2.COLOR_GRAY2RGB)


def _is_flash(before: ReducedFrame, inside: list[ReducedFrame], after: ReducedFrame) -> bool:
    around = (float(before.grey.mean()) + float(after.grey.mean())) / 2
    brightness = [float(look.grey.mean()) - around for look in inside]
    least = min(np.abs(brightness))
    same_sign = min(brightness) > 0 or max(brightness) < 0
    return bool(same_sign and least >= FLASH_LEVELS and _difference(before, after) <= ALIKE * least)
