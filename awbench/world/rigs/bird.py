"""Birds (chicks, owls, penguins, parrots) from the front: arm channels beat the wings, leg channels the thin legs.

Wings are two segments and a feathered tip that lags; the crest and the tail trail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.world import palette
from awbench.world.affine import along, apply, compose, place
from awbench.world.character import Character
from awbench.world.figure import Posed, Sketch, assemble
from awbench.world.motion import Controls, Motion
from awbench.world.shapes import capsule, ellipse, mirrored, smooth, spots, stripes

_SIDES = (("l", 1.0), ("r", -1.0))
GROUPS = ("tail", "crest", "leg_l", "leg_r", "body", "belly", "face", "beak", "wing_l", "wing_r")
_HEIGHT = 0.78


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bird(Character):
    """`width`: half width of the body, `leg`: length of the legs, `wing`: length, `eye`: (x, y) in body coordinates."""

    width: float
    leg: float
    wing: float
    eye: tuple[float, float]

    def pose(self, motion: Motion, t_s: np.ndarray) -> Posed:
        """The figure at times `t_s`."""
        u, late = motion.at(t_s), motion.at(t_s - 0.1)
        squash = 1 - 0.28 * u.crouch + 0.12 * np.clip(u.lift / 0.15, 0, 1)
        hips = -self.leg * (1 - 0.62 * u.crouch) - u.lift
        body = place(u.x, hips, 0.9 * u.lean + 0.35 * u.tilt, 1 / np.sqrt(squash), squash * np.cos(0.55 * u.bow))
        frames = {"body": body, **self._legs(u, hips), **self._face(u, body), **self._wings(u, late, body), **self._soft(u, late, body)}
        away = np.cos(u.yaw) < -0.15
        shown = {
            "belly": np.where(away, -0.5, 0.2),
            "face": np.where(away, -0.4, 0.3),
            "beak": np.where(away, -0.4, 0.4),
            "tail": np.where(away, 0.25, -1.0),
            "crest": -0.9,
            "leg_l": -0.8,
            "leg_r": -0.8,
            "wing_l": np.where(np.sin(u.yaw) > 0.3, -0.45, 0.6),
            "wing_r": np.where(np.sin(u.yaw) < -0.3, -0.45, 0.6),
        }
        return assemble(self.figure, frames, shown, len(t_s), self._coco17(frames, away))

    def _coco17(self, frames: dict[str, np.ndarray], away: np.ndarray) -> np.ndarray:
        """The joints that play the part of a human's, `[T,17,3]`: wings as arms; a hidden face has confidence 0."""
        ex = self.eye[0]
        face = apply(frames["face"], np.array([[0.0, 0.11], [ex, 0.0], [-ex, 0.0], [1.6 * ex, 0.0], [-1.6 * ex, 0.0]]))
        wings = [frames[f"{part}_{key}"][..., 2] for part in ("wing", "tip") for key, _ in _SIDES]
        wings += [apply(frames[f"tip_{key}"], np.array([[0.0, 0.5 * self.wing]]))[:, 0] for key, _ in _SIDES]
        hips, feet = ([frames[f"{part}_{key}"][..., 2] for key, _ in _SIDES] for part in ("leg", "foot"))
        knees = [(hip + foot) / 2 for hip, foot in zip(hips, feet)]
        points = np.concatenate([face, np.stack([*wings, *hips, *knees, *feet], 1)], 1)
        seen = np.ones(points.shape[:2])
        seen[:, :5] = ~away[:, None]
        return np.concatenate([points, seen[..., None]], -1)

    def _legs(self, u: Controls, hips: np.ndarray) -> dict[str, np.ndarray]:
        frames: dict[str, np.ndarray] = {}
        for key, side in _SIDES:
            raise_ = np.clip(0.5 * np.abs(getattr(u, f"leg_swing_{key}")) + 0.35 * getattr(u, f"knee_{key}"), 0, 1) * self.leg * 0.8
            turn = np.sin(u.yaw)
            hip = np.stack([u.x + side * 0.4 * self.width * (1 - 0.35 * np.abs(turn)), hips - 0.03], -1)
            swing = turn * getattr(u, f"leg_swing_{key}") + side * 1.1 * getattr(u, f"leg_spread_{key}")
            foot = np.stack([hip[:, 0] + self.leg * np.sin(np.clip(swing, -1.2, 1.2)), -u.lift - raise_ - 0.02], -1)
            frames[f"leg_{key}"] = along(hip, foot, self.leg, 1.0, 0.25)
            frames[f"foot_{key}"] = place(foot[:, 0], foot[:, 1], 0.3 * swing, 1.0 - 0.3 * np.abs(turn))
        return frames

    def _face(self, u: Controls, body: np.ndarray) -> dict[str, np.ndarray]:
        yaw = u.yaw + 1.2 * u.turn
        shift, wide = 0.48 * self.width * np.sin(yaw), 0.5 + 0.5 * np.abs(np.cos(yaw))
        down = 0.16 * (u.nod + 0.7 * u.bow)
        one = np.ones_like(yaw)
        face = compose(body, place(shift, down + self.eye[1], 0.4 * u.tilt, wide))
        belly = compose(body, place(0.42 * self.width * np.sin(u.yaw), 0.0 * one, 0.0, 0.6 + 0.4 * np.abs(np.cos(u.yaw))))
        beak_at = np.array([0.0, 0.11])
        return {
            "face": face,
            "belly": belly,
            "eyes": compose(face, place(0 * one, 0 * one, 0.0, 1.0, np.maximum(1 - u.blink, 0.12))),
            "beak": compose(face, place(0.2 * self.width * np.sin(yaw), beak_at[1] * one, 0.0, 1.0, one)),
            "jaw": compose(face, place(0.2 * self.width * np.sin(yaw), (beak_at[1] + 0.012) * one, 0.0, 1.0, 0.35 + 1.3 * u.mouth)),
        }

    def _wings(self, u: Controls, late: Controls, body: np.ndarray) -> dict[str, np.ndarray]:
        frames: dict[str, np.ndarray] = {}
        ahead = np.sin(u.yaw)
        narrow = np.maximum(np.abs(np.cos(u.yaw)), 0.25)
        for key, side in _SIDES:
            root = np.stack([side * 0.86 * self.width * narrow - 0.18 * self.width * ahead, np.full_like(u.x, -0.62 * _HEIGHT)], -1)
            now, then = (_wing_angle(c, key, 0.25 + 0.85 * side * ahead) for c in (u, late))
            tip = now + 0.4 * getattr(u, f"elbow_{key}") - 0.3 + 0.8 * (then - now)
            frames[f"wing_{key}"] = compose(body, place(root[:, 0], root[:, 1], -side * now, side))
            middle = root + 0.5 * self.wing * np.stack([side * np.sin(now), np.cos(now)], -1)
            frames[f"tip_{key}"] = compose(body, place(middle[:, 0], middle[:, 1], -side * tip, side))
        return frames

    def _soft(self, u: Controls, late: Controls, body: np.ndarray) -> dict[str, np.ndarray]:
        sway = np.clip(3.5 * (late.x - u.x) + 1.5 * (late.lean - u.lean) + 0.8 * (late.tilt - u.tilt), -0.9, 0.9)
        bounce = np.clip(1 + 2.5 * (late.lift - u.lift), 0.7, 1.4)
        zero = np.zeros_like(sway)
        tail = compose(body, place(zero - 0.35 * self.width * np.sin(u.yaw), zero - 0.12, 0.25 * np.sin(u.phase) - sway))
        return {"crest": compose(body, place(zero, zero - 0.97 * _HEIGHT, 0.15 * np.sin(u.phase) + 1.3 * sway, 1.0, bounce)), "tail": tail}


