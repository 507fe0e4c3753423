"""Skeletons: joint names, bones, groups and sides. Every skeleton starts with the 17 joints of COCO; finer parts hang on them.

coco17        joints and bones of the COCO keypoint task (Lin et al., 2014)
wholebody133  0-16 coco17, 17-22 feet, 23-90 face (68 points, iBUG order), 91-111 left hand, 112-132 right hand
              (Jin et al., "Whole-Body Human Pose Estimation in the Wild", 2020)

A new skeleton is a line of `ANATOMIES` and one of `models.types.SKELETONS`; drawing and augmentation read both.
"""

from __future__ import annotations

from dataclasses import dataclass

JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip

BONES = (
    (5, 6), (5, 11), (6, 12), (11, 12), (5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16),
    (0, 1), (0, 2), (1, 3), (2, 4),
)  # fmt: skip
"""(parent, child) pairs; drawn in this order."""

SCALE_CHAINS = {
    "left_arm": ((5, 7), (7, 9)),
    "right_arm": ((6, 8), (8, 10)),
    "left_leg": ((11, 13), (13, 15)),
    "right_leg": ((12, 14), (14, 16)),
}
"""Limbs as chains of bones from the trunk outwards; head and trunk are groups of their own (`augment.scale_bones`)."""

MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""Index of the joint on the other side."""

HEAD = (0, 1, 2, 3, 4)
SHOULDERS, HIPS = (5, 6), (11, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Joints finer than the body's. They move with the joint `carrier`, or with the head where that is None.

    `bones`: (parent, child) pairs, drawn as thin lines; without any the joints are drawn as points.
    """

    name: str
    joints: tuple[int, ...]
    carrier: int | None
    bones: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """One skeleton: its parts beyond the body of COCO-17, and for every joint the index of the one on the other side."""

    parts: tuple[Part, ...]
    mirrored: tuple[int, ...]

    @property
    def head(self) -> tuple[int, ...]:
        """All joints that move with the head."""
        return sum((part.joints for part in self.parts if part.carrier is None), HEAD)


def _hand(name: str, wrist: int, first: int) -> Part:
    """Root, then four joints a finger from thumb to little finger."""
    fingers = [(first, *range(first + 1 + 4 * k, first + 5 + 4 * k)) for k in range(5)]
    bones = tuple(bone for finger in fingers for bone in zip(finger, finger[1:]))
    return Part(name=name, joints=tuple(range(first, first + 21)), carrier=wrist, bones=bones)


def _foot(name: str, ankle: int, first: int) -> Part:
    """Big toe, small toe, heel."""
    return Part(name=name, joints=tuple(range(first, first + 3)), carrier=ankle, bones=tuple((ankle, first + k) for k in range(3)))


def _face_mirrored() -> tuple[int, ...]:
    """The 68 points of a face seen in the mirror: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, lips 48-67."""
    runs = (range(17), range(17, 27), *((k,) for k in range(27, 31)), range(31, 36))
    nose_up = [k for run in runs for k in reversed(run)]
    right_eye, left_eye = (39, 38, 37, 36, 41, 40), (45, 44, 43, 42, 47, 46)
    outer, inner = (54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55), (64, 63, 62, 61, 60, 67, 66, 65)
    return (*nose_up, *left_eye, *right_eye, *outer, *inner)


_WHOLE_BODY = Anatomy(
    parts=(
        _foot("left_foot", 15, 17),
        _foot("right_foot", 16, 20),
        Part(name="face", joints=tuple(range(23, 91)), carrier=None),
        _hand("left_hand", 9, 91),
        _hand("right_hand", 10, 112),
    ),
    mirrored=(*MIRRORED, 20, 21, 22, 17, 18, 19, *(23 + k for k in _face_mirrored()), *range(112, 133), *range(91, 112)),
)

ANATOMIES = {"coco17": Anatomy(parts=(), mirrored=MIRRORED), "wholebody133": _WHOLE_BODY}
"""Skeleton name -> its anatomy, the names of `models.types.SKELETONS`."""
