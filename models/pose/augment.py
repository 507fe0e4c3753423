"""Takes from a pose track what tells whose it is. Each change is a function of its own; source: DreamActor-M2, section 3.3.

shape           scale_bones          bone lengths by a factor U(0.8, 1.2) per anatomical group (paper: 30 % of the samples)
place and size  normalise_box        coordinates relative to the box around all joints over the whole clip
"""

from __future__ import annotations

import numpy as np

from models.pose.draw import MIN_CONFIDENCE
from models.pose.skeleton import ANATOMIES, HIPS, SCALE_CHAINS, SHOULDERS
from models.types import PoseTrack, require

BONE_SCALE_RANGE = (0.8, 1.2)
BOX_SHARE = 0.8
"""How much of the frame's tighter side the box around all joints takes."""


def scale_bones(pose: PoseTrack, factors: dict[str, float]) -> PoseTrack:
    """Scale bone groups about their parent joints; groups: head, trunk and the chains of `SCALE_CHAINS`; angles stay.

    Hands and feet keep their size and follow wrists and ankles; a face is part of the head.
    """
    anatomy = ANATOMIES[pose.skeleton]
    source = np.nan_to_num(pose.points)
    points = source.copy()
    hips = source[..., HIPS, :].mean(-2, keepdims=True)
    trunk = (factors.get("trunk", 1.0) - 1) * (source[..., SHOULDERS, :].mean(-2, keepdims=True) - hips)
    for joint in (*SHOULDERS, *anatomy.head):
        points[..., joint, :] += trunk[..., 0, :]
    neck = source[..., SHOULDERS, :].mean(-2)
    for joint in anatomy.head:
        points[..., joint, :] += (factors.get("head", 1.0) - 1) * (source[..., joint, :] - neck)
    for name, chain in SCALE_CHAINS.items():
        for parent, child in chain:
            points[..., child, :] = points[..., parent, :] + factors.get(name, 1.0) * (source[..., child, :] - source[..., parent, :])
    for part in anatomy.parts:
        if part.carrier is not None:
            points[..., part.joints, :] += (points[..., part.carrier, :] - source[..., part.carrier, :])[..., None, :]
    return PoseTrack(points=points, confidence=pose.confidence, skeleton=pose.skeleton, fps=pose.fps)


def random_bone_factors(rng: np.random.Generator) -> dict[str, float]:
    """One factor per group, U(0.8, 1.2); both arms share one factor and both legs share one, as bodies do."""
    head, trunk, arms, legs = rng.uniform(*BONE_SCALE_RANGE, size=4)
    return {"head": head, "trunk": trunk, "left_arm": arms, "right_arm": arms, "left_leg": legs, "right_leg": legs}


def normalise_box(pose: PoseTrack, size: tuple[int, int], share: float = BOX_SHARE) -> PoseTrack:
    """Move and scale a track so that the box around all its joints, of all people and frames, is centred in a frame of `size` (W,H) px.

    Its aspect ratio stays and it takes `share` of the side it fills first, so moved or scaled input gives the same output, and motion
    through the picture stays motion. Joints below MIN_CONFIDENCE do not count for the box; without any the track comes back as it is.
    """
    require(0 < share <= 1, "normalise_box", "share", share, "0 < share <= 1")
    counted = pose.confidence >= MIN_CONFIDENCE
    if not counted.any():
        return pose
    places = pose.points[counted].astype(np.float64)
    low, high = places.min(0), places.max(0)
    sides = high - low
    scale = share * min((room / side for room, side in zip(size, sides) if side > 0), default=1.0)
    points = (np.nan_to_num(pose.points).astype(np.float64) - (low + high) / 2) * scale + (np.array(size) - 1) / 2
    return PoseTrack(points=points, confidence=pose.confidence, skeleton=pose.skeleton, fps=pose.fps)
