"""Motion capture as a pose track: joints by their names, a head built on its joint, seen from the front, fitted once into a frame.

Names of CMU, Mixamo, 3ds Max, Daz, Unreal, SMPL and Poser rigs are known: a side (left, l, right, r; before or behind) and a part.
The camera is orthographic, upright, and looks at the body's front as it stands on average over the clip.

Legend: T frames, K joints of the file, J = 17 joints of coco17.
"""

from __future__ import annotations

import re

import numpy as np

from models.pose.augment import normalise_box
from models.pose.bvh import MotionCapture, forward_kinematics, rest_positions
from models.pose.skeleton import HEAD, HIPS, JOINTS, SHOULDERS
from models.types import PoseTrack, require

_PARTS = {
    "shoulder": ("upperarm", "uparm", "shldr", "arm", "shoulder"),  # a rig with an arm calls its collar bone the shoulder
    "elbow": ("forearm", "lowerarm", "lowarm", "elbow"),
    "wrist": ("wrist", "hand"),
    "hip": ("upleg", "upperleg", "thigh", "hip"),
    "knee": ("lowerleg", "lowleg", "calf", "shin", "leg", "knee"),
    "ankle": ("ankle", "foot"),
}
"""Part of coco17 -> what rigs call it, the surest name first."""

_PREFIX = re.compile(r"^(mixamorig\d*|bip0*1|character\d*|valvebiped|def|cc_base)", re.IGNORECASE)
_HEAD_NAMES = ("head", "neck1", "neck")
_FACE = {"nose": (0.0, 0.2, 0.3), "left_eye": (0.09, 0.3, 0.25), "right_eye": (-0.09, 0.3, 0.25), "left_ear": (0.2, 0.25, 0.05),
         "right_ear": (-0.2, 0.25, 0.05)}  # fmt: skip
"""Points of the face about the head's joint, to its left, up and forward, in widths of the shoulders."""

FACE_CONFIDENCE = 0.5
"""Files tell where the head is, not where the face is on it."""


def named_joints(names: list[str]) -> dict[str, int]:
    """Index in a file of the joints of coco17 it has (`left_wrist`, ...) and of "head", where it has them."""
    plain = {_plain(name): k for k, name in reversed(list(enumerate(names)))}
    found = {}
    for side in ("left", "right"):
        for part, words in _PARTS.items():
            spellings = [spelling for word in words for s in (side, side[0]) for spelling in (s + word, word + s)]
            known = [plain[spelling] for spelling in spellings if spelling in plain]
            found |= {f"{side}_{part}": known[0]} if known else {}
    heads = [plain[name] for name in _HEAD_NAMES if name in plain]
    return found | ({"head": heads[0]} if heads else {})


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _PREFIX.sub("", name.rpartition(":")[2].strip()).lower())


def mocap_track(motion: MotionCapture, size: tuple[int, int], item: str) -> PoseTrack:
    """One person of coco17 in a frame of `size` (W,H) px. Raises ValueError naming `item` where its joints' names are not known."""
    names = [joint.name for joint in motion.joints]
    known = named_joints(names)
    missing = [JOINTS[k] for k in (*SHOULDERS, *HIPS) if JOINTS[k] not in known]
    got = f"{', '.join(names[:40])} (no {', '.join(missing)})"
    require(not missing, item, "joint names", got, "names like LeftArm, LeftUpLeg", "rename the joints as Mixamo or CMU do")
    places, seen = _in_space(motion, known)
    points = _from_the_front(places)[:, None]
    confidence = np.tile(np.where(np.isin(np.arange(len(JOINTS)), HEAD), FACE_CONFIDENCE, 1.0) * seen, (len(points), 1, 1))
    return normalise_box(PoseTrack(points=points, confidence=confidence, skeleton="coco17", fps=motion.fps), size)


def mocap_depth(motion: MotionCapture) -> np.ndarray:
    """How near to the camera of `mocap_track` each joint is, float32 `[T,J]` in widths of the shoulders; 0: not in the file."""
    known = named_joints([joint.name for joint in motion.joints])
    places, seen = _in_space(motion, known)
    right, up = _camera(places)
    width = np.linalg.norm(places[:, SHOULDERS[0]] - places[:, SHOULDERS[1]], axis=-1).mean()
    return ((places @ np.cross(right, up)) * seen / max(width, 1e-9)).astype(np.float32)


def _in_space(motion: MotionCapture, known: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Places `[T,J,3]` and which joints the file has `[J]`."""
    everything, turns = forward_kinematics(motion)
    face = _face_on_head(motion, known) if "head" in known else {}
    places, seen = np.zeros((len(everything), len(JOINTS), 3)), np.zeros(len(JOINTS), bool)
    for j, name in enumerate(JOINTS):
        if name in known:
            places[:, j], seen[j] = everything[:, known[name]], True
        elif name in face:
            places[:, j], seen[j] = everything[:, known["head"]] + turns[:, known["head"]] @ face[name], True
    return places, seen


def _face_on_head(motion: MotionCapture, known: dict[str, int]) -> dict[str, np.ndarray]:
    """Offsets of the face's points from the head's joint in the rest pose: left along the shoulders, up along the head."""
    rest, head = rest_positions(motion.joints), motion.joints[known["head"]]
    left = rest[known["left_shoulder"]] - rest[known["right_shoulder"]]
    hips = (rest[known["left_hip"]] + rest[known["right_hip"]]) / 2
    up = np.array(head.end if head.end and any(head.end) else rest[known["head"]] - hips)
    width = np.linalg.norm(left)
    left = left / max(width, 1e-9)
    up = _unit(up - (up @ left) * left)
    axes = np.stack([left, up, np.cross(left, up)])
    return {name: width * (np.array(share) @ axes) for name, share in _FACE.items()}


def _from_the_front(places: np.ndarray) -> np.ndarray:
    """Orthographic view `[T,J,2]` of places `[T,J,3]`, x to the right and y down; the person's left is at the picture's right."""
    right, up = _camera(places)
    return np.stack([places @ right, -(places @ up)], -1)


def _camera(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is right and up in the picture, as directions in space."""
    middles = places[:, SHOULDERS].mean(1) - places[:, HIPS].mean(1)
    axis = np.abs(middles.mean(0)).argmax()  # files stand along y or along z
    up = np.zeros(3)
    up[axis] = np.sign(middles.mean(0)[axis]) or 1.0
    across = (places[:, (5, 11)] - places[:, (6, 12)]).sum(1)
    across[:, axis] = 0
    steady = np.linalg.norm(across.mean(0)) > 0.2 * np.linalg.norm(across, axis=1).mean()
    right = _unit(across.mean(0) if steady else across[0])  # of someone who spins, the front is the one of the first frame
    return right, up


def _unit(vector: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else np.eye(3)[0]
