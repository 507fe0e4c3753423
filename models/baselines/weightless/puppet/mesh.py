"""Triangles over a figure: an equilateral lattice, which has no slivers, cut where an arm only touches what it does not hang on.

Points of the plane are complex numbers x + iy, px. Legend: V corners, F triangles, B bones.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Callable

import cv2
import numpy as np

_ROW = sqrt(3) / 2
"""Height of an equilateral triangle of side 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mesh:
    """`points`: complex `[V]` px; `triangles`: int `[F,3]`, all turning the same way."""

    points: np.ndarray
    triangles: np.ndarray

    @property
    def corners(self) -> np.ndarray:
        """complex `[F,3]`."""
        return self.points[self.triangles]


def lattice(mask: np.ndarray, most: int) -> Mesh:
    """Covers every pixel of bool `[H,W]` with at most about `most` corners."""
    side = max(2.0, sqrt(float(mask.sum()) / (_ROW * most)))
    mesh = _lattice(mask, side)
    while len(mesh.points) > most:
        side *= max(1.02, sqrt(len(mesh.points) / most))
        mesh = _lattice(mask, side)
    return mesh


def _lattice(mask: np.ndarray, side: float) -> Mesh:
    height, width = mask.shape
    rows, columns = ceil(height / (side * _ROW)) + 3, ceil(width / side) + 4
    j, i = np.mgrid[0:rows, 0:columns]
    points = ((i - 1.5 + 0.5 * (j % 2)) * side + 1j * (j - 1) * side * _ROW).ravel()
    j, i = (part.ravel() for part in np.mgrid[0 : rows - 1, 0 : columns - 1])
    odd, at = j % 2, j * columns + i
    down, right = at + columns, at + 1  # the rows shift by half a side in turn: which diagonal is short depends on the row
    first = np.stack([at, right, down + odd], -1)
    second = np.stack([np.where(odd, at, right), down + 1, down], -1)
    triangles = np.concatenate([first, second])
    return _compact(points, triangles[_near(mask, points[triangles].mean(1), side)])


def _near(mask: np.ndarray, centres: np.ndarray, side: float) -> np.ndarray:
    """Which triangles around these centres may hold a pixel of the mask."""
    reach = ceil(side / sqrt(3) + 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    margin = reach + ceil(2 * side)
    wide = cv2.dilate(np.pad(mask.astype(np.uint8), margin), kernel)
    x, y = (
        np.clip(np.rint(part) + margin, 0, limit - 1).astype(int) for part, limit in zip((centres.real, centres.imag), wide.shape[::-1])
    )
    return wide[y, x] > 0


def _compact(points: np.ndarray, triangles: np.ndarray) -> Mesh:
    used, renumbered = np.unique(triangles, return_inverse=True)
    return Mesh(points=points[used], triangles=renumbered.reshape(triangles.shape))


def nearest_bone(mesh: Mesh, seeds: np.ndarray, bones: np.ndarray) -> np.ndarray:
    """The bone that each corner hangs on, int `[V]`: nearest along the mesh, so that a hand on a hip is still a hand.

    `seeds`: complex `[S]` points along the bones, `bones`: int `[S]` whose they are. Pieces without a seed go by the straight way.
    """
    edges = np.concatenate([mesh.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    edges = np.concatenate([edges, edges[:, ::-1]])
    lengths = np.abs(mesh.points[edges[:, 0]] - mesh.points[edges[:, 1]])
    side = float(np.median(lengths))
    straight = np.abs(mesh.points[:, None] - seeds)
    distance, owner = straight.min(1), bones[straight.argmin(1)]
    away = distance > side
    distance[away] = np.inf
    for _ in range(len(mesh.points)):
        reached = distance[edges[:, 0]] + lengths
        order = np.argsort(reached, kind="stable")[::-1]  # of several writes to one corner the last, the shortest, stays
        best, source = np.full(len(distance), np.inf), np.full(len(distance), -1)
        best[edges[order, 1]], source[edges[order, 1]] = reached[order], edges[order, 0]
        better = best < distance - 1e-9
        if not better.any():
            break
        distance[better], owner[better] = best[better], owner[source[better]]
    return owner


def cut_contacts(mesh: Mesh, owner: np.ndarray, apart: Callable[[int, int], bool]) -> tuple[Mesh, np.ndarray, np.ndarray]:
    """The mesh with corners doubled where bones meet that are `apart`; the bone of each corner `[V]` and triangle `[F]`.

    No triangle is lost: it goes with the bone most of its corners hang on and gets corners of its own where one hangs on a bone apart.
    """
    bones = owner[mesh.triangles]
    first, second, third = bones.T
    of_triangle = np.where(second == third, second, first)
    points, owners, triangles = list(mesh.points), list(owner), mesh.triangles.copy()
    doubles: dict[tuple[int, int], int] = {}
    for row, bone in enumerate(of_triangle):
        for k in np.flatnonzero(bones[row] != bone):
            if apart(int(bone), int(bones[row, k])):
                key = (int(triangles[row, k]), int(bone))
                if key not in doubles:
                    doubles[key] = len(points)
                    points.append(mesh.points[key[0]])
                    owners.append(bone)
                triangles[row, k] = doubles[key]
    whole = _compact(np.array(points), triangles)
    return whole, np.array(owners)[np.unique(triangles)], of_triangle


def located(mesh: Mesh, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangle int `[S]` (-1: outside of all) and barycentric weights `[S,3]` of complex `[S]`."""
    a, b, c = mesh.corners.T
    area = _cross(b - a, c - a)
    at = places[:, None]
    weights = np.stack([_cross(b - at, c - at), _cross(c - at, a - at), _cross(a - at, b - at)], -1) / area[:, None]
    inside = weights.min(-1)
    triangle = inside.argmax(1)
    rows = np.arange(len(places))
    return np.where(inside[rows, triangle] >= -1e-6, triangle, -1), weights[rows, triangle]


def _cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (np.conj(one) * other).imag


def stretches(rest: np.ndarray, moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Singular values of the maps of triangles complex `[F,3]`: the larger `[F]`, and the smaller `[F]`, below 0 where one folded."""
    (e, f), (u, v) = ([corners[:, k] - corners[:, 0] for k in (1, 2)] for corners in (rest, moved))
    twice = 2j * _cross(e, f)  # moved = p*z + q*conj(z), solved on the two edges
    p = (u * np.conj(f) - v * np.conj(e)) / -twice
    q = (v * e - u * f) / -twice
    return np.abs(p) + np.abs(q), np.abs(p) - np.abs(q)
