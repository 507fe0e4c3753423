"""Polygons in a part's own frame: ellipses, capsules, smooth outlines, and the patterns cut from them.

Every function returns float64 `[n,2]` (x, y) with y pointing down; polygons are closed implicitly.
"""

from __future__ import annotations

import cv2
import numpy as np

_FINE = 2
"""Vertices drawn for each that is asked for: curves stay round where a head fills a thousand pixels."""


def ellipse(cx: float, cy: float, rx: float, ry: float, points: int = 22) -> np.ndarray:
    """An ellipse around (cx, cy)."""
    angle = np.arange(_FINE * points) * (2 * np.pi / (_FINE * points))
    return np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], -1)


def capsule(length: float, r0: float, r1: float, points: int = 8) -> np.ndarray:
    """A limb along +y from (0, 0) with radius `r0` to (0, length) with radius `r1`, both ends round."""
    angle = np.linspace(0, np.pi, _FINE * points)
    top = np.stack([r0 * np.cos(angle), -r0 * np.sin(angle)], -1)
    bottom = np.stack([-r1 * np.cos(angle), length + r1 * np.sin(angle)], -1)
    return np.concatenate([top, bottom])


def smooth(corners: np.ndarray | list[tuple[float, float]], per_edge: int = 5) -> np.ndarray:
    """A closed Catmull-Rom curve through `corners`; straight edges for `per_edge` 1."""
    p1 = np.asarray(corners, np.float64)
    p0, p2, p3 = np.roll(p1, 1, 0), np.roll(p1, -1, 0), np.roll(p1, -2, 0)
    per_edge = 1 if per_edge == 1 else _FINE * per_edge
    s = (np.arange(per_edge) / per_edge)[None, :, None]
    a, b, c, d = (p[:, None] for p in (p0, p1, p2, p3))
    curve = b + 0.5 * s * (c - a + s * (2 * a - 5 * b + 4 * c - d + s * (3 * (b - c) + d - a)))
    return curve.reshape(-1, 2)


def mirrored(right: list[tuple[float, float]], per_edge: int = 5) -> np.ndarray:
    """A smooth outline, symmetric in x, from its right half listed from top to bottom (x = 0 points are kept once)."""
    left = [(-x, y) for x, y in reversed(right) if x != 0]
    return smooth(right + left, per_edge)


def smile(width: float, height: float) -> np.ndarray:
    """A mouth whose corners turn up; squeezed in y it is a smiling line."""
    return smooth(
        [
            (-width, -0.55 * height),
            (0, 0.05 * height),
            (width, -0.55 * height),
            (0.62 * width, 0.55 * height),
            (0, height),
            (-0.62 * width, 0.55 * height),
        ],
        4,
    )


def _normals(polygon: np.ndarray) -> np.ndarray:
    edge = np.roll(polygon, -1, 0) - polygon
    normal = np.stack([edge[:, 1], -edge[:, 0]], -1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    mean = normal + np.roll(normal, 1, 0)
    x, y = polygon[:, 0], polygon[:, 1]
    clockwise = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) < 0
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 0.6) * (-1 if clockwise else 1)


def outset(polygon: np.ndarray, distance: float) -> np.ndarray:
    """The polygon grown by `distance` along its vertex normals (an outline is drawn as a larger polygon behind)."""
    return polygon + distance * _normals(polygon)


def inset_towards(polygon: np.ndarray, centre: tuple[float, float], keep: float) -> np.ndarray:
    """The polygon scaled by `keep` around `centre`: the lit side of a shape whose rim stays in shade."""
    point = np.asarray(centre)
    return point + keep * (polygon - point)


def cut(polygon: np.ndarray, angle: float, offset: float) -> np.ndarray:
    """What lies on the side x cos(angle) + y sin(angle) <= offset (Sutherland-Hodgman); may be empty."""
    side = polygon @ np.array([np.cos(angle), np.sin(angle)]) - offset
    kept: list[np.ndarray] = []
    for i in range(len(polygon)):
        a, b = i - 1, i
        if (side[a] <= 0) != (side[b] <= 0):
            kept.append(polygon[a] + (polygon[b] - polygon[a]) * (side[a] / (side[a] - side[b])))
        if side[b] <= 0:
            kept.append(polygon[b])
    return np.array(kept).reshape(-1, 2)


def band(polygon: np.ndarray, angle: float, low: float, high: float) -> np.ndarray:
    """The slice of the polygon between two parallel lines; may be empty."""
    part = cut(polygon, angle, high)
    return cut(part, angle + np.pi, -low) if len(part) else part


def stripes(polygon: np.ndarray, angle: float, pitch: float, share: float = 0.5, phase: float = 0.25) -> list[np.ndarray]:
    """Parallel bands over the polygon, `share` of each `pitch` filled."""
    along = polygon @ np.array([np.cos(angle), np.sin(angle)])
    starts = np.arange(np.floor(along.min() / pitch), np.ceil(along.max() / pitch) + 1) * pitch + phase * pitch
    bands = [band(polygon, angle, low, low + share * pitch) for low in starts]
    return [part for part in bands if len(part) >= 3]


def spots(polygon: np.ndarray, rng: np.random.Generator, count: int, radius: float) -> list[np.ndarray]:
    """Up to `count` blotches that lie inside the polygon and do not touch each other."""
    hull, low, high = polygon.astype(np.float32), polygon.min(0), polygon.max(0)
    found: list[tuple[np.ndarray, float]] = []
    for _ in range(count * 6):
        centre, r = rng.uniform(low, high), radius * rng.uniform(0.6, 1.25)
        room = cv2.pointPolygonTest(hull, (float(centre[0]), float(centre[1])), True)
        if room > 0.8 * r and all(np.hypot(*(centre - c)) > r + q for c, q in found) and len(found) < count:
            found.append((centre, min(r, room)))
    return [ellipse(c[0], c[1], r, r * rng.uniform(0.75, 1.0), 12) for c, r in found]
