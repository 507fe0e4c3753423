"""2x3 affines over time `[T,2,3]`: how a part's own frame sits in its character, and a character in the picture."""

from __future__ import annotations

import numpy as np


def place(
    x: np.ndarray,
    y: np.ndarray,
    angle: np.ndarray | float = 0.0,
    sx: np.ndarray | float = 1.0,
    sy: np.ndarray | float = 1.0,
    shear: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Scale, shear x by y, rotate clockwise by `angle` (y points down), then move to (x, y)."""
    x, y, angle, sx, sy, shear = np.broadcast_arrays(x, y, angle, sx, sy, shear)
    c, s = np.cos(angle), np.sin(angle)
    rows = [[c * sx, c * shear - s * sy, x], [s * sx, s * shear + c * sy, y]]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def along(p: np.ndarray, q: np.ndarray, length: float, width: np.ndarray | float = 1.0, shortest: float = 0.3) -> np.ndarray:
    """Local (0, 0) to `p` and (0, length) to `q` (`[T,2]`); foreshortening stops at `shortest` so affines stay invertible."""
    axis = q - p
    size = np.linalg.norm(axis, axis=-1)
    unit = axis / np.maximum(size, 1e-6)[..., None]
    unit = np.where((size > 1e-6)[..., None], unit, np.array([0.0, 1.0]))
    stretch = np.maximum(size / length, shortest)
    rows = [[unit[..., 1] * width, unit[..., 0] * stretch, p[..., 0]], [-unit[..., 0] * width, unit[..., 1] * stretch, p[..., 1]]]
    return np.stack([np.stack(np.broadcast_arrays(*row), -1) for row in rows], -2)


def compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """`outer` after `inner`; leading dimensions broadcast."""
    linear = outer[..., :, :2] @ inner[..., :, :2]
    move = (outer[..., :, :2] @ inner[..., :, 2:])[..., 0] + outer[..., :, 2]
    return np.concatenate([linear, move[..., None]], -1)


def invert(affine: np.ndarray) -> np.ndarray:
    """The inverse map."""
    linear = np.linalg.inv(affine[..., :, :2])
    return np.concatenate([linear, -linear @ affine[..., :, 2:]], -1)


def apply(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """`[...,2,3]` on `[...,n,2]`."""
    return points @ np.swapaxes(affine[..., :, :2], -1, -2) + affine[..., None, :, 2]


def turned(angle: np.ndarray, x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray:
    """The vector (x, y) rotated clockwise by `angle`: `[T,2]`."""
    c, s = np.cos(angle), np.sin(angle)
    return np.stack(np.broadcast_arrays(c * x - s * y, s * x + c * y), -1)