def _wing_angle(u: Controls, key: str, reach: np.ndarray) -> np.ndarray:
    """From hanging; `reach`: how much of a forward swing shows in the picture."""
    swing = getattr(u, f"arm_swing_{key}") * reach
    return np.clip(0.92 * getattr(u, f"arm_raise_{key}") + swing + 0.3, -2.0, 2.7)


def _wing(length: float, wide: float) -> tuple[np.ndarray, np.ndarray]:
    upper = smooth(
        [
            (-0.5 * wide, -0.02),
            (0.4 * wide, -0.06),
            (0.95 * wide, 0.25 * length),
            (0.9 * wide, 0.6 * length),
            (0.0, 0.68 * length),
            (-0.55 * wide, 0.3 * length),
        ],
        5,
    )
    tip = smooth(
        [
            (-0.3 * wide, -0.1 * length),
            (0.85 * wide, 0.0),
            (0.8 * wide, 0.3 * length),
            (0.42 * wide, 0.36 * length),
            (0.4 * wide, 0.5 * length),
            (0.05 * wide, 0.42 * length),
            (-0.05 * wide, 0.56 * length),
            (-0.3 * wide, 0.25 * length),
        ],
        4,
    )
    return upper, tip


def _draw_body(sketch: Sketch, rng: np.random.Generator, width: float, colour: palette.Colour, belly: palette.Colour) -> None:
    h, top = _HEIGHT, rng.uniform(0.62, 0.92) * width
    shape = mirrored(
        [
            (0, -h),
            (0.62 * top, -0.95 * h),
            (top, -0.74 * h),
            (0.95 * width, -0.45 * h),
            (width, -0.24 * h),
            (0.7 * width, 0.0),
            (0, 0.055 * h),
        ],
        6,
    )
    sketch.part("body", "body", shape, colour, light=(-0.22 * width, -0.58 * h), keep=0.9)
    patch = mirrored([(0, -0.56 * h), (0.6 * width, -0.42 * h), (0.68 * width, -0.2 * h), (0.45 * width, -0.01 * h), (0, 0.025 * h)], 5)
    sketch.mark("belly", "belly", patch, belly)
    style = rng.choice(["plain", "hoops", "dots"])
    for mark in stripes(patch, np.pi / 2, 0.1, 0.35) if style == "hoops" else (spots(patch, rng, 10, 0.028) if style == "dots" else []):
        sketch.mark("belly", "belly", mark, palette.mix(belly, colour, 0.5))


