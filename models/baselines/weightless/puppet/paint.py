"""Triangles of the figure over a background, bone by bone from the far one to the near one.

Of a bone every pixel of the answer is told which triangle covers it, then where in the texture it comes from, and sampled once. A bone's
edge is the mask's own, so what lies behind shows beside it. Source and answer are complex px. Legend: F triangles.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Sequence

import cv2
import numpy as np

from models.baselines.weightless.puppet.mesh import stretches

_FRACTION_BITS = 4
_OUTSIDE = -1e4
MAX_STRETCH = 5.0
"""A triangle stretched more is left out: a gap is better than a smear over the picture."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Puppet:
    """`texture`: uint8 `[h,w,4]`, colours times mask, and the mask; `corners`: complex `[F,3]` in it; `layer`: int `[F]`."""

    texture: np.ndarray
    corners: np.ndarray
    layer: np.ndarray

    def over(self, background: np.ndarray, moved: np.ndarray, order: Sequence[int]) -> np.ndarray:
        """uint8 `[H,W,3]`: the layers of `order`, far ones first, with corners at complex `[F,3]` px of the background."""
        picture = background.copy()
        good = stretches(self.corners, moved)[0] < MAX_STRETCH
        area = (np.conj(moved[:, 1] - moved[:, 0]) * (moved[:, 2] - moved[:, 0])).imag
        good &= np.abs(area) > 1e-3
        for layer in order:
            rows = np.flatnonzero(good & (self.layer == layer))
            if len(rows):
                self._lay(picture, moved[rows], self.corners[rows])
        return picture

    def _lay(self, picture: np.ndarray, moved: np.ndarray, source: np.ndarray) -> None:
        (left, right), (top, bottom) = (_span(part, limit) for part, limit in zip((moved.real, moved.imag), picture.shape[1::-1]))
        if left >= right or top >= bottom:
            return
        owner = _owners(moved - complex(left, top), (bottom - top, right - left))
        y, x = np.nonzero(owner)
        where = _sources(moved, source, owner[y, x] - 1, x + left + 1j * (y + top))
        map_x, map_y = np.full(owner.shape, _OUTSIDE, np.float32), np.full(owner.shape, _OUTSIDE, np.float32)
        map_x[y, x], map_y[y, x] = where.real, where.imag
        own = cv2.remap(self.texture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).astype(np.uint16)
        under = picture[top:bottom, left:right]
        under[:] = np.minimum(own[..., :3] + (under * (255 - own[..., 3:]) + 127) // 255, 255)


def _span(values: np.ndarray, limit: int) -> tuple[int, int]:
    return max(0, floor(values.min()) - 1), min(limit, ceil(values.max()) + 2)


def _owners(moved: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """For every pixel 1 + the last triangle that covers it, int32; 0 for none."""
    owner = np.zeros(shape, np.int32)
    corners = np.rint(np.stack([moved.real, moved.imag], -1).clip(-1e5, 1e5) * (1 << _FRACTION_BITS)).astype(np.int32)
    for row, triangle in enumerate(corners, 1):
        cv2.fillConvexPoly(owner, triangle, row, cv2.LINE_8, _FRACTION_BITS)
    return owner


def _sources(moved: np.ndarray, source: np.ndarray, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Where pixels complex `[P]`, each in triangle int `[P]`, come from."""
    e, f = moved[:, 1] - moved[:, 0], moved[:, 2] - moved[:, 0]
    u, v = source[:, 1] - source[:, 0], source[:, 2] - source[:, 0]
    area = e * np.conj(f) - f * np.conj(e)
    p, q = (u * np.conj(f) - v * np.conj(e)) / area, (v * e - u * f) / area
    away = at - moved[rows, 0]
    return source[rows, 0] + p[rows] * away + q[rows] * np.conj(away)


def textured(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 `[h,w,4]`: colours times a mask whose edge is softened by a pixel."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)[..., None]
    return (np.concatenate([picture * soft, 255 * soft], -1) + 0.5).astype(np.uint8)
