"""Soft chains: tails, tentacles, antennae, drawn as tapered segments between points that trail behind."""

from __future__ import annotations

import numpy as np

from awbench.world.affine import along
from awbench.world.figure import Sketch
from awbench.world.palette import Colour
from awbench.world.shapes import capsule


def bent(root: np.ndarray, angles: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Points `[T,n+1,2]` of a chain from `root` `[T,2]`; `angles` `[T,n]`: direction of each segment, 0 down, positive to the left."""
    steps = np.stack([-np.sin(angles), np.cos(angles)], -1) * np.asarray(lengths)[..., None]
    return np.concatenate([root[:, None], root[:, None] + np.cumsum(steps, 1)], 1)


def chain_frames(name: str, points: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
    """Frames `name0`, `name1`, ... of the segments between `points` `[T,n+1,2]`."""
    return {f"{name}{i}": along(points[:, i], points[:, i + 1], float(length), 1.0, 0.4) for i, length in enumerate(lengths)}


def draw_chain(
    sketch: Sketch, group: str, name: str, lengths: np.ndarray, radii: np.ndarray, colour: Colour, tip: Colour | None = None
) -> None:
    """One tapered capsule per segment, `radii` `[n+1]`; the last may have another colour."""
    for i, length in enumerate(lengths):
        tone = tip if tip and i == len(lengths) - 1 else colour
        sketch.part(group, f"{name}{i}", capsule(float(length), float(radii[i]), float(radii[i + 1]), 7), tone)


def trail(path: np.ndarray) -> np.ndarray:
    """Where something was minus where it is: `path` `[L+1,T,2]` (now first, then each lag) -> `[T,L,2]`."""
    return np.moveaxis(path[1:] - path[:1], 0, 1)
