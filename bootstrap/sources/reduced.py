"""A decoded frame reduced to what every observer of `inspection` looks at, made once a frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SIDE_PX = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReducedFrame:
    """`image`: uint8 `[h,w,3]` RGB, small, in its own proportions; `grey`: float32 `[64,64]`, 0-255; `time_s` from the first frame on."""

    image: np.ndarray
    grey: np.ndarray
    time_s: float


def reduced(image: np.ndarray, time_s: float) -> ReducedFrame:
    """Look at uint8 `[h,w,3]` RGB."""
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return ReducedFrame(image=image, grey=small.astype(np.float32), time_s=time_s)


def flaw_of(look: ReducedFrame) -> str:
    """Whether there is anything to see: "", "black" (nearly black all over) or "empty" (one colour all over)."""
    if look.grey.mean() <= BLACK_LEVEL and look.grey.std() <= BLACK_SPREAD:
        return "black"
    return "empty" if look.image.reshape(-1, 3).std(0).max() <= EMPTY_SPREAD else ""


BLACK_LEVEL, BLACK_SPREAD, EMPTY_SPREAD = 20.0, 8.0, 3.0  # grey levels, 0-255
