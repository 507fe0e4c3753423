"""A figure's joints as bones, and the driver's bones as turns of them.

The figure keeps its proportions: of the driver come the directions of its bones, and the way of its hips in heights of the body. A bone
that the driver does not show, or that points at the camera, holds its last direction; one never shown goes along with the bone it hangs on.
Directions are smoothed by a Gaussian in which a short bone (of one length, it is foreshortened) counts less. A driver seen from behind
moves the limbs on the same side of the picture.

Points of the plane are complex numbers x + iy, px. Legend: T frames, B bones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np

from models.pose.draw import MIN_CONFIDENCE
from models.pose.skeleton import HEAD, HIPS, JOINTS, SHOULDERS
from models.types import PoseTrack, require

TRUNK, NECK = "trunk", "head"
_LIMBS = (("upper_arm", "shoulder", "elbow"), ("forearm", "elbow", "wrist"), ("thigh", "hip", "knee"), ("shin", "knee", "ankle"))
_BELOW = {"forearm": "upper_arm", "shin": "thigh"}
_HEAD_LIMIT_RAD = np.deg2rad(50)
_TRUNK_LENGTH = 1.3
"""Widths of the shoulders from them to hips that are not in the picture."""
_LEAST_SHOWN = 0.12
"""A bone shorter than this share of its length points at the camera: its direction says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bone:
    """`part`: trunk, left_arm, right_arm, left_leg, right_leg; `parent`: index of the bone it hangs on, -1 for the trunk."""

    name: str
    part: str
    start: str
    end: str
    parent: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rig:
    """`joints`: where they are at rest, complex px; the first bone is the trunk, from `root` to `chest`."""

    bones: tuple[Bone, ...]
    joints: Mapping[str, complex]

    def rest(self, bone: Bone) -> complex:
        return self.joints[bone.end] - self.joints[bone.start]

    def places(self, turns: np.ndarray, root: complex) -> dict[str, complex]:
        """Where the joints are when the bones are turned by complex `[B]`, hips at `root`."""
        found = {"root": root}
        for bone, turn in zip(self.bones, turns):
            if bone.start not in found:  # shoulders and hips are fixed to the trunk
                found[bone.start] = root + turns[0] * (self.joints[bone.start] - self.joints["root"])
            found[bone.end] = found[bone.start] + turn * self.rest(bone)
        return found

    def carried(self, points: np.ndarray, owner: np.ndarray, turns: np.ndarray, root: complex) -> np.ndarray:
        """Where points at rest, complex `[S]`, go with the bones int `[S]` that own them."""
        places = self.places(turns, root)
        old = np.array([self.joints[bone.start] for bone in self.bones])
        new = np.array([places[bone.start] for bone in self.bones])
        return new[owner] + turns[owner] * (points - old[owner])

    def apart(self, one: int, other: int) -> bool:
        """Whether two bones only touch in the drawing: an arm and a leg, the forearm and all but its upper arm."""
        first, second = self.bones[one], self.bones[other]
        if first.part == second.part:
            return False
        arms = [bone for bone in (first, second) if bone.part.endswith("arm")]
        return (
            len(arms) == 2 or any(bone.name.endswith("forearm") for bone in arms) or (bool(arms) and TRUNK not in (first.part, second.part))
        )


