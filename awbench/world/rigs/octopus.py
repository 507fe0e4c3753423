"""Octopuses, the body plan kept out of training: a domed head on eight tentacles driven by the arm and leg channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.world import palette
from awbench.world.affine import apply, compose, place
from awbench.world.character import Character
from awbench.world.figure import Posed, Sketch, assemble
from awbench.world.motion import Controls, Motion
from awbench.world.rigs.chain import bent, chain_frames, draw_chain
from awbench.world.shapes import ellipse, mirrored, smile, spots

_SEGMENTS = 5
_PLACES = (-1.0, -0.72, -0.42, -0.14, 0.14, 0.42, 0.72, 1.0)
_ARMS = tuple(range(len(_PLACES)))
GROUPS = (*(f"far{i}" for i in (2, 5)), "dome", *(f"near{i}" for i in (0, 7, 1, 6, 3, 4)), "face")
_LAG_S = 0.06


def _group(i: int) -> str:
    return f"far{i}" if i in (2, 5) else f"near{i}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Octopus(Character):
    """`width`: half width of the dome, `dome`: its height, `reach`: length of a tentacle."""

    width: float
    dome: float
    reach: float

    def pose(self, motion: Motion, t_s: np.ndarray) -> Posed:
        """The figure at times `t_s`."""
        u, late = motion.at(t_s), motion.at(t_s - 0.09)
        tall = np.clip(1 - 0.22 * u.crouch + 1.6 * (u.lift - late.lift) + 0.05 * np.sin(u.phase) - 0.15 * np.abs(u.bow), 0.7, 1.25)
        hub = -self.reach * 0.62 * (1 - 0.45 * u.crouch) - u.lift
        dome = place(u.x, hub, 0.8 * u.lean + 0.5 * u.tilt + 0.3 * u.bow * np.sin(u.yaw), tall**-0.5, tall, -0.5 * u.lean)
        frames = {"dome": dome, **self._face(u, dome)}
        history = [motion.at(t_s - _LAG_S * k) for k in range(_SEGMENTS)]
        for i in _ARMS:
            frames.update(self._tentacle(i, history, dome))
        away = np.cos(u.yaw) < -0.15
        depth = {name: float(k) for k, name in enumerate(GROUPS)} | {"face": np.where(away, -1.0, float(len(GROUPS)))}
        return assemble(self.figure, frames, depth, len(t_s))

    def _face(self, u: Controls, dome: np.ndarray) -> dict[str, np.ndarray]:
        yaw = u.yaw + u.turn
        one = np.ones_like(yaw)
        face = compose(
            dome,
            place(
                0.45 * self.width * np.sin(yaw),
                -0.36 * self.dome + 0.12 * (u.nod + 0.5 * u.bow),
                0.4 * u.tilt,
                0.55 + 0.45 * np.abs(np.cos(yaw)),
            ),
        )
        return {
            "face": face,
            "eyes": compose(face, place(0 * one, 0 * one, 0.0, 1.0, np.maximum(1 - u.blink, 0.12))),
            "mouth": compose(face, place(0 * one, 0.115 * one, 0.0, 1.0, 0.5 + 0.9 * u.mouth)),
        }

    def _tentacle(self, i: int, history: list[Controls], dome: np.ndarray) -> dict[str, np.ndarray]:
        at, side = _PLACES[i], 1.0 if _PLACES[i] > 0 else -1.0
        key, outer = ("l" if side > 0 else "r"), abs(at) > 0.6
        angles = []
        for k, u in enumerate(history):
            arm = getattr(u, f"arm_raise_{key}") + 0.8 * getattr(u, f"arm_swing_{key}") - 0.25
            leg = (
                getattr(u, f"leg_spread_{key}") * 1.6
                + side * np.sin(u.yaw) * getattr(u, f"leg_swing_{key}")
                + 0.5 * getattr(u, f"knee_{key}")
            )
            drive = (0.62 if abs(at) > 0.9 else 0.42) * arm if outer else 0.75 * leg
            bend = (0.16 if outer else 0.1) * k * (1 + 0.8 * getattr(u, f"elbow_{key}")) if outer else 0.1 * k
            wave = (0.1 + 0.05 * k) * np.sin(u.phase + 1.3 * i - 0.5 * k)
            angles.append(-side * (0.85 * abs(at) + drive + bend + 0.5 * u.crouch) + wave)
        lengths = np.full(_SEGMENTS, self.reach / _SEGMENTS)
        root = apply(dome, np.array([[0.74 * self.width * at, -0.02 - 0.03 * abs(at)]]))[:, 0]
        points = bent(root, np.stack(angles, 1), lengths)
        floor = -history[0].lift - 0.03
        points[..., 1] = np.minimum(points[..., 1], floor[:, None])
        return chain_frames(f"arm{i}_", points, lengths)


def octopus(seed: int) -> Octopus:
    """The octopus of a seed."""
    rng = np.random.default_rng([29, seed])
    colour, sketch = palette.vivid(rng), Sketch(line=0.012)
    other = palette.lighter(colour, 0.55) if rng.uniform() < 0.5 else palette.accent(rng, colour)
    width, dome, reach = rng.uniform(0.24, 0.29), rng.uniform(0.46, 0.54), rng.uniform(0.44, 0.52)
    radii = np.linspace(0.062, 0.02, _SEGMENTS + 1)
    for i in _ARMS:
        tone = palette.darker(colour, 0.22) if _group(i).startswith("far") else colour
        draw_chain(sketch, _group(i), f"arm{i}_", np.full(_SEGMENTS, reach / _SEGMENTS), radii, tone, palette.darker(other, 0.05))
    shape = mirrored(
        [
            (0, -dome),
            (0.62 * width, -0.93 * dome),
            (width, -0.62 * dome),
            (0.9 * width, -0.26 * dome),
            (0.86 * width, -0.02),
            (0.5 * width, 0.06),
            (0, 0.075),
        ],
        6,
    )
    sketch.part("dome", "dome", shape, colour, light=(-0.2 * width, -0.55 * dome), keep=0.9)
    for mark in spots(shape[shape[:, 1] < -0.45 * dome] * 0.95, rng, 7, 0.04):
        sketch.mark("dome", "dome", mark, other)
    sketch.gleam("dome", "dome", ellipse(-0.45 * width, -0.8 * dome, 0.14 * width, 0.07 * dome, 14), colour)
    r = rng.uniform(0.058, 0.075)
    for sign in (-1, 1):
        x = sign * 0.4 * width
        for size, tone, drop in ((1.16, palette.darker(colour, 0.6), 0.0), (1.0, palette.WHITE, 0.0), (0.62, palette.INK, 0.12)):
            sketch.mark("face", "eyes", ellipse(x, drop * r, size * r, 1.1 * size * r, 18), tone)
        sketch.mark("face", "eyes", ellipse(x - 0.2 * r, -0.26 * r, 0.22 * r, 0.24 * r, 8), palette.WHITE)
        sketch.mark("face", "face", ellipse(1.5 * x, 0.085, 0.042, 0.026, 12), palette.mix(colour, (240, 80, 110), 0.5))
    sketch.mark("face", "mouth", smile(0.07, 0.05), (98, 24, 46))
    return Octopus(
        scale=rng.uniform(0.61, 0.66) / (dome + 0.62 * reach + 0.05),
        half=(0.0, -0.62 * (dome + 0.62 * reach), 1.0 * (dome + 0.62 * reach)),
        face=(0.0, -0.62 * reach - 0.42 * dome, 1.75 * dome),
        girth=0.3,
        colours=(colour, other),
        figure=sketch.finish(GROUPS),
        width=width,
        dome=dome,
        reach=reach,
    )
