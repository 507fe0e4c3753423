"""Removes body shape, place and size from a pose track, and gives it those of the reference.

Source: DreamActor-M2, section 3.3: per-group bone factors U(0.8, 1.2) on 30 % of the samples; coordinates normalised by
the box around all joints over the whole clip. Where the normalised pose is then drawn is ours to choose: over the body in the
reference, so that "the same place, one canvas half further" finds what moves (without it a small network needs thousands
of steps to find the skeleton at all).
"""

from __future__ import annotations

import numpy as np

from models.pose.draw import MIN_CONFIDENCE
from models.pose.skeleton import BONES, HEAD, HIPS, SCALE_CHAINS, SHOULDERS
from models.types import PoseTrack

BONE_SCALE_RANGE = (0.8, 1.2)
BOX_FILL, BOX_CENTRE = 0.62, (0.5, 0.58)
"""The normalised box takes this share of the picture's shorter free side, about this point of it: people in clips are that
tall and stand a little low, so a skeleton mostly lies where the body will be."""


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


_ANCHOR_WEIGHTS = np.full(17, 0.5)
_ANCHOR_WEIGHTS[list(HEAD)] = 0.2
_ANCHOR_WEIGHTS[[*SHOULDERS, *HIPS]] = 1.0
_ANCHOR_WEIGHTS[[7, 8, 9, 10]] = 0.1  # elbows and wrists go anywhere
_LEAST_SHARED = 3
_PLACED_SCALE_RANGE = (0.2, 5.0)


def place_on(pose: PoseTrack, reference: PoseTrack, size: tuple[int, int]) -> PoseTrack:
    """Box-normalise `pose`, then move and scale it as a whole onto the first frame of `reference`, px of `size` (W,H).

    The scale is the ratio of the bones both have, the place that of the joints both have, trunk before limbs. With several
    people they are paired from left to right, the largest ones where the numbers differ. Without a body in common the
    pose stays in the middle.
    """
    pose = normalise_box(pose, size)
    people = _pairs(pose, reference)
    if not people:
        return pose
    own, theirs = (np.array([bones[side] for _, _, bones in people]) for side in (0, 1))
    shared = np.isfinite(own) & np.isfinite(theirs)
    source, target = (np.concatenate([pair[side] for pair in people]) for side in (0, 1))
    both = np.isfinite(source).all(-1) & np.isfinite(target).all(-1)
    if min(shared.sum(), both.sum()) < _LEAST_SHARED:
        return pose
    scale = float(np.clip(theirs[shared].sum() / max(own[shared].sum(), 1e-3), *_PLACED_SCALE_RANGE))
    weights = np.tile(_ANCHOR_WEIGHTS, len(people))[both][:, None]
    shift = ((target[both] - scale * source[both]) * weights).sum(0) / weights.sum()
    points = (pose.points * scale + shift).astype(np.float32)
    return PoseTrack(points=points, confidence=pose.confidence, skeleton=pose.skeleton, fps=pose.fps)


def _pairs(pose: PoseTrack, reference: PoseTrack) -> list[tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]]:
    """Per pair of people: median joints `[J,2]` of the one and of the other (NaN = never seen), and their bone lengths."""
    own, theirs = _people(pose.points, pose.confidence), _people(reference.points[:1], reference.confidence[:1])
    count = min(len(own), len(theirs))

    def largest(people: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
        kept = sorted(people, key=lambda person: -np.nansum(person[1]))[:count]
        return sorted(kept, key=lambda person: np.nanmean(person[0][:, 0]))

    return [(a, b, (bones_a, bones_b)) for (a, bones_a), (b, bones_b) in zip(largest(own), largest(theirs))]


def _people(points: np.ndarray, confidence: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Median joints `[J,2]` and bone lengths over the frames `[T,P,J,2]`, NaN where never seen, of everybody seen at all."""
    seen = np.where((confidence >= MIN_CONFIDENCE)[..., None], points, np.nan)
    first, second = (seen[:, :, [bone[end] for bone in BONES]] for end in (0, 1))
    lengths = np.linalg.norm(first - second, axis=-1)
    present = np.flatnonzero(np.isfinite(seen).any((0, 2, 3)))
    return [(_median(seen[:, p]), _median(lengths[:, p])) for p in present]


def _median(values: np.ndarray) -> np.ndarray:
    """Over the first axis without its NaN; NaN where all are."""
    ordered, count = np.sort(values, 0), np.isfinite(values).sum(0, keepdims=True)  # NaN sort last
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(values) - 1)
    return ((np.take_along_axis(ordered, low, 0) + np.take_along_axis(ordered, high, 0)) / 2)[0]


def normalise_box(pose: PoseTrack, size: tuple[int, int]) -> PoseTrack:
    """Move and scale (one factor for x and y) so that the box of every joint seen lies about BOX_CENTRE of `size` (W,H)."""
    seen = pose.confidence >= MIN_CONFIDENCE
    if not seen.any():
        return pose
    points = pose.points[seen]
    low, high = points.min(0), points.max(0)
    scale = BOX_FILL * min(np.asarray(size) / np.maximum(high - low, 1e-3))
    moved = (pose.points - (low + high) / 2) * scale + np.asarray(size, np.float32) * np.float32(BOX_CENTRE)
    return PoseTrack(points=moved, confidence=pose.confidence, skeleton=pose.skeleton, fps=pose.fps)
