"""A reference ready to move: bones, mesh, texture and the background without it; and where its mesh goes with the bones.

Points of the plane are complex px x + iy of the picture at the scale of the answer. Legend: T frames, S handles, V corners of the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.baselines.weightless.puppet.arap import Arap, prepare
from models.baselines.weightless.puppet.mesh import cut_contacts, lattice, located, nearest_bone
from models.baselines.weightless.puppet.paint import Puppet, textured
from models.baselines.weightless.puppet.rig import Moves, Rig
from models.baselines.weightless.puppet.silhouette import without_figure
from models.types import require

_HANDLE_STEP = 1.5
"""Handles along a bone are this many edges of the mesh apart."""
_JOINT_SHARE = 0.15
"""Of a limb's bone: so near to its joint the mesh belongs to the bone it hangs on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """A reference ready to move. `handles`: complex `[S]` at rest, `held_by`: int `[S]` their bones; `owner`: int `[V]` the corners'."""

    rig: Rig
    arap: Arap
    owner: np.ndarray
    handles: np.ndarray
    held_by: np.ndarray
    puppet: Puppet
    background: np.ndarray
    shift: complex
    how: str


def built(
    rig: Rig, picture: np.ndarray, mask: np.ndarray, reference: np.ndarray, shift: tuple, vertices: int, background: str, how: str
) -> Figure:
    """A figure from a picture at the scale of the answer, its mask, and the answer's picture, which shows it at `shift`."""
    require(mask.sum() >= 16, "reference", "figure", f"{mask.sum()} px", "at least 16 px of the figure in the picture")
    mesh = lattice(mask, vertices)
    side = float(np.median(np.abs(mesh.corners[:, 1] - mesh.corners[:, 0])))
    handles, held_by, share = along(rig, side * _HANDLE_STEP)
    owning = (held_by == 0) | (share >= _JOINT_SHARE)
    mesh, owner, of_triangle = cut_contacts(mesh, nearest_bone(mesh, handles[owning], held_by[owning]), rig.apart)
    triangle, shares = located(mesh, handles)
    inside = triangle >= 0
    return Figure(
        rig=rig,
        arap=prepare(mesh, triangle[inside], shares[inside]),
        owner=owner,
        handles=handles[inside],
        held_by=held_by[inside],
        puppet=Puppet(
            texture=textured(picture, mask),
            corners=mesh.corners,
            layer=of_triangle,
        ),
        background=_background(reference, mask, shift, background),
        shift=complex(*shift),
        how=how,
    )


def _background(reference: np.ndarray, mask: np.ndarray, shift: tuple[float, float], how: str) -> np.ndarray:
    """The reference without its figure; bars beside a padded picture stay as they are."""
    (left, right), (top, bottom) = (
        (max(0, round(start)), min(limit, round(start + side)))
        for start, side, limit in zip(shift, mask.shape[::-1], reference.shape[1::-1])
    )
    background = reference.copy()
    move = np.float32([[1, 0, shift[0]], [0, 1, shift[1]]])
    shown = cv2.warpAffine(mask.astype(np.float32), move, reference.shape[1::-1])[top:bottom, left:right] > 0.25
    background[top:bottom, left:right] = without_figure(reference[top:bottom, left:right], shown, how)
    return background


def along(rig: Rig, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points along the bones, and along the sides of the trunk, complex `[S]`; the bones int `[S]` that hold them; how far along, 0-1."""
    lines = [(rig.joints[bone.start], rig.joints[bone.end], k) for k, bone in enumerate(rig.bones)]
    lines += [(rig.joints[one], rig.joints[other], 0) for one, other in _trunk_lines(rig)]
    points, owners, shares = [], [], []
    for start, end, bone in lines:
        share = np.linspace(0, 1, max(2, round(abs(end - start) / step) + 1))
        points += (start + (end - start) * share).tolist()
        owners += [bone] * len(share)
        shares += share.tolist()
    return np.array(points), np.array(owners), np.array(shares)


def _trunk_lines(rig: Rig) -> list[tuple[str, str]]:
    pairs = [line for side in ("left", "right") for line in (("chest", f"{side}_shoulder"), ("root", f"{side}_hip"))]
    pairs += [(f"{side}_shoulder", f"{side}_hip") for side in ("left", "right")]
    return [(one, other) for one, other in pairs if one in rig.joints and other in rig.joints]


def to_the_waist(figure: Figure) -> bool:
    """Whether the hips are not in the picture."""
    height, width = figure.background.shape[:2]
    hips = figure.rig.joints["root"] + figure.shift
    return not (0 <= hips.real < width and 0 <= hips.imag < height)


def in_view(figure: Figure, moves: Moves) -> np.ndarray:
    """Where the hips go, complex `[T]`, so that the middle of the trunk, or the chest of a figure seen to the waist, stays in the picture,
    or as far out as it was in the reference."""
    held = figure.rig.rest(figure.rig.bones[0]) * (1 if to_the_waist(figure) else 0.5)
    rest = figure.rig.joints["root"] + held + figure.shift
    now = moves.root + moves.turns[:, 0] * held + figure.shift
    height, width = figure.background.shape[:2]
    x = np.clip(now.real, min(0, rest.real), max(width, rest.real))
    y = np.clip(now.imag, min(0, rest.imag), max(height, rest.imag))
    return moves.root + (x + 1j * y) - now


def posed(figure: Figure, turns: np.ndarray, root: complex) -> np.ndarray:
    """Where the mesh's corners go, complex `[V]`."""
    targets = figure.rig.carried(figure.handles, figure.held_by, turns, root)
    guess = figure.rig.carried(figure.arap.mesh.points, figure.owner, turns, root)
    return figure.arap.solve(targets, guess)
