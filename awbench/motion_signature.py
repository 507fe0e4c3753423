"""Motion without places: how much moves which way at every step, so that bodies of other shapes can be compared in time.

A signature is a table `[S, cells x cells x BINS]`: for each of S steps the length of the flow, summed by direction (soft bins), in a
coarse grid of cells, with the camera (a robust similarity transform) taken out. One cell forgets the place altogether: a lifted
paw and a lifted hand then look alike, and an answer can be laid in time beside a driver of another body. Several cells keep the
place, which helps where output and source show the same body.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

STILL_PX, POOL, BINS, FIELD_PX = 0.12, 0.04, 8, 72


def without_camera(flow: np.ndarray) -> np.ndarray:
    """A field `[h,w,2]` less the similarity transform that most of it follows (RANSAC on a grid of points)."""
    (x, y), start, places = _raster(*flow.shape[:2])
    cv2.setRNGSeed(0)  # RANSAC draws from OpenCV's global generator: without this the result depends on what ran before
    matrix, _ = cv2.estimateAffinePartial2D(start, start + flow[y, x].reshape(-1, 2), ransacReprojThreshold=0.5)
    if matrix is None:
        return flow
    return flow - ((places @ (matrix[:, :2].T - np.eye(2))).reshape(flow.shape) + matrix[:, 2]).astype(np.float32)


@lru_cache(maxsize=8)
def _raster(height: int, width: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Of a raster: the grid of points (x, y), the same as float32 `[n,2]`, and where all its pixels are, float64 `[H*W,2]`."""
    y, x = np.mgrid[2 : height : max(1, height // 24), 2 : width : max(1, width // 24)]
    start = np.stack([x.ravel(), y.ravel()], -1).astype(np.float32)
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float64).reshape(-1, 2)
    for values in (x, y, start, places):
        values.flags.writeable = False
    return (x, y), start, places


def signature(flows: np.ndarray, cells: int = 1, *, camera: bool = False) -> np.ndarray:
    """The signature of float32 flows `[S,h,w,2]` px: float32 `[S, cells*cells*BINS]`, mean px per pixel. `camera`: leave it in."""
    return signature_of(all_small(flows) if camera else own_motion(flows), cells)


def signature_of(motion: np.ndarray, cells: int = 1) -> np.ndarray:
    """The signature of fields that are small, and without the camera, already."""
    return np.stack([_histogram(field, cells) for field in motion]) if len(motion) else np.zeros((0, 1))


def own_motion(flows: np.ndarray) -> np.ndarray:
    """What moves apart from the camera: flows `[S,H,W,2]` px as small fields `[S,h,w,2]` less the camera's motion."""
    return np.stack([without_camera(small(flow)) for flow in flows]) if len(flows) else flows


def all_small(fields: np.ndarray) -> np.ndarray:
    """Fields `[S,H,W]` or `[S,H,W,C]`, each on the small raster."""
    return np.stack([small(field) for field in fields]) if len(fields) else fields


def small(field: np.ndarray) -> np.ndarray:
    """A field `[h,w]` or `[h,w,C]` on a raster of at most FIELD_PX: motion is compared there. Lengths stay those of the larger raster."""
    scale = min(1.0, FIELD_PX / min(field.shape[:2]))
    return cv2.resize(field, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else field


def smoothed(field: np.ndarray) -> np.ndarray:
    """The mean of a neighbourhood: sigma POOL of the short side."""
    return cv2.GaussianBlur(field, (0, 0), POOL * min(field.shape[:2]))


def _histogram(flow: np.ndarray, cells: int) -> np.ndarray:
    smooth = smoothed(flow)
    height, width = smooth.shape[:2]
    length = np.hypot(smooth[..., 0], smooth[..., 1])
    length = length * (length >= STILL_PX)
    angle = np.arctan2(smooth[..., 1], smooth[..., 0]) / (2 * np.pi) * BINS
    np.add(angle, BINS, out=angle, where=angle < 0)
    floor = np.floor(angle)
    low, share = floor.astype(np.intp) % BINS, angle - floor
    planes = np.zeros((height, width, BINS), np.float32)
    flat, pixel = planes.reshape(-1), BINS * np.arange(height * width).reshape(height, width)
    flat[pixel + low] = length * (1 - share)
    flat[pixel + (low + 1) % BINS] = length * share
    return cv2.resize(planes, (cells, cells), interpolation=cv2.INTER_AREA).reshape(-1)


def lengths(vectors: np.ndarray) -> np.ndarray:
    """Euclidean lengths of `[..., C]` for a small C: as `numpy.linalg.norm` to the bit, several times faster."""
    squares = vectors * vectors
    total = squares[..., 0]
    for channel in range(1, squares.shape[-1]):
        total = total + squares[..., channel]
    return np.sqrt(total)


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Cosine of two signatures of equal shape over all steps, 0-1: 1 for one motion at any amplitude; 0 where either is still."""
    norm = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum() / norm) if norm > 0 else 0.0
