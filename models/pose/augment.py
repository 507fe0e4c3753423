"""Changes the body shape of a pose track: per-group bone factors U(0.8, 1.2). Source: DreamActor-M2, section 3.3."""

from __future__ import annotations

import numpy as np

from models.pose.skeleton import HEAD, HIPS, SCALE_CHAINS, SHOULDERS
from models.types import PoseTrack

BONE_SCALE_RANGE = (0.8, 1.2)


def scale_bones(pose: PoseTrack, factors: dict[str, float]) -> PoseTrack:
    """Scale bone groups about their parent joints; groups: head, trunk and the chains of `SCALE_CHAINS`; angles stay."""
    source = np.nan_to_num(pose.points)
    points = source.copy()
    hips = source[..., HIPS, :].mean(-2, keepdims=True)
    trunk = (factors.get("trunk", 1.0) - 1) * (source[..., SHOULDERS, :].mean(-2, keepdims=True) - hips)
    for joint in (*SHOULDERS, *HEAD):
        points[..., joint, :] += trunk[..., 0, :]
    neck = source[..., SHOULDERS, :].mean(-2)
    for joint in HEAD:
        points[..., joint, :] += (factors.get("head", 1.0) - 1) * (source[..., joint, :] - neck)
    for name, chain in SCALE_CHAINS.items():
        for parent, child in chain:
            points[..., child, :] = points[..., parent, :] + factors.get(name, 1.0) * (source[..., child, :] - source[..., parent, :])
    return PoseTrack(points=points, confidence=pose.confidence, skeleton=pose.skeleton, fps=pose.fps)


def random_bone_factors(rng: np.random.Generator) -> dict[str, float]:
    """One factor per group, U(0.8, 1.2); both arms share one factor and both legs share one, as bodies do."""
    head, trunk, arms, legs = rng.uniform(*BONE_SCALE_RANGE, size=4)
    return {"head": head, "trunk": trunk, "left_arm": arms, "right_arm": arms, "left_leg": legs, "right_leg": legs}