def rig_of(joints: Mapping[str, complex], item: str) -> Rig:
    """The bones between the joints there are. Raises ValueError where they make no trunk."""
    known = dict(joints)
    for middle, pair in (("chest", "shoulder"), ("root", "hip")):
        sides = [known[f"{side}_{pair}"] for side in ("left", "right") if f"{side}_{pair}" in known]
        if sides:
            known[middle] = sum(sides) / len(sides)
    if "root" not in known and _both(known, "shoulder"):  # a figure seen to the waist
        known["root"] = known["chest"] + 1j * _TRUNK_LENGTH * abs(known["left_shoulder"] - known["right_shoulder"])
    trunk = "chest" in known and "root" in known and abs(known["chest"] - known["root"]) > 1
    got = ", ".join(sorted(joints)) or "none"
    require(trunk, item, "joints", got, "both shoulders, or one and a hip", "no person is seen there; write its joints down (puppet:DIR)")
    bones = [Bone(name=TRUNK, part=TRUNK, start="root", end="chest", parent=-1)]
    wanted = [(NECK, TRUNK, "chest", "head", TRUNK)]
    for side in ("left", "right"):
        for name, start, end in _LIMBS:
            part = f"{side}_{'arm' if 'arm' in name else 'leg'}"
            parent = f"{side}_{_BELOW[name]}" if name in _BELOW else TRUNK
            wanted.append((f"{side}_{name}", part, f"{side}_{start}", f"{side}_{end}", parent))
    for name, part, start, end, parent in wanted:
        above = next((k for k, bone in enumerate(bones) if bone.name == parent), None)
        if above is not None and start in known and end in known and abs(known[end] - known[start]) > 1:
            bones.append(Bone(name=name, part=part, start=start, end=end, parent=above))
    return Rig(bones=tuple(bones), joints=known)


