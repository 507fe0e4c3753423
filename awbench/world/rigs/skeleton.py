"""The two-legged skeleton: controls -> joints in a small 3D (x right, y down, z to the viewer), projected to the picture.

Character space: the ground under the character is (0, 0), y points down, lengths are body heights. The projection is
orthographic with a slight view from above, so the nearer foot stands lower. The lowest foot always touches the ground
(minus the jump), whatever the legs do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.world.affine import turned
from awbench.world.motion import Controls

TILT = 0.14
"""How much nearer things are drawn lower: sine of the camera's elevation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Proportions in body heights; `*_w` are half widths, `*_r` radii.

    `slack` < 1 keeps raised arms off a big head.
    """

    head_rx: float
    head_ry: float
    neck: float
    torso: float
    shoulder_w: float
    hip_w: float
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    arm_r: float
    leg_r: float
    foot: float
    slack: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joints:
    """Joints by side, `[T,3]` each (x, y px-free, z depth), and the head: centre `[T,2]`, roll, face yaw and pitch `[T]`."""

    pelvis: np.ndarray
    chest: np.ndarray
    shoulder: dict[str, np.ndarray]
    elbow: dict[str, np.ndarray]
    wrist: dict[str, np.ndarray]
    hip: dict[str, np.ndarray]
    knee: dict[str, np.ndarray]
    ankle: dict[str, np.ndarray]
    head: np.ndarray
    head_roll: np.ndarray
    face_yaw: np.ndarray
    face_pitch: np.ndarray
    yaw: np.ndarray


def _rotation(yaw: np.ndarray, roll: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Ry(yaw) Rz(roll) Rx(pitch), `[T,3,3]`: yaw to the right, roll to the right, pitch forwards."""
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*rows: tuple[np.ndarray, ...]) -> np.ndarray:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    cy, sy, cr, sr, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll), np.cos(pitch), np.sin(pitch)
    turn = matrix((cy, zero, sy), (zero, one, zero), (-sy, zero, cy))
    lean = matrix((cr, -sr, zero), (sr, cr, zero), (zero, zero, one))
    bend = matrix((one, zero, zero), (zero, cp, sp), (zero, -sp, cp))
    return turn @ lean @ bend


def _direction(side: float, raised: np.ndarray, swing: np.ndarray) -> np.ndarray:
    """A limb's unit vector: `raised` sideways from hanging, `swing` forwards."""
    return np.stack([side * np.sin(raised), np.cos(raised) * np.cos(swing), np.cos(raised) * np.sin(swing)], -1)


def _offset(frame: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return (frame @ vector[..., None])[..., 0]


def _arm(
    build: Build, frame: np.ndarray, shoulder: np.ndarray, side: float, raised: np.ndarray, swing: np.ndarray, bend: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    sideways = np.clip((raised - 0.3) / 0.9, 0, 1)  # a raised arm bends in the picture plane, a hanging one forwards
    raised, bend = raised * build.slack, bend * (1 - 1.9 * (1 - build.slack) * sideways)
    elbow = shoulder + _offset(frame, build.upper_arm * _direction(side, raised, swing))
    fore = _direction(side, raised + bend * sideways, swing + bend * (1 - sideways))
    return elbow, elbow + _offset(frame, build.forearm * fore)


def _leg(
    build: Build, frame: np.ndarray, hip: np.ndarray, side: float, u: Controls, spread: np.ndarray, swing: np.ndarray, bend: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    fold = np.arccos(np.clip(1 - 0.62 * u.crouch, -1, 1))
    out = 0.35 + 0.4 * np.cos(u.yaw) ** 2  # seen from the front knees go outwards, from the side forwards
    thigh = _direction(side, spread + fold * out, swing + fold * (1.1 - out))
    shin = _direction(side, spread - 0.75 * fold * out, swing - bend - fold * (1.1 - out))
    knee = hip + _offset(frame, build.thigh * thigh)
    return knee, knee + _offset(frame, build.shin * shin)


def solve(build: Build, u: Controls) -> Joints:
    """Joints for the controls."""
    still = np.zeros_like(u.yaw)
    trunk, base = _rotation(u.yaw, u.lean, u.bow), _rotation(u.yaw, 0.25 * u.lean, still)
    chest = _offset(trunk, np.array([0.0, -build.torso, 0.0]))
    joints: dict[str, dict[str, np.ndarray]] = {name: {} for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")}
    for key, side in (("l", 1.0), ("r", -1.0)):
        shoulder = chest + _offset(trunk, np.array([side * build.shoulder_w, 0.35 * build.arm_r, 0.0]))
        raised, swing, bend = (getattr(u, f"{name}_{key}") for name in ("arm_raise", "arm_swing", "elbow"))
        elbow, wrist = _arm(build, trunk, shoulder, side, raised, swing, bend)
        hip = _offset(base, np.array([side * build.hip_w, 0.0, 0.0]))
        spread, swing, bend = (getattr(u, f"{name}_{key}") for name in ("leg_spread", "leg_swing", "knee"))
        knee, ankle = _leg(build, base, hip, side, u, spread, swing, bend)
        for name, value in zip(joints, (shoulder, elbow, wrist, hip, knee, ankle)):
            joints[name][key] = value
    return _grounded(build, u, chest, joints)


def _grounded(build: Build, u: Controls, chest: np.ndarray, joints: dict[str, dict[str, np.ndarray]]) -> Joints:
    def seen(point: np.ndarray) -> np.ndarray:
        return np.stack([point[..., 0], point[..., 1] + TILT * point[..., 2], point[..., 2]], -1)

    drawn = {name: {key: seen(value) for key, value in sides.items()} for name, sides in joints.items()}
    lowest = np.maximum(drawn["ankle"]["l"][:, 1], drawn["ankle"]["r"][:, 1])
    root = np.stack([u.x, -lowest - build.leg_r - u.lift, np.zeros_like(u.x)], -1)
    moved = {name: {key: value + root for key, value in sides.items()} for name, sides in drawn.items()}
    neck = seen(chest) + root
    roll = 0.7 * np.arctan2(chest[:, 0], -chest[:, 1]) + u.tilt
    forward = 0.45 * build.head_ry * u.nod
    head = neck[:, :2] + turned(roll, np.sin(u.yaw) * forward, -(build.neck + 0.94 * build.head_ry) + 0.4 * forward)
    return Joints(
        pelvis=root,
        chest=neck,
        **moved,
        head=head,
        head_roll=roll,
        face_yaw=u.yaw + u.turn,
        face_pitch=u.nod + 0.45 * u.bow + 0.1,
        yaw=u.yaw,
    )
