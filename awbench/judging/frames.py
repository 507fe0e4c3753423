"""Which frames a judge is shown, each with its time: at a stated rate, first and last among them, small ones enlarged."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Sequence

import numpy as np

from models.mllm.question import Frame
from models.types import Clip

SMALLEST_SIDE_PX = 224
"""Models see little in pictures smaller than this: they are enlarged by a whole factor, pixel by pixel, and the judge is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """At most `fps` frames a second and `most` in all."""

    fps: float
    most: int = 1 << 30

    def of(self, own: Sequence[int], clip_fps: float) -> tuple[int, ...]:
        """Of the frame numbers `own` (rising) those nearest to every 1/fps s, first and last among them; evenly spread above `most`."""
        numbers = np.asarray(own)
        wanted = np.arange(numbers[0], numbers[-1] + 1e-9, max(1.0, clip_fps / self.fps))
        places = np.unique(np.append(numbers[np.abs(numbers[None] - wanted[:, None]).argmin(1)], numbers[-1]))
        if len(places) > self.most:
            places = numbers[np.unique(np.round(np.linspace(0, len(numbers) - 1, self.most)).astype(int))]
        return tuple(int(place) for place in places)


def enlargement(image: np.ndarray) -> int:
    """The whole factor by which a picture of `[H,W,3]` is enlarged."""
    return max(1, ceil(SMALLEST_SIDE_PX / min(image.shape[:2])))


def picture(image: np.ndarray, of: str) -> Frame:
    """A still."""
    return Frame(image=_enlarged(image), of=of)


def frames(clip: Clip, places: Sequence[int], of: str, ahead: int = 0) -> list[Frame]:
    """The frames at `places`, numbered as they are shown, with their times on the driver's clock: `ahead` frames later than their own."""
    return [Frame(image=_enlarged(clip.frames[i]), time_s=(i + ahead) / clip.fps, number=n, of=of) for n, i in enumerate(places, 1)]


def alternating(one: Sequence[Frame], other: Sequence[Frame]) -> list[Frame]:
    """Frames of two clips in turn: what belongs to one time stands together."""
    return [frame for pair in zip(one, other) for frame in pair]


def _enlarged(image: np.ndarray) -> np.ndarray:
    factor = enlargement(image)
    return image if factor == 1 else image.repeat(factor, 0).repeat(factor, 1)
