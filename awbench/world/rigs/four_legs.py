"""The four-legged rig: arm channels move the front legs, leg channels the hind legs; the tail wags and trails, ears flop.

The animal is seen from the side. `yaw` becomes the side it faces; between the sides it turns like paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.world.affine import along, apply, compose, place
from awbench.world.character import Character
from awbench.world.figure import Posed, assemble
from awbench.world.motion import Controls, Motion
from awbench.world.rigs.chain import bent, chain_frames

LEGS = ("fl", "fr", "hl", "hr")
"""Front or hind, the character's left or right."""
TAIL_SEGMENTS = 4
GROUPS = ("tail", "leg_fr", "leg_hr", "ear_far", "body", "head", "ear_near")
_LAGS_S = (0.08, 0.16)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quadruped(Character):
    """Lengths in body units; `neck`: length and angle; `tail`: segment length, rest angle, curl;
    `shift` centres head to tail."""

    body: float
    radius: float
    leg: float
    neck: tuple[float, float]
    head: float
    snout: float
    tail: tuple[float, float, float]
    shift: float

    def pose(self, motion: Motion, t_s: np.ndarray) -> Posed:
        """The figure at times `t_s`."""
        u = motion.at(t_s)
        way = _way(u.yaw, motion)
        trunk, feet = self._trunk(u)
        frames = {"body": trunk, **self._legs(u, trunk, feet)}
        frames.update(self._head(u, trunk, motion, t_s))
        frames.update(self._tail(u, trunk, motion, t_s))
        mirror = place(u.x + way * self.shift, -0.7 * u.lift, 0.0, way, 1.0)
        frames = {name: compose(mirror, frame) for name, frame in frames.items()}
        depth = {name: float(i) for i, name in enumerate(GROUPS)}
        return assemble(self.figure, frames, depth, len(t_s), self._coco17(frames))

    def _coco17(self, frames: dict[str, np.ndarray]) -> np.ndarray:
        """The joints that play the part of a human's, `[T,17,3]`: front legs as arms, hind legs as legs; seen from the side."""
        r, snout = self.head, self.snout
        face = (
            apply(frames["head"], np.array([[0.72 * r + snout, 0.16 * r]]))[:, 0],
            *[frames["eye"][..., 2]] * 2,
            *[frames["ear"][..., 2]] * 2,
        )
        limbs = [frames[f"{part}_{pair}{key}"][..., 2] for pair in "fh" for part in ("upper", "lower", "paw") for key in "lr"]
        points = np.stack([*face, *limbs], 1)
        return np.concatenate([points, np.ones((*points.shape[:2], 1))], -1)

    def _trunk(self, u: Controls) -> tuple[np.ndarray, np.ndarray]:
        """The body's frame (origin its middle, x forwards) standing on its lowest foot, and the legs' reach `[T,4]`."""
        raised = 0.5 * (np.clip(u.arm_raise_l - 0.4, 0, 2.4) + np.clip(u.arm_raise_r - 0.4, 0, 2.4))
        pitch = -0.34 * np.minimum(raised, 1.8) * np.minimum(raised, 0.6) / 0.6 + 0.42 * np.clip(u.bow, -0.4, 1.2) + 0.35 * u.lean
        drop = np.minimum(0.62 * u.crouch, 0.6) * self.leg
        rear = 0.5 * self.body * np.maximum(np.sin(-pitch), -0.55)  # rearing lifts the middle, bowing lowers it
        return place(np.zeros_like(pitch), -(self.leg + 0.55 * self.radius) + drop - rear, pitch), drop

    def _legs(self, u: Controls, trunk: np.ndarray, drop: np.ndarray) -> dict[str, np.ndarray]:
        frames: dict[str, np.ndarray] = {}
        hinds = np.array([-0.42 * self.body, 0.45 * self.radius])
        for key in LEGS:
            side, front = key[1], key[0] == "f"
            limb = "arm" if front else "leg"
            swing = getattr(u, f"{limb}_swing_{side}") + (
                0.75 * np.clip(u.arm_raise_l if side == "l" else u.arm_raise_r, 0, 2.4) - 0.15
                if front
                else 0.6 * getattr(u, f"leg_spread_{side}")
            )
            bend = 0.55 * getattr(u, f"{'elbow' if front else 'knee'}_{side}") + 0.95 * u.crouch
            hip = apply(trunk, np.array([[0.42 * self.body, 0.45 * self.radius]]) if front else hinds[None])[:, 0]
            hip = hip + np.array([0.035 if side == "r" else -0.01, -0.012 if side == "r" else 0.0])
            frames.update(self._leg(key, hip, np.clip(swing, -1.0, 2.0), bend, front))
        return frames

    def _leg(self, key: str, hip: np.ndarray, swing: np.ndarray, bend: np.ndarray, front: bool) -> dict[str, np.ndarray]:
        upper, lower = 0.5 * self.leg, 0.52 * self.leg
        fold = 0.5 * bend if front else -0.5 * bend
        knee = hip + upper * np.stack([np.sin(swing + fold), np.cos(swing + fold)], -1)
        shin = swing - bend if front else swing + 0.5 * bend
        foot = knee + lower * np.stack([np.sin(shin), np.cos(shin)], -1)
        buried = np.maximum(foot[:, 1] + 0.03, 0.0)  # a foot cannot go below the ground: the leg bends instead
        foot = foot - np.stack([np.zeros_like(buried), buried], -1)
        knee = knee - np.stack([0.5 * buried if not front else -0.5 * buried, 0.5 * buried], -1)
        return {
            f"upper_{key}": along(hip, knee, upper),
            f"lower_{key}": along(knee, foot, lower),
            f"paw_{key}": place(foot[:, 0], foot[:, 1], 0.3 * np.clip(-swing, -1, 1)),
        }

    def _head(self, u: Controls, trunk: np.ndarray, motion: Motion, t_s: np.ndarray) -> dict[str, np.ndarray]:
        length, rest = self.neck
        base = apply(trunk, np.array([[0.46 * self.body, -0.45 * self.radius]]))[:, 0]
        pitch = np.arctan2(trunk[:, 1, 0], trunk[:, 0, 0])
        angle = rest - 0.75 * pitch - 0.45 * u.nod + 0.25 * u.tilt
        head = base + length * np.stack([np.cos(angle), -np.sin(angle)], -1)
        roll = 0.35 * pitch + 0.6 * u.nod + 0.5 * u.tilt
        look = 1 - 0.3 * np.abs(np.sin(u.turn))
        at = place(head[:, 0], head[:, 1], roll, look)
        eye, jaw = apply(at, np.array([[0.3 * self.head, -0.2 * self.head], [0.3 * self.head, 0.45 * self.head]])).swapaxes(0, 1)
        before = [motion.at(t_s - lag) for lag in _LAGS_S]
        flop = np.clip(
            3.0 * (before[1].lift - u.lift) + 1.4 * (before[0].nod - u.nod) + 0.9 * (before[0].lean - u.lean) + 2 * (before[1].x - u.x),
            -1,
            1,
        )
        ear = apply(at, np.array([[-0.35 * self.head, -0.7 * self.head]]))[:, 0]
        return {
            "neck": along(base, head, length),
            "head": at,
            "eye": place(eye[:, 0], eye[:, 1], roll, look, np.maximum(1 - u.blink, 0.12)),
            "jaw": place(jaw[:, 0], jaw[:, 1], roll + 0.55 * u.mouth, look, 0.25 + 0.9 * u.mouth),
            "ear": place(ear[:, 0], ear[:, 1], roll + flop, look),
        }

    def _tail(self, u: Controls, trunk: np.ndarray, motion: Motion, t_s: np.ndarray) -> dict[str, np.ndarray]:
        segment, rest, curl = self.tail
        root = apply(trunk, np.array([[-0.52 * self.body, -0.35 * self.radius]]))[:, 0]
        angles = []
        for i in range(TAIL_SEGMENTS):
            then = motion.at(t_s - 0.07 * i)
            fall = motion.at(t_s - 0.07 * i - 0.06)
            drag = 4.0 * (fall.lift - then.lift) + 2.0 * (fall.x - then.x)
            angles.append(rest + curl * i + (0.22 + 0.1 * i) * np.sin(then.phase + 0.5) + 0.5 * then.lean + np.clip(drag, -0.8, 0.8))
        lengths = np.full(TAIL_SEGMENTS, segment)
        return chain_frames("tail", bent(root, np.stack(angles, 1), lengths), lengths)


def _way(yaw: np.ndarray, motion: Motion) -> np.ndarray:
    """The facing factor, +-1: right or left; a turning programme passes through narrow views, never through zero width."""
    across = np.sin(yaw + 0.9 * motion.beat().side)
    return np.where(across >= 0, 1.0, -1.0) * np.clip(1.6 * np.abs(across), 0.3, 1.0)