def body_of(track: PoseTrack, person: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Joint -> place complex `[T]` and confidence `[T]`, 0 where it is not seen; with the middles `root`, `chest` and `head`."""
    points, sure = track.points[:, person, : len(JOINTS)], track.confidence[:, person, : len(JOINTS)]
    sure = np.where(sure >= MIN_CONFIDENCE, sure, 0).astype(np.float64)
    places = np.where(sure > 0, points[..., 0] + 1j * points[..., 1].astype(np.float64), 0)
    body = {name: (places[:, j], sure[:, j]) for j, name in enumerate(JOINTS) if j not in HEAD}
    for name, pair in (("chest", SHOULDERS), ("root", HIPS)):
        body[name] = (places[:, pair].mean(1), sure[:, pair].min(1))
    total = sure[:, HEAD].sum(1)
    body["head"] = ((places * sure)[:, HEAD].sum(1) / np.maximum(total, 1e-9), sure[:, HEAD].max(1))
    return body


def main_person(track: PoseTrack, item: str) -> int:
    """Whoever is seen most, by confidence and size. Raises ValueError where nobody is."""
    seen = track.confidence >= MIN_CONFIDENCE
    require(bool(seen.any()), item, "people", "none found", "a person", "another pose estimator may see one")
    points = np.where(seen[..., None], track.points, np.nan)
    with np.errstate(invalid="ignore"):
        spans = [np.nan_to_num(np.nanmax(p, 0) - np.nanmin(p, 0)).sum() if s.any() else 0 for p, s in _people(points, seen)]
    return int(np.argmax(spans))


def _people(points: np.ndarray, seen: np.ndarray):
    """Of every person all joints of all frames, in widths that do not grow with the way it goes: the middle of each frame taken off."""
    for person in range(points.shape[1]):
        own, there = points[:, person], seen[:, person]
        frames = there.any(1)
        middles = np.array([np.nanmean(frame, 0) for frame in own[frames]]).reshape(-1, 1, 2)
        yield (np.where(np.isnan(own[frames]), 0, own[frames] - middles) * there[frames].mean()).reshape(-1, 2), there


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moves:
    """`turns`: complex `[T,B]` against the rest pose; `root`: complex `[T]` px; `confidence`: `[T,B]` of the driver's bones.

    `exchanged`: whether the driver's left moves the figure's right.
    """

    turns: np.ndarray
    root: np.ndarray
    confidence: np.ndarray
    exchanged: bool


def retarget(
    rig: Rig, body: Mapping[str, tuple[np.ndarray, np.ndarray]], smooth: float, travel: float, to_the_waist: bool = False
) -> Moves:
    """What the driver's `body` does, done by the figure. `smooth`: frames of the Gaussian; `travel`: share of the way that is taken.

    `to_the_waist`: the figure's hips are not in the picture, so it goes and turns by its chest.
    """
    exchanged = _faces_away(rig, body)
    body = {_other_side(name): value for name, value in body.items()} if exchanged else body
    count = len(body["root"][0])
    turns, sure = np.ones((count, len(rig.bones)), complex), np.zeros((count, len(rig.bones)))
    lengths = np.zeros(len(rig.bones))
    for k, bone in enumerate(rig.bones):
        (start, a), (end, b) = body[bone.start], body[bone.end]
        sure[:, k] = np.minimum(a, b)
        lengths[k] = np.percentile(np.abs(end - start)[sure[:, k] > 0], 80) if sure[:, k].any() else 0
        above = turns[:, bone.parent] if bone.parent >= 0 else np.ones(count, complex)
        direction = _held((end - start) / max(lengths[k], 1e-9), sure[:, k], smooth)
        turns[:, k] = above if direction is None else direction * np.conj(_unit(rig.rest(bone)))
        if bone.name == NECK:
            turns[:, k] = above * np.exp(1j * np.clip(np.angle(turns[:, k] * np.conj(above)), -_HEAD_LIMIT_RAD, _HEAD_LIMIT_RAD))
    return Moves(turns=turns, root=_root(rig, body, turns, lengths, smooth, travel, to_the_waist), confidence=sure, exchanged=exchanged)


def _faces_away(rig: Rig, body: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> bool:
    """Whether the driver's sides lie, over the clip, the other way round than the figure's."""
    own = sum((rig.joints[f"left_{pair}"] - rig.joints[f"right_{pair}"]).real for pair in ("shoulder", "hip") if _both(rig.joints, pair))
    across = [(body[f"left_{pair}"], body[f"right_{pair}"]) for pair in ("shoulder", "hip")]
    driver = sum(((left[0] - right[0]).real * np.minimum(left[1], right[1])).sum() for left, right in across)
    return own * driver < 0


def _other_side(name: str) -> str:
    side, _, rest = name.partition("_")
    return {"left": f"right_{rest}", "right": f"left_{rest}"}.get(side, name)


def _both(joints: Mapping[str, complex], pair: str) -> bool:
    return f"left_{pair}" in joints and f"right_{pair}" in joints


def _held(vectors: np.ndarray, sure: np.ndarray, smooth: float) -> np.ndarray | None:
    """Directions complex `[T]` of length 1, smoothed; unknown: the last one, before the first the first; None: never known."""
    weights = np.where(np.abs(vectors) >= _LEAST_SHOWN, sure, 0)
    pulled = smoothed(vectors * weights, smooth)
    good = np.abs(pulled) > 0.02
    if not good.any():
        return None
    return _unit(pulled[_last(good)])


def _last(good: np.ndarray) -> np.ndarray:
    """The last good frame for each, int `[T]`; before the first good one, that one."""
    return np.maximum(np.maximum.accumulate(np.where(good, np.arange(len(good)), -1)), int(np.argmax(good)))


def smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    """`[T]` under a Gaussian of `sigma` frames that is cut at the ends; not normalised by what is missing there."""
    reach = int(np.ceil(3 * sigma)) if sigma > 0.1 else 0
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-9)) ** 2)
    return np.convolve(values, kernel / kernel.sum())[reach : reach + len(values)]


def _root(rig: Rig, body: Mapping, turns: np.ndarray, lengths: np.ndarray, smooth: float, travel: float, to_the_waist: bool) -> np.ndarray:
    """Way of the hips, or of the chest of someone seen to the waist, from the first frame on, in px of the figure."""
    anchor = "chest" if to_the_waist or (body["root"][1] > 0).mean() <= 0.5 else "root"
    places, sure = body[anchor]
    rest = np.array([abs(rig.rest(bone)) for bone in rig.bones])
    upright = [k for k, bone in enumerate(rig.bones) if lengths[k] > 0 and (bone.name == TRUNK or bone.part.endswith("leg"))]
    upright = upright or [k for k in range(len(rig.bones)) if lengths[k] > 0]
    way = np.zeros(len(places), complex)
    if (sure > 0).any() and upright:
        held = places[_last(sure > 0)]
        even = smoothed(np.ones(len(held)), smooth)
        held = smoothed(held, smooth) / even
        way = (held - held[0]) * rest[upright].sum() / lengths[upright].sum() * travel
    if anchor == "root":
        return rig.joints["root"] + way
    return rig.joints["chest"] + way - turns[:, 0] * rig.rest(rig.bones[0])


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.abs(vectors)
    return np.where(length > 0, vectors / np.maximum(length, 1e-12), 1)