def _draw_face(sketch: Sketch, rng: np.random.Generator, width: float, colour: palette.Colour, beak: palette.Colour) -> float:
    ex, r = rng.uniform(0.34, 0.42) * width, rng.uniform(0.052, 0.068)
    owl = rng.uniform() < 0.45
    for sign in (-1, 1):
        if owl:
            sketch.mark("face", "face", ellipse(sign * ex, 0, 1.75 * r, 1.75 * r, 22), palette.lighter(colour, 0.6))
        for size, tone, drop in ((1.15, palette.darker(colour, 0.6), 0.0), (1.0, palette.WHITE, 0.0), (0.66, palette.INK, 0.12)):
            sketch.mark("face", "eyes", ellipse(sign * ex, drop * r, size * r, 1.1 * size * r, 18), tone)
        sketch.mark("face", "eyes", ellipse(sign * ex - 0.2 * r, -0.28 * r, 0.24 * r, 0.26 * r, 8), palette.WHITE)
        sketch.mark("face", "face", ellipse(sign * 1.5 * ex, 0.1, 0.05, 0.03, 12), palette.mix(colour, (240, 90, 100), 0.5))
    big = rng.uniform(0.8, 1.2)
    sketch.part(
        "beak",
        "jaw",
        smooth([(-0.05 * big, 0.0), (0.05 * big, 0.0), (0.025 * big, 0.06), (-0.025 * big, 0.06)], 4),
        palette.darker(beak, 0.35),
    )
    sketch.part(
        "beak",
        "beak",
        smooth([(-0.07 * big, -0.012), (0, -0.045), (0.07 * big, -0.012), (0.02 * big, 0.052 * big), (-0.02 * big, 0.052 * big)], 4),
        beak,
    )
    return ex


def bird(seed: int) -> Bird:
    """The bird of a seed."""
    rng = np.random.default_rng([19, seed])
    colour, sketch = palette.vivid(rng), Sketch(line=0.0125)
    belly = palette.lighter(colour, 0.68) if rng.uniform() < 0.6 else palette.accent(rng, colour)
    beak = palette.hsv(rng.uniform(0.04, 0.14), 0.85, 0.98)
    plume = palette.accent(rng, colour)
    width, leg, wing = rng.uniform(0.23, 0.3), rng.uniform(0.12, 0.2), rng.uniform(0.36, 0.46)
    _draw_body(sketch, rng, width, colour, belly)
    ex = _draw_face(sketch, rng, width, colour, beak)
    upper, tip = _wing(wing, rng.uniform(0.1, 0.13))
    flight = palette.darker(colour, 0.18)
    for key, _ in _SIDES:
        sketch.part(f"wing_{key}", f"tip_{key}", tip, plume)
        sketch.part(f"wing_{key}", f"wing_{key}", upper, flight, light=(-0.02, 0.2 * wing), keep=0.82)
        sketch.part(f"leg_{key}", f"leg_{key}", capsule(leg, 0.022, 0.018), beak)
        foot = [(-0.02, -0.02), (0.02, -0.02), (0.085, 0.02), (0.035, 0.015), (0.0, 0.03), (-0.035, 0.015), (-0.085, 0.02)]
        sketch.part(f"leg_{key}", f"foot_{key}", smooth(foot, 2), beak)
    for dx, size in ((-0.05, 0.75), (0.05, 0.75), (0.0, 1.0)):
        sketch.part("crest", "crest", ellipse(dx * 1.1, -0.06 * size, 0.034, 0.095 * size, 14), plume)
        sketch.part("tail", "tail", ellipse(2.2 * dx, 0.14, 0.05, 0.12, 14), plume)
    return Bird(
        scale=rng.uniform(0.61, 0.67),
        half=(0.0, -0.68, 1.06),
        face=(0.0, -0.75, 0.92),
        girth=0.22,
        colours=(colour, belly, plume),
        figure=sketch.finish(GROUPS),
        width=width,
        leg=leg,
        wing=wing,
        eye=(ex, -0.74 * _HEIGHT),
    )
