"""The two-legged rig shared by humans and cartoons: joints -> the affine of every part, the drawing order, the coco17 pose.

Frames: torso, skirt, head, face, eyes, mouth, hair0-2 (a trailing chain) and per side upper_arm, forearm, elbow, hand,
thigh, shin, knee, foot. Hair and skirt follow the body late: their displacement is where the body was a little earlier
minus where it is, so a frame does not depend on where rendering began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.world.affine import along, apply, place, turned
from awbench.world.character import Character
from awbench.world.figure import Figure, Posed, assemble
from awbench.world.motion import Motion
from awbench.world.rigs.skeleton import Build, Joints, solve

_LAGS_S = (0.07, 0.13, 0.19)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Biped(Character):
    """A character with a human skeleton and one trailing strand of three segments.

    `strand`: "hair" hangs from the head at `strand_root` (head coordinates), "antenna" stands on it, "tail" grows from the
    pelvis; `strand_length`: of a segment.
    """

    build: Build
    figure: Figure
    eye: tuple[float, float]
    strand: str = "hair"
    strand_root: tuple[float, float] = (0.0, 0.0)
    strand_length: float = 0.1

    def pose(self, motion: Motion, t_s: np.ndarray) -> Posed:
        """The figure at times `t_s`."""
        times = len(t_s)
        lagged = np.concatenate([t_s, *(t_s - lag for lag in _LAGS_S)])
        u = motion.at(lagged)
        joints = solve(self.build, u)
        past = joints.head.reshape(len(_LAGS_S) + 1, times, 2)
        now = _first(joints, times)
        blink, mouth = u.blink[:times], u.mouth[:times]
        affines = {
            **_limbs(self.build, now),
            **self._body(now, past),
            **_face(self.build, now, blink, mouth),
            **self._strand(now, past, u.phase[:times]),
        }
        return assemble(self.figure, affines, {**_depths(now), "strand": self._strand_depth(now)}, times, _coco17(self, now, affines))

    def _body(self, j: Joints, past: np.ndarray) -> dict[str, np.ndarray]:
        width = np.sqrt(np.cos(j.yaw) ** 2 + (0.7 * np.sin(j.yaw)) ** 2)
        torso = along(j.chest[:, :2], j.pelvis[:, :2], self.build.torso, width, 0.45)
        drag = np.tanh(2.2 * (past[2, :, 0] - past[0, :, 0]) / 0.2) * 0.45
        bell = 1 + 0.9 * np.clip(past[2, :, 1] - past[0, :, 1], -0.15, 0.12)  # falling spreads the hem
        legs = (j.knee["l"][:, 0] + j.knee["r"][:, 0]) / 2 - j.pelvis[:, 0]
        reach = np.abs(j.knee["l"][:, 0] - j.knee["r"][:, 0]) / (2 * self.build.hip_w + 0.12)
        flare = np.clip(0.45 * bell + 0.55 * np.maximum(reach, width), 0.8, 1.7)
        high = np.clip(
            1 - np.maximum(j.pelvis[:, 1] - j.knee["l"][:, 1], j.pelvis[:, 1] - j.knee["r"][:, 1]) / self.build.thigh - 1, -0.4, 0
        )
        shear = drag + 0.6 * legs / self.build.thigh
        skirt = place(j.pelvis[:, 0], j.pelvis[:, 1], 0.0, flare, 1 + 0.3 * high, shear)
        return {"torso": torso, "skirt": skirt}

    def _strand(self, j: Joints, past: np.ndarray, phase: np.ndarray) -> dict[str, np.ndarray]:
        length, side = self.strand_length, np.sin(j.face_yaw)
        if self.strand == "tail":
            root, rest = j.pelvis[:, :2] + np.array([0.0, 0.25 * length]), self._tail(j, phase)
        else:
            down = 1.0 if self.strand == "hair" else -1.0
            back = 0.55 * self.build.head_rx * side if self.strand == "hair" else np.zeros_like(side)
            root = j.head + turned(j.head_roll, self.strand_root[0] - back, np.full_like(side, self.strand_root[1]))
            rest = [turned(j.head_roll * (down < 0), -0.25 * side * length, np.full_like(side, down * length))] * 3
        points, frames = [root], {}
        for i in range(3):
            pull = (i + 1) * 0.8 * (past[i + 1] - past[0]) * (np.array([1.0, 0.0]) if self.strand == "antenna" else 1.0)
            points.append(points[-1] + rest[i] + length * np.tanh(pull / length))
            frames[f"hair{i}"] = along(points[i], points[i + 1], length, 1.0, 0.5)
        return frames

    def _strand_depth(self, j: Joints) -> np.ndarray:
        away = np.cos(j.face_yaw) < -0.15
        return np.where(away, 0.15 if self.strand == "tail" else 0.62, -0.45)

    def _tail(self, j: Joints, phase: np.ndarray) -> list[np.ndarray]:
        """A wagging tail curls up behind; seen from the front it shows on one side."""
        behind = np.tanh(3.0 * (0.4 - np.sin(j.yaw)))
        angles = [behind * (1.35 + 0.4 * i) + 0.25 * (i + 1) * np.sin(phase - 0.6 * i) for i in range(3)]
        return [self.strand_length * np.stack([np.sin(a), np.cos(a)], -1) for a in angles]


def _first(joints: Joints, times: int) -> Joints:
    def keep(value: object) -> object:
        return {key: part[:times] for key, part in value.items()} if isinstance(value, dict) else value[:times]

    return Joints(**{name: keep(getattr(joints, name)) for name in Joints.__slots__})


def _limbs(build: Build, j: Joints) -> dict[str, np.ndarray]:
    frames: dict[str, np.ndarray] = {}
    for key, side in (("l", 1.0), ("r", -1.0)):
        s, e, w = j.shoulder[key][:, :2], j.elbow[key][:, :2], j.wrist[key][:, :2]
        h, k, a = j.hip[key][:, :2], j.knee[key][:, :2], j.ankle[key][:, :2]
        frames[f"upper_arm_{key}"], frames[f"forearm_{key}"] = along(s, e, build.upper_arm), along(e, w, build.forearm)
        frames[f"thigh_{key}"], frames[f"shin_{key}"] = along(h, k, build.thigh), along(k, a, build.shin)
        frames[f"elbow_{key}"], frames[f"knee_{key}"] = place(e[:, 0], e[:, 1]), place(k[:, 0], k[:, 1])
        fore = np.arctan2(-(w - e)[:, 0], (w - e)[:, 1])
        frames[f"hand_{key}"] = place(w[:, 0], w[:, 1], fore)
        toes = np.clip(np.sin(j.yaw) + 0.45 * side * np.cos(j.yaw), -1, 1)
        pitch = np.arctan2(-(a - k)[:, 0], np.maximum((a - k)[:, 1], 0.02)) * 0.8
        wide = np.where(toes >= 0, 1.0, -1.0) * np.maximum(np.abs(toes), 0.55)
        frames[f"foot_{key}"] = place(a[:, 0], a[:, 1], np.clip(pitch, -1.2, 1.2), wide, 1.0)
    return frames


def _face(build: Build, j: Joints, blink: np.ndarray, mouth: np.ndarray) -> dict[str, np.ndarray]:
    c, s = np.cos(j.face_yaw), np.sin(j.face_yaw)
    shift = turned(j.head_roll, 0.52 * build.head_rx * s, 0.42 * build.head_ry * np.sin(np.clip(j.face_pitch, -1.1, 1.1)))
    at = j.head + shift
    wide = 0.42 + 0.58 * np.abs(c)
    face = place(at[:, 0], at[:, 1], j.head_roll, wide)
    lips = at + turned(j.head_roll, 0.0, 0.46 * build.head_ry)
    return {
        "head": place(j.head[:, 0], j.head[:, 1], j.head_roll),
        "face": face,
        "eyes": place(at[:, 0], at[:, 1], j.head_roll, wide, np.maximum(1 - blink, 0.12)),
        "mouth": place(lips[:, 0], lips[:, 1], j.head_roll, wide * (1 - 0.15 * mouth), 0.45 + 0.85 * mouth),
    }


def _depths(j: Joints) -> dict[str, np.ndarray | float]:
    away = np.cos(j.face_yaw) < -0.15
    near = {key: np.clip((j.wrist[key][:, 2] + j.shoulder[key][:, 2]) * 0.5, -0.4, 0.4) for key in ("l", "r")}
    legs = {key: np.clip(0.2 * (j.knee[key][:, 2] + j.hip[key][:, 2]), -0.05, 0.05) for key in ("l", "r")}
    up = {key: j.wrist[key][:, 1] < j.head[:, 1] for key in ("l", "r")}
    arms = {
        f"arm_{k}": np.where(near[k] < -0.035, -0.3 + 0.1 * near[k], np.where(up[k] & (near[k] < 0.12), 0.35, 0.8 + 0.1 * near[k]))
        for k in ("l", "r")
    }
    return {
        "leg_l": -0.1 + legs["l"],
        "leg_r": -0.1 + legs["r"],
        "skirt": 0.05,
        "torso": 0.1,
        **arms,
        "neck": 0.08,
        "backhair": np.where(away, 0.6, -0.5),
        "head": 0.5,
        "ears": np.where(away, 0.52, 0.49),
        "face": np.where(away, 0.45, 0.55),
        "front": np.where(away, 0.585, 0.58),
        "hat": 0.65,
    }


def _coco17(biped: Biped, j: Joints, frames: dict[str, np.ndarray]) -> np.ndarray:
    """coco17 joints `[T,17,3]`: nose, eyes, ears, then shoulders to ankles, left before right; a hidden face has confidence 0."""
    ex, ey = biped.eye
    face = apply(frames["face"], np.array([[0.0, 0.18 * biped.build.head_ry], [ex, ey], [-ex, ey]]))
    c = np.cos(j.face_yaw)
    ears = [j.head + turned(j.head_roll, sign * 0.9 * biped.build.head_rx * c, 0.05) for sign in (1, -1)]
    body = [getattr(j, name)[key][:, :2] for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for key in ("l", "r")]
    points = np.concatenate([face, np.stack([*ears, *body], 1)], 1)
    seen = np.ones(points.shape[:2])
    s = np.sin(j.face_yaw)
    seen[:, :3] = (c > -0.15)[:, None]
    seen[:, 3], seen[:, 4] = s < 0.75, s > -0.75
    return np.concatenate([points, seen[..., None]], -1)
