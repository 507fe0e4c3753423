"""A figure: polygons, each fixed in a frame; posing a figure is one 2x3 affine per frame and a drawing order of groups.

Because every visible point moves with its frame's affine, optical flow is exact. A group draws all its outlines before
its fills, so the parts of one limb merge into one silhouette.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from awbench.world.palette import Colour, darker, lighter
from awbench.world.shapes import inset_towards, outset

SHIFT = 4
"""Vertices are drawn with this many fractional bits; rounding to them makes frames independent of how times are batched."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """`vertices` `[V,2]`, the frame of each, and per group the runs (start, stop, colour, frame) in painting order."""

    vertices: np.ndarray
    vertex_frame: np.ndarray
    frames: tuple[str, ...]
    groups: tuple[str, ...]
    runs: tuple[tuple[tuple[int, int, Colour, int], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posed:
    """A figure over T times. `affines` `[T,F,2,3]` frame -> character space; `depth` `[T,G]`, larger is nearer.

    `joints`: `[T,17,3]` (x, y, confidence) in character space for plans with four limbs (of animals the counterparts), else None.
    """

    affines: np.ndarray
    depth: np.ndarray
    joints: np.ndarray | None = None


@dataclass(slots=True)
class Sketch:
    """Collects polygons into a `Figure`; `line` is the outline's width in character units."""

    line: float = 0.011
    _frames: list[str] = field(default_factory=list)
    _groups: dict[str, tuple[list, list]] = field(default_factory=dict)

    def _frame(self, name: str) -> int:
        if name not in self._frames:
            self._frames.append(name)
        return self._frames.index(name)

    def mark(self, group: str, frame: str, polygon: np.ndarray, colour: Colour) -> None:
        """A flat polygon without outline: eyes, patterns, belly."""
        fills = self._groups.setdefault(group, ([], []))[1]
        if len(polygon) >= 3:
            fills.append((polygon, colour, self._frame(frame)))

    def part(
        self,
        group: str,
        frame: str,
        polygon: np.ndarray,
        colour: Colour,
        *,
        light: tuple[float, float] | None = None,
        keep: float = 0.8,
        line: float | None = None,
        ink: Colour | None = None,
    ) -> None:
        """An outlined polygon; with `light` (a point inside) its rim away from that point is shaded."""
        outlines = self._groups.setdefault(group, ([], []))[0]
        outlines.append((outset(polygon, self.line if line is None else line), ink or darker(colour, 0.62), self._frame(frame)))
        self.mark(group, frame, polygon, colour if light is None else darker(colour, 0.2))
        if light is not None:
            self.mark(group, frame, inset_towards(polygon, light, keep), colour)

    def gleam(self, group: str, frame: str, polygon: np.ndarray, colour: Colour) -> None:
        """A highlight on a surface of `colour`."""
        self.mark(group, frame, polygon, lighter(colour, 0.45))

    def finish(self, groups: tuple[str, ...]) -> Figure:
        """Freeze; `groups` lists all group names from back to front (the order at equal depth)."""
        assert set(groups) == set(self._groups), sorted(set(groups) ^ set(self._groups))
        vertices, owners, runs, start = [], [], [], 0
        for group in groups:
            run = []
            for polygon, colour, frame in (*self._groups[group][0], *self._groups[group][1]):
                vertices.append(polygon)
                owners.append(np.full(len(polygon), frame))
                run.append((start, start + len(polygon), colour, frame))
                start += len(polygon)
            runs.append(tuple(run))
        return Figure(
            vertices=np.concatenate(vertices),
            vertex_frame=np.concatenate(owners),
            frames=tuple(self._frames),
            groups=groups,
            runs=tuple(runs),
        )


def assemble(
    figure: Figure, affines: dict[str, np.ndarray], depth: dict[str, np.ndarray | float], times: int, joints: np.ndarray | None = None
) -> Posed:
    """A `Posed` from affines and depths by name; a group without a depth lies at 0."""
    stacked = np.stack([np.broadcast_to(affines[name], (times, 2, 3)) for name in figure.frames], 1)
    order = np.stack([np.broadcast_to(np.asarray(depth.get(name, 0.0), np.float64), (times,)) for name in figure.groups], 1)
    return Posed(affines=stacked, depth=np.round(order, 6), joints=joints)


def vertices_px(figure: Figure, affines_px: np.ndarray) -> np.ndarray:
    """All vertices of one frame, int32 `[V,2]` in units of 1 / 2^SHIFT px. `affines_px` `[F,2,3]` frame -> canvas px."""
    owner = affines_px[figure.vertex_frame]
    x, y = figure.vertices[:, 0], figure.vertices[:, 1]
    points = np.stack([owner[:, i, 0] * x + owner[:, i, 1] * y + owner[:, i, 2] for i in (0, 1)], -1)
    return np.rint(points * (1 << SHIFT)).astype(np.int32)


def paint(canvas: np.ndarray, figure: Figure, points: np.ndarray, depth: np.ndarray, first_id: int | None = None) -> None:
    """Draw one frame. `points`: of `vertices_px`; with `first_id` parts are drawn as frame numbers instead."""
    for group in np.argsort(depth, kind="stable"):
        for start, stop, colour, frame in figure.runs[group]:
            ink = (*colour, 255) if first_id is None else first_id + frame
            cv2.fillPoly(canvas, [points[start:stop]], ink, cv2.LINE_8, SHIFT)
