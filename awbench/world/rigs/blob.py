"""Blobs: jelly without a skeleton. Channels squash, stretch and shear the body; lobes grow where arms and legs would be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.world import palette
from awbench.world.affine import apply, compose, place
from awbench.world.character import Character
from awbench.world.figure import Posed, Sketch, assemble
from awbench.world.motion import Controls, Motion
from awbench.world.rigs.chain import bent, chain_frames, draw_chain
from awbench.world.shapes import band, capsule, ellipse, mirrored, smile, spots, stripes

_SIDES = (("l", 1.0), ("r", -1.0))
_STALK = 3
GROUPS = ("stalk", "lobe_l", "lobe_r", "foot_l", "foot_r", "body", "face")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blob(Character):
    """`width`: half width, `height`: of the body, `lobe`: length of the arm lobes, `stalk`: segment length (drawn or not)."""

    width: float
    height: float
    lobe: float
    stalk: float

    def pose(self, motion: Motion, t_s: np.ndarray) -> Posed:
        """The figure at times `t_s`."""
        u, late = motion.at(t_s), motion.at(t_s - 0.09)
        body = self._body(u, late)
        frames = {"body": body, **self._face(u, body), **self._lobes(u, late, body), **self._stalk_frames(motion, t_s, body)}
        away = np.cos(u.yaw) < -0.15
        return assemble(
            self.figure,
            frames,
            {"face": np.where(away, -1.0, 1.0), "stalk": -0.6, "lobe_l": -0.4, "lobe_r": -0.4, "foot_l": -0.2, "foot_r": -0.2},
            len(t_s),
        )

    def _body(self, u: Controls, late: Controls) -> np.ndarray:
        legs = 0.16 * (np.abs(u.leg_swing_l - u.leg_swing_r) - 0.4) + 0.12 * (u.knee_l + u.knee_r)
        tall = np.clip(
            1
            + 0.1 * np.sin(u.phase)
            - 0.42 * u.crouch
            - 0.3 * np.abs(u.bow)
            - 0.15 * legs
            + 1.2 * (u.lift - late.lift)
            + 0.04 * (u.arm_raise_l + u.arm_raise_r - 1),
            0.55,
            1.22,
        )
        shear = -np.clip(1.15 * u.lean + 0.55 * u.bow * np.sin(u.yaw) + 2.0 * (late.x - u.x) * -1 + 0.25 * u.tilt, -0.8, 0.8)
        rock = 0.16 * (u.leg_swing_l - u.leg_swing_r) * np.sign(np.sin(u.yaw) + 1e-9)
        return place(u.x, -u.lift - 0.03, rock, tall**-0.55, tall, shear)

    def _face(self, u: Controls, body: np.ndarray) -> dict[str, np.ndarray]:
        yaw = u.yaw + u.turn
        one = np.ones_like(yaw)
        spot = np.stack([0.5 * self.width * np.sin(yaw), -0.56 * self.height + 0.14 * (u.nod + 0.5 * u.bow)], -1)
        at = apply(body, spot[:, None])[:, 0]
        stretch = np.sqrt(np.abs(body[:, 1, 1]))  # eyes stretch less than the jelly around them
        face = place(at[:, 0], at[:, 1], 0.5 * u.tilt + 0.6 * body[:, 0, 1], (0.5 + 0.5 * np.abs(np.cos(yaw))) / stretch, stretch)
        return {
            "face": face,
            "eyes": compose(face, place(0 * one, 0 * one, 0.0, 1.0, np.maximum(1 - u.blink, 0.12))),
            "mouth": compose(face, place(0 * one, 0.14 * one, 0.0, 1 - 0.2 * u.mouth, 0.5 + 0.9 * u.mouth)),
        }

    def _lobes(self, u: Controls, late: Controls, body: np.ndarray) -> dict[str, np.ndarray]:
        frames: dict[str, np.ndarray] = {}
        for key, side in _SIDES:
            angle = np.clip(0.95 * getattr(late, f"arm_raise_{key}") + 0.8 * getattr(late, f"arm_swing_{key}") + 0.35, 0.3, 2.7)
            long = np.clip(1.05 - 0.18 * getattr(late, f"elbow_{key}") + 0.1 * angle, 0.6, 1.25)
            one = np.ones_like(angle)
            frames[f"lobe_{key}"] = compose(
                body, place(side * 0.72 * self.width * one, -0.42 * self.height * one, -side * angle, 1 / np.sqrt(long), long)
            )
            step = np.clip(0.12 * np.abs(getattr(u, f"leg_swing_{key}")) + 0.08 * getattr(u, f"knee_{key}"), 0, 0.2)
            out = side * (0.5 * self.width + 0.25 * getattr(u, f"leg_spread_{key}")) + 0.16 * np.sin(u.yaw) * getattr(u, f"leg_swing_{key}")
            frames[f"foot_{key}"] = place(u.x + out, -u.lift - step - 0.035, 0.4 * np.sin(u.yaw) * getattr(u, f"leg_swing_{key}"))
        return frames

    def _stalk_frames(self, motion: Motion, t_s: np.ndarray, body: np.ndarray) -> dict[str, np.ndarray]:
        root = body[:, :, 1] * (-0.96 * self.height) + body[:, :, 2]
        angles = []
        for i in range(_STALK):
            then, before = motion.at(t_s - 0.06 * (i + 1)), motion.at(t_s - 0.06 * (i + 2))
            angles.append(
                np.pi
                + np.clip(0.6 * then.lean + 0.14 * np.sin(then.phase) + 6.0 * (before.x - then.x) - 0.25 * then.tilt, -1.0, 1.0)
                * (0.6 + 0.5 * i)
            )
        lengths = np.full(_STALK, self.stalk)
        return chain_frames("stalk", bent(root, np.stack(angles, 1), lengths), lengths)


def _skin(
    sketch: Sketch, rng: np.random.Generator, shape: np.ndarray, width: float, height: float, colour: palette.Colour, other: palette.Colour
) -> None:
    inner = shape * 0.95 - np.array([0.0, 0.02])
    style = rng.choice(["spots", "hoops", "dip", "stripes", "plain"])
    marks = {
        "spots": lambda: spots(inner, rng, 9, 0.055),
        "hoops": lambda: stripes(inner, np.pi / 2, 0.16, 0.4),
        "stripes": lambda: stripes(inner, 0.5, 0.15, 0.4),
        "dip": lambda: [band(inner, np.pi / 2, -0.26 * height, 1.0)],
        "plain": lambda: [],
    }[str(style)]()
    for mark in marks:
        sketch.mark("body", "body", mark, other)
    sketch.gleam("body", "body", ellipse(-0.42 * width, -0.82 * height, 0.13 * width, 0.07 * height, 14), colour)


def _eyes(sketch: Sketch, rng: np.random.Generator, width: float, colour: palette.Colour) -> None:
    count, r = int(rng.choice([1, 2, 2, 2, 3])), rng.uniform(0.06, 0.08)
    r = r * 1.35 if count == 1 else r
    for x in np.linspace(-1, 1, count) * 0.36 * width if count > 1 else (0.0,):
        y = -0.07 if count == 3 and abs(x) < 1e-9 else 0.0
        for size, tone, drop in ((1.16, palette.darker(colour, 0.6), 0.0), (1.0, palette.WHITE, 0.0), (0.6, palette.INK, 0.14)):
            sketch.mark("face", "eyes", ellipse(x, y + drop * r, size * r, 1.08 * size * r, 18), tone)
        sketch.mark("face", "eyes", ellipse(x - 0.2 * r, y - 0.24 * r, 0.22 * r, 0.24 * r, 8), palette.WHITE)
    for sign in (-1, 1):
        sketch.mark("face", "face", ellipse(sign * 0.56 * width, 0.09, 0.05, 0.03, 12), palette.mix(colour, (240, 80, 110), 0.5))
    sketch.mark("face", "mouth", smile(0.095, 0.06), (98, 24, 46))
    sketch.mark("face", "mouth", ellipse(0, 0.033, 0.045, 0.018, 12), (236, 110, 120))


def blob(seed: int) -> Blob:
    """The blob of a seed."""
    rng = np.random.default_rng([23, seed])
    colour, sketch = palette.vivid(rng), Sketch(line=0.0125)
    other = palette.accent(rng, colour) if rng.uniform() < 0.6 else palette.lighter(colour, 0.45)
    width, height, lobe = rng.uniform(0.26, 0.36), rng.uniform(0.66, 0.84), rng.uniform(0.22, 0.3)
    shoulder, waist = rng.uniform(0.62, 0.95), rng.uniform(0.86, 1.12)
    shape = mirrored(
        [
            (0, -height),
            (0.58 * shoulder * width, -0.95 * height),
            (shoulder * width, -0.72 * height),
            (waist * width * 0.95, -0.36 * height),
            (width, -0.1 * height),
            (0.78 * width, 0.02),
            (0, 0.03),
        ],
        6,
    )
    sketch.part("body", "body", shape, colour, light=(-0.2 * width, -0.55 * height), keep=0.9)
    _skin(sketch, rng, shape, width, height, colour, other)
    _eyes(sketch, rng, width, colour)
    for key, _ in _SIDES:
        sketch.part(f"lobe_{key}", f"lobe_{key}", capsule(lobe, 0.075, 0.06, 10), colour, light=(-0.02, 0.3 * lobe), keep=0.8)
        sketch.mark(f"lobe_{key}", f"lobe_{key}", ellipse(0, lobe, 0.045, 0.045, 14), other)
        sketch.part(f"foot_{key}", f"foot_{key}", ellipse(0, 0, 0.1, 0.055, 18), palette.darker(colour, 0.16))
    stalk = rng.uniform(0.05, 0.075)
    draw_chain(sketch, "stalk", "stalk", np.full(_STALK, stalk), np.array([0.03, 0.024, 0.022, 0.022]), colour)
    sketch.part("stalk", f"stalk{_STALK - 1}", ellipse(0, stalk, 0.045, 0.045, 16), other)
    return Blob(
        scale=rng.uniform(0.53, 0.58) / max(height, 0.7),
        half=(0.0, -0.82 * height, 1.5 * height),
        face=(0.0, -0.64 * height, 1.14 * height),
        girth=0.24,
        colours=(colour, other),
        figure=sketch.finish(GROUPS),
        width=width,
        height=height,
        lobe=lobe,
        stalk=stalk,
    )
