"""A driver's pose brought to the build and place of the reference, or refused.

    s = trunk of the reference / trunk of the driver's frame 0        size of the person in the picture
    limb = length in the reference / (s · length in frame 0)          arms, legs and head, left and right as one

The track is scaled by s about its hips, set where the reference's hips are, and its limbs are scaled (`models.pose.augment.scale_bones`).
Lengths in a picture are those of bones only where both people stand alike, frontal and stretched: an arm that points to the camera in the
one would be blown up in the whole clip. So a limb that the driver shows and one of the two pictures does not, a limb ratio outside of
`LIMB_RANGE` and sides that differ by more than `SIDES_RANGE` are errors.
"""

from __future__ import annotations

import numpy as np

from models.pose.augment import scale_bones
from models.pose.skeleton import HEAD, HIPS, JOINTS, SCALE_CHAINS, SHOULDERS
from models.types import PoseTrack, require

MIN_CONFIDENCE = 0.3
LIMB_RANGE = (0.6, 1.67)
"""Limb to trunk of one person by that of the other; adults differ by a fifth, a cartoon by half."""
SIDES_RANGE = 1.5
"""Left by right limb in one picture: more is foreshortening."""
SHOULDER_RANGE = (0.5, 2.0)
"""Shoulder width by trunk length, as LIMB_RANGE: who stands sideways, sits or bends is beyond it."""
_BOTH = {"arm": ("left_arm", "right_arm"), "leg": ("left_leg", "right_leg")}
_ADVICE = "retarget=none, or a reference that stands as the driver's first frame does, frontal and with arms and legs stretched"


def retargeted(driver: PoseTrack, reference: PoseTrack, item: str) -> PoseTrack:
    """`driver` for the body of `reference`, one person each. Raises ValueError naming what does not fit together."""
    for name, track in (("driver", driver), ("reference", reference)):
        require(track.points.shape[1] == 1, item, f"people in {name}", track.points.shape[1], "1", _ADVICE)
    shown = (driver.confidence[:, 0] >= MIN_CONFIDENCE).any(0)
    first, model = _person(driver), _person(reference)
    _check_joints(shown, first, model, item)
    sizes = _trunk(first), _trunk(model)
    _checked((_width(model) / sizes[1]) / (_width(first) / sizes[0]), "shoulder width", item, SHOULDER_RANGE)
    scale = sizes[1] / sizes[0]
    factors = {"trunk": 1.0, "head": _head(first, model, scale, item)} | _limbs(shown, first, model, scale, item)
    return _placed(scale_bones(driver, factors), first, model, scale)


def _person(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """Joints of frame 0 and which are seen."""
    return np.nan_to_num(track.points[0, 0]).astype(np.float64), track.confidence[0, 0] >= MIN_CONFIDENCE


def _check_joints(shown: np.ndarray, first: tuple, model: tuple, item: str) -> None:
    for name, (_, seen) in (("driver's first frame", first), ("reference", model)):
        trunk = [JOINTS[joint] for joint in (*SHOULDERS, *HIPS) if not seen[joint]]
        missing = trunk or [JOINTS[joint] for joint in range(len(HEAD), len(JOINTS)) if shown[joint] and not seen[joint]]
        require(not missing, item, f"joints of the {name}", "no " + ", ".join(missing), "all joints that the driver shows", _ADVICE)


def _trunk(person: tuple[np.ndarray, np.ndarray]) -> float:
    points = person[0]
    return max(1e-3, float(np.linalg.norm(points[list(SHOULDERS)].mean(0) - points[list(HIPS)].mean(0))))


def _width(person: tuple[np.ndarray, np.ndarray]) -> float:
    left, right = person[0][list(SHOULDERS)]
    return max(1e-3, float(np.linalg.norm(left - right)))


def _length(points: np.ndarray, limb: str) -> float:
    return max(1e-3, sum(float(np.linalg.norm(points[a] - points[b])) for a, b in SCALE_CHAINS[limb]))


def _head(first: tuple, model: tuple, scale: float, item: str) -> float:
    """The head's distance from the neck; 1 where one of them shows no nose."""
    if not (first[1][0] and model[1][0]):
        return 1.0
    one, other = (float(np.linalg.norm(points[0] - points[list(SHOULDERS)].mean(0))) for points, _ in (first, model))
    return _checked(max(other, 1e-3) / (scale * max(one, 1e-3)), "head", item)


def _limbs(shown: np.ndarray, first: tuple, model: tuple, scale: float, item: str) -> dict[str, float]:
    factors = {}
    for kind, sides in _BOTH.items():
        there = [limb for limb in sides if all(shown[joint] for bone in SCALE_CHAINS[limb] for joint in bone)]
        for name, (points, _) in (("driver's first frame", first), ("reference", model)):
            lengths = [_length(points, limb) for limb in there]
            ratio = max(lengths, default=1.0) / min(lengths, default=1.0)
            require(ratio <= SIDES_RANGE, item, f"{kind}s of the {name}", f"one {ratio:.2f} times the other", f"<= {SIDES_RANGE}", _ADVICE)
        if there:
            ratio = sum(_length(model[0], limb) for limb in there) / sum(_length(first[0], limb) for limb in there) / scale
            factors |= dict.fromkeys(sides, _checked(ratio, kind, item))
    return factors


def _checked(ratio: float, limb: str, item: str, within: tuple[float, float] = LIMB_RANGE) -> float:
    low, high = within
    require(low <= ratio <= high, item, f"{limb} by trunk, reference to driver", round(ratio, 2), f"{low} to {high}", _ADVICE)
    return ratio


def _placed(track: PoseTrack, first: tuple, model: tuple, scale: float) -> PoseTrack:
    here, there = (points[list(HIPS)].mean(0) for points, _ in (first, model))
    points = ((np.nan_to_num(track.points) - here) * scale + there).astype(np.float32)
    return PoseTrack(points=points, confidence=track.confidence, skeleton=track.skeleton, fps=track.fps)
