"""Patches of one picture, searched for in others: the distance d of each to the nearest patch of a frame, wherever in it.

    sought(reference) ──found(frames)──▶ e = exp(-d / SCALE) of each patch in each sampled frame, float32 `[t, patches]`
d is in Lab, on a raster with a short side of RASTER_PX, under a Hann window of PATCH_PX. Nearly all of the cost is one product of matrices
a frame. Its shape and order decide the last digits: d^2 of pictures that are nearly equal is a small difference of large numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from awbench.evidence import sampled

RASTER_PX, PATCH_PX, SCALE, MAX_FRAMES = 40, 9, 10.0, 8
_AT_ONCE = 32
_WINDOW = np.sqrt(np.outer(np.hanning(PATCH_PX + 2)[1:-1], np.hanning(PATCH_PX + 2)[1:-1])).astype(np.float32)
_WINDOW /= np.linalg.norm(_WINDOW)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sought:
    """The patches of a picture: twice their values float32 `[patches, 3 * PATCH_PX**2]`, squares and weights float32 `[patches]`.

    Patches count by their contrast; the weights' sum is 1.
    """

    doubled: np.ndarray
    squares: np.ndarray
    weights: np.ndarray


def sought(reference: np.ndarray) -> Sought:
    """Every second patch, across and down, of uint8 `[H,W,3]`."""
    patches = cv2.transpose(_columns(_lab(reference), 2))
    weights = (patches.reshape(len(patches), 3, -1) / _WINDOW.reshape(-1)).std(-1).sum(1) + 1e-3
    return Sought(doubled=2 * patches, squares=(patches**2).sum(1), weights=weights / weights.sum())


def found(frames: np.ndarray, wanted: Sought) -> np.ndarray:
    """How well each patch is found in sampled frames of uint8 `[T,H,W,3]`."""
    search = _Search(wanted)
    return np.stack([search.nearest(_columns(_lab(frames[t]), 1)) for t in sampled(len(frames), MAX_FRAMES)])


class _Search:
    """Keeps its tables, which are megabytes, from one frame to the next: fresh memory costs more than the sums that are written to it."""

    def __init__(self, wanted: Sought) -> None:
        self._wanted = wanted
        self._rows = self._products = self._few = np.empty((0, 0), np.float32)

    def nearest(self, columns: np.ndarray) -> np.ndarray:
        """e of each wanted patch among the patches `[3 * PATCH_PX**2, n]` of a frame."""
        wanted, count = self._wanted, columns.shape[1]
        if len(self._rows) != count:
            shapes = (columns.shape[::-1], (len(wanted.squares), count), (_AT_ONCE, count))
            self._rows, self._products, self._few = (np.empty(shape, np.float32) for shape in shapes)
        rows = cv2.transpose(columns, self._rows)
        squares = np.multiply(rows, rows, out=rows).sum(1)
        np.matmul(wanted.doubled, columns, out=self._products)
        parts = [slice(k, k + _AT_ONCE) for k in range(0, len(wanted.squares), _AT_ONCE)]
        least = [self._least(wanted.squares[part], squares, self._products[part]) for part in parts]
        return np.exp(-np.sqrt(np.maximum(0, np.concatenate(least))) / SCALE)

    def _least(self, some: np.ndarray, squares: np.ndarray, products: np.ndarray) -> np.ndarray:
        """The least d^2 of some wanted patches, few enough for the processor's cache."""
        sums = np.add(some[:, None], squares, out=self._few[: len(some)])
        return np.subtract(sums, products, out=sums).min(1)


def _lab(frame: np.ndarray) -> np.ndarray:
    """uint8 `[H,W,3]` -> Lab float32 with a short side of RASTER_PX, or as it is where it is smaller."""
    scale = min(1.0, RASTER_PX / min(frame.shape[:2]))
    frame = np.ascontiguousarray(frame)
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame
    return cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def _columns(lab: np.ndarray, stride: int) -> np.ndarray:
    """Windowed patches, one a column: float32 `[3 * PATCH_PX**2, n]`; a picture smaller than a patch is padded by its edge."""
    lack = [max(0, PATCH_PX - side) for side in lab.shape[:2]]
    padded = np.pad(lab, ((0, lack[0]), (0, lack[1]), (0, 0)), mode="edge") if any(lack) else lab
    planes = np.ascontiguousarray(np.moveaxis(padded, -1, 0))
    views = np.lib.stride_tricks.sliding_window_view(planes, (PATCH_PX, PATCH_PX), axis=(1, 2))[:, ::stride, ::stride]
    values = np.ascontiguousarray(views.transpose(0, 3, 4, 1, 2))
    values *= _WINDOW[:, :, None, None]
    return values.reshape(3 * PATCH_PX**2, -1)
