"""COCO-17: joint names, bones and groups. Joint order and bones follow the COCO keypoint task (Lin et al., 2014)."""

from __future__ import annotations

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
