"""BVH motion capture: a skeleton of joints with offsets, and a row of channel values per frame -> where every joint is.

    HIERARCHY ROOT Hips { OFFSET 0 0 0  CHANNELS 6 Xposition ... Zrotation  JOINT Spine { ... End Site { OFFSET 0 4 0 } } }
    MOTION  Frames: 339  Frame Time: 0.0333333  -1.23 -0.52 25.04 ...

A joint turns by its rotations in the order of its channels, then sits at its offset from its parent; position channels take the offset's
place. Source: Meredith and Maddock, "Motion Capture File Formats Explained" (2001), section 3.2.

Legend: T frames, K joints, C channels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from models.types import require

_HEAD = re.compile(r"\s*Frames:\s*(\d+)\s+Frame\s+Time:\s*(\S+)", re.IGNORECASE)
_CHANNELS = {f"{axis}{kind}" for axis in "xyz" for kind in ("position", "rotation")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """`parent`: index of an earlier joint, -1 for the root; `end`: offset of the End Site below it, where it has one."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...]
    end: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MotionCapture:
    """`values`: float64 `[T,C]`, the joints' channels side by side, angles in degrees; lengths are in the file's own unit."""

    joints: tuple[Joint, ...]
    values: np.ndarray
    fps: float


def parse_bvh(text: str, item: str) -> MotionCapture:
    """Parse the text of a BVH file. Raises ValueError naming `item` and what is damaged."""
    head, marker, tail = _split(text)
    require(bool(marker), item, "MOTION", "no such line", "HIERARCHY, then MOTION", "the file is cut off or of another format")
    try:
        joints = _hierarchy(head)
    except (ValueError, IndexError, KeyError) as error:
        raise ValueError(f"{item}: HIERARCHY: got {error or type(error).__name__}, expected nested ROOT, JOINT, End Site") from error
    header = _HEAD.match(tail)
    require(header is not None, item, "MOTION", repr(tail[:40]), "Frames: N, then Frame Time: S")
    count, step_s, channels = int(header[1]), _number(header[2]), sum(len(joint.channels) for joint in joints)
    require(0 < step_s < 10, item, "Frame Time", header[2], "seconds > 0")
    values = _values(tail[header.end() :], item)
    require(count > 0 and channels > 0, item, "frames x channels", f"{count} x {channels}", "at least 1 x 1")
    advice = "the file is cut off or damaged; copy it again"
    require(values.size == count * channels, item, "motion values", values.size, f"{count * channels} = {count} x {channels}", advice)
    require(bool(np.isfinite(values).all()), item, "motion values", "non-finite", "finite numbers", advice)
    return MotionCapture(joints=joints, values=values.reshape(count, channels), fps=1 / step_s)


def _split(text: str) -> tuple[str, str, str]:
    found = re.search(r"^\s*MOTION\s*$", text, re.MULTILINE)
    return (text[: found.start()], "MOTION", text[found.end() :]) if found else (text, "", "")


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")


def _values(text: str, item: str) -> np.ndarray:
    try:
        return np.array(text.split(), np.float64)
    except ValueError as error:
        raise ValueError(f"{item}: motion values: got {str(error)[:80]}, expected numbers; the file is damaged") from error


def _hierarchy(text: str) -> tuple[Joint, ...]:
    """The joints in the order of the file, which is that of their channels."""
    words = text.replace("{", " { ").replace("}", " } ").split()
    joints: list[dict] = []
    open_: list[int | None] = []  # indices of the joints we are inside of; None is an End Site
    at = 0
    while at < len(words):
        word = words[at].upper()
        if word in ("ROOT", "JOINT", "END"):
            brace = words.index("{", at)
            if word == "END":
                open_.append(None)
            else:
                if (word == "ROOT") != (not joints):
                    raise ValueError("not exactly one ROOT")
                joints.append({"name": " ".join(words[at + 1 : brace]), "parent": open_[-1] if open_ else -1, "channels": ()})
                open_.append(len(joints) - 1)
            at = brace
        elif word == "OFFSET":
            offset = tuple(float(value) for value in words[at + 1 : at + 4])
            if len(offset) < 3 or not np.isfinite(offset).all():
                raise ValueError(f"OFFSET {offset}")
            inside = open_[-1]
            joints[open_[-2] if inside is None else inside]["end" if inside is None else "offset"] = offset
            at += 3
        elif word == "CHANNELS":
            count = int(words[at + 1])
            channels = tuple(name.lower() for name in words[at + 2 : at + 2 + count])
            if len(channels) != count or not set(channels) <= _CHANNELS:
                raise ValueError(f"CHANNELS {channels}")
            joints[open_[-1]]["channels"] = channels
            at += 1 + count
        elif word == "}":
            open_.pop()
        elif word != "HIERARCHY":
            raise ValueError(f"the word {words[at][:40]!r}")
        at += 1
    if open_ or not joints:
        raise ValueError("braces that do not close" if open_ else "no ROOT")
    return tuple(Joint(**{"offset": (0.0, 0.0, 0.0)} | joint) for joint in joints)


def rest_positions(joints: tuple[Joint, ...]) -> np.ndarray:
    """Where the joints are when nothing is turned, `[K,3]`."""
    places = np.zeros((len(joints), 3))
    for k, joint in enumerate(joints):
        places[k] = np.array(joint.offset) + (places[joint.parent] if joint.parent >= 0 else 0)
    return places


def forward_kinematics(motion: MotionCapture) -> tuple[np.ndarray, np.ndarray]:
    """Where the joints are, `[T,K,3]`, and how they are turned against the rest pose, `[T,K,3,3]`, in the world's axes."""
    frames, joints = len(motion.values), motion.joints
    places, turns = np.zeros((frames, len(joints), 3)), np.zeros((frames, len(joints), 3, 3))
    column = 0
    for k, joint in enumerate(joints):
        own = motion.values[:, column : column + len(joint.channels)]
        column += len(joint.channels)
        move, turn = _local(joint, own)
        if joint.parent < 0:
            places[:, k], turns[:, k] = move, turn
        else:
            above = turns[:, joint.parent]
            places[:, k] = places[:, joint.parent] + np.einsum("tij,tj->ti", above, move)
            turns[:, k] = above @ turn
    return places, turns


def _local(joint: Joint, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a joint is seen from its parent, `[T,3]`, and how it is turned against it, `[T,3,3]`."""
    move = np.tile(np.array(joint.offset), (len(values), 1))
    turn = np.tile(np.eye(3), (len(values), 1, 1))
    for channel, value in zip(joint.channels, values.T):
        axis = "xyz".index(channel[0])
        if channel.endswith("position"):
            move[:, axis] = value
        else:
            turn = turn @ _turn_about(axis, np.deg2rad(value))
    return move, turn


def _turn_about(axis: int, angle: np.ndarray) -> np.ndarray:
    """Right-handed rotations about x, y or z by angles `[T]` in radians, `[T,3,3]`."""
    one, two = (axis + 1) % 3, (axis + 2) % 3
    turn = np.zeros((len(angle), 3, 3))
    turn[:, axis, axis] = 1
    turn[:, one, one] = turn[:, two, two] = np.cos(angle)
    turn[:, two, one] = np.sin(angle)
    turn[:, one, two] = -turn[:, two, one]
    return turn
