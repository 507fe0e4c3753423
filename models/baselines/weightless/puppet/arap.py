"""As-rigid-as-possible deformation of triangles: the corners go where every triangle is turned, and as little stretched as can be.

    E(z, r) = sum over triangles f, edges e of f:  w_e |dz_e - r_f dp_e|^2   +  strong * sum over handles |B z - target|^2

p the corners at rest, z where they go, both complex px; r_f a turn, |r_f| = 1; w_e half the cotangent of the angle opposite. In turn: the
best r for z (closed form), the best z for r (a linear system, the same for every frame: factored once). Sources: Sorkine and Alexa (2007)
for the two steps; Igarashi et al. (2005) for handles; the energy by triangles is that of Liu et al., "A Local/Global Approach to Mesh
Parameterization" (2008).

Legend: V corners, F triangles, S handles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.baselines.weightless.puppet.mesh import Mesh

_NEXT, _LAST = [1, 2, 0], [2, 0, 1]
STRONG = 100.0
"""Weight of a handle against that of an edge, ~0.3."""
_FAINT = 1e-4
"""Weight that holds every corner where its bone would carry it: pieces without a handle have a place, and the system one answer."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arap:
    """`edges`: complex `[F,3]` at rest; `weights`: `[F,3]`; `handles`: `[S,V]`, each row the corners' shares; `inverse`: `[V,V]`."""

    mesh: Mesh
    edges: np.ndarray
    weights: np.ndarray
    handles: np.ndarray
    inverse: np.ndarray

    def solve(self, targets: np.ndarray, guess: np.ndarray, passes: int = 4) -> np.ndarray:
        """Where the corners go, complex `[V]`: handles to `targets` complex `[S]`, from a `guess` complex `[V]` of all corners."""
        held = STRONG * (self.handles.T @ targets) + _FAINT * guess
        moved = guess
        for _ in range(passes):
            moved = self._best_places(self.turns(moved), held)
        return moved

    def turns(self, moved: np.ndarray) -> np.ndarray:
        """The turn of every triangle that explains its edges best, complex `[F]` of length 1."""
        best = (self.weights * np.conj(self.edges) * _edges(moved[self.mesh.triangles])).sum(1)
        length = np.abs(best)
        return np.where(length > 1e-12, best / np.maximum(length, 1e-12), 1)

    def energy(self, moved: np.ndarray) -> float:
        """What no turns explain, px squared; handles not counted."""
        return float((self.weights * np.abs(_edges(moved[self.mesh.triangles]) - self.turns(moved)[:, None] * self.edges) ** 2).sum())

    def _best_places(self, turns: np.ndarray, held: np.ndarray) -> np.ndarray:
        wanted = self.weights * turns[:, None] * self.edges
        pulls = wanted[:, _LAST] - wanted  # a corner ends one edge of its triangle and starts another
        at, count = self.mesh.triangles.ravel(), len(self.mesh.points)
        right = np.stack([np.bincount(at, part.ravel(), count) for part in (pulls.real, pulls.imag)], 1)
        places = self.inverse @ (right + np.stack([held.real, held.imag], 1))
        return places[:, 0] + 1j * places[:, 1]


def prepare(mesh: Mesh, triangles: np.ndarray, shares: np.ndarray) -> Arap:
    """`triangles`: int `[S]`, the triangle that each handle lies in; `shares`: its barycentric weights `[S,3]`."""
    edges = _edges(mesh.corners)
    weights = _half_cotangents(mesh.corners)
    count = len(mesh.points)
    handles = np.zeros((len(triangles), count))
    handles[np.arange(len(triangles))[:, None], mesh.triangles[triangles]] = shares
    system = STRONG * handles.T @ handles + _FAINT * np.eye(count)
    starts, ends = mesh.triangles.ravel(), mesh.triangles[:, _NEXT].ravel()
    for one, other, sign in ((starts, starts, 1), (ends, ends, 1), (starts, ends, -1), (ends, starts, -1)):
        np.add.at(system, (one, other), sign * weights.ravel())
    return Arap(mesh=mesh, edges=edges, weights=weights, handles=handles, inverse=np.linalg.inv(system))


def _edges(corners: np.ndarray) -> np.ndarray:
    """Edge k goes from corner k to the next."""
    return corners[:, _NEXT] - corners


def _half_cotangents(corners: np.ndarray) -> np.ndarray:
    """Of the angle opposite of every edge; not below 0, where a triangle is blunt."""
    opposite = corners[:, _LAST]
    product = np.conj(corners - opposite) * (corners[:, _NEXT] - opposite)
    return np.maximum(0.5 * product.real / np.abs(product.imag), 1e-3)
