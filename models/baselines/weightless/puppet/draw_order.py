"""Which limb is painted over which, frame by frame.

Legs, trunk with head, arms: as paper puppets are pinned. An arm goes behind the trunk where the driver's is, by a margin, deeper; without
depths where it is seen so much worse than the other arm that something must hide it. The farther of two legs or arms comes first. A
limb stays where it is until it has changed its place for half of `_STEADY_S`, so that nothing flickers.
"""

from __future__ import annotations

import numpy as np

from models.baselines.weightless.puppet.rig import TRUNK, Rig
from models.pose.skeleton import HIPS, JOINTS, SHOULDERS

_BEHIND = 0.25
"""Widths of the shoulders by which the middle of an arm is behind the chest's."""
_HIDDEN = 0.5
"""Confidence of an arm, as a share of the other's."""
_STEADY_S = 0.3
_ENDS = {"arm": ("elbow", "wrist"), "leg": ("knee", "ankle")}


def draw_orders(rig: Rig, confidence: np.ndarray, depth: np.ndarray | None, fps: float) -> list[list[int]]:
    """Bones of the rig, far ones first, for each frame; `confidence`: `[T,B]`; `depth`: `[T,J]`, larger is nearer, or None."""
    parts = list(dict.fromkeys(bone.part for bone in rig.bones if bone.part != TRUNK))
    near = {part: _nearness(rig, part, confidence, depth) for part in parts}
    behind = {part: _steady(_is_behind(part, near, depth), fps) for part in parts}
    ranks = {part: _steady(near[part] > near.get(_other(part), near[part]), fps) for part in parts}

    def rank(part: str, t: int) -> tuple[int, bool]:
        level = 1 if part == TRUNK else 0 if behind[part][t] or part.endswith("leg") else 2
        return level, bool(part != TRUNK and ranks[part][t])

    def order(t: int) -> list[int]:  # within a limb outwards, as bones are numbered
        limbs = sorted([TRUNK, *parts], key=lambda part: (rank(part, t), part))
        return [k for limb in limbs for k, bone in enumerate(rig.bones) if bone.part == limb]

    return [order(t) for t in range(len(confidence))]


def _other(part: str) -> str:
    side, _, limb = part.partition("_")
    return f"{'right' if side == 'left' else 'left'}_{limb}"


def _nearness(rig: Rig, part: str, confidence: np.ndarray, depth: np.ndarray | None) -> np.ndarray:
    """`[T]`: how far before the trunk, in widths of the shoulders; without depth how well it is seen."""
    if depth is None:
        return confidence[:, [k for k, bone in enumerate(rig.bones) if bone.part == part]].mean(1)
    side, _, limb = part.partition("_")
    own = depth[:, [JOINTS.index(f"{side}_{end}") for end in _ENDS[limb]]].mean(1)
    return own - depth[:, SHOULDERS if limb == "arm" else HIPS].mean(1)


def _is_behind(part: str, near: dict[str, np.ndarray], depth: np.ndarray | None) -> np.ndarray:
    if depth is not None:
        return near[part] < -_BEHIND
    return near[part] < _HIDDEN * near.get(_other(part), near[part])


def _steady(values: np.ndarray, fps: float) -> np.ndarray:
    """What most frames around each say, bool `[T]`."""
    reach = min(round(_STEADY_S * fps / 2), (len(values) - 1) // 2)
    kernel = np.ones(2 * reach + 1)
    votes = (
        np.convolve(values, kernel)[reach : reach + len(values)] / np.convolve(np.ones(len(values)), kernel)[reach : reach + len(values)]
    )
    return votes > 0.5
