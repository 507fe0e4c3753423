"""Who stands where: characters of a shot over its times, carried into picture px, nearer ones drawn later.

World space: the picture's centre is (0, 0), 1 is its height in full framing. Closer framings are a window on it; the
scene behind has a window of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.world.affine import apply, compose, place
from awbench.world.character import Character
from awbench.world.draws import unit
from awbench.world.figure import Figure
from awbench.world.motion import Motion
from awbench.world.palette import Colour
from awbench.world.shot import Shot
from awbench.world.subjects import character

GROUND = 0.42
"""Where feet stand, world units below the centre."""
_CALM = {"full": 1.0, "half": 0.6, "face": 0.4}
_SMALLER = {2: 0.84, 3: 0.68}
_SCENE = {"full": (1.0, 0.0), "half": (1.35, -0.13), "face": (1.7, -0.2)}
_CANON_S = 0.37
_APART = {1: 0.0, 2: 0.24, 3: 0.31}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actor:
    """One character in px: `affines` `[T,F,2,3]`, `depth` `[T,G]`, `joints` `[T,17,3]` or None."""

    figure: Figure
    affines: np.ndarray
    depth: np.ndarray
    joints: np.ndarray | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """All characters. `order` `[T,N]` from far to near; `shadows` `[T,N,5]` px; `first_id`: of each actor's parts (background is 0)."""

    actors: tuple[Actor, ...]
    order: np.ndarray
    shadows: np.ndarray
    first_id: tuple[int, ...]
    colours: tuple[Colour, ...]


def _window(shot: Shot, cast: list[Character]) -> np.ndarray:
    """World -> view: the close framings look at the mean character's upper body or face."""
    if shot.framing == "full":
        return place(np.float64(0), np.float64(0))
    ahead, centre, height = np.mean([getattr(one, shot.framing) for one in cast], 0)
    scale = float(np.mean([_size(one, shot.count) for one in cast]))
    zoom = 1 / (scale * height)
    return place(-zoom * scale * ahead * shot.facing, -zoom * (GROUND + scale * centre), 0.0, zoom, zoom)


def _size(one: Character, count: int) -> float:
    """World units per character unit; in company wide characters shrink more."""
    return one.scale * (1.0 if count == 1 else _SMALLER[count] * min(1.0, 0.17 / one.girth) ** 0.65)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ring:
    """How characters circle each other, seen from the side: period and phase from the motion's seed."""

    period_s: float
    phase: float

    @classmethod
    def of(cls, motion_seed: int) -> _Ring:
        return cls(period_s=3.0 + 1.6 * unit("ring", motion_seed, "period"), phase=2 * np.pi * unit("ring", motion_seed, "phase"))


_SPREAD = {2: np.pi, 3: 5 / 6 * np.pi}
"""The ring's angle at which the characters stand spread out, in order from left to right."""


def crossing_start_s(shot: Shot) -> float:
    """A start for a crossing shot: all stand in order from left to right, then pass each other within half a turn (2.3 s)."""
    ring = _Ring.of(shot.motion_seed)
    return float((_SPREAD[shot.count] - ring.phase) % (2 * np.pi)) * ring.period_s / (2 * np.pi)


def _paths(shot: Shot, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each character stands, `[T,N]`: sideways (world) and towards the viewer (-1 to 1)."""
    turn = 2 * np.pi * np.arange(shot.count) / shot.count
    if shot.formation == "crossing" and shot.count > 1:
        ring = _Ring.of(shot.motion_seed)
        angle = 2 * np.pi * t_s[:, None] / ring.period_s + ring.phase + turn
        return _APART[shot.count] * np.cos(angle), np.sin(angle)
    places = np.linspace(-1, 1, shot.count) if shot.count > 1 else np.zeros(1)
    shape = (len(t_s), shot.count)
    return np.broadcast_to(_APART[shot.count] * places, shape), np.broadcast_to(0.3 * np.cos(turn * 1.5), shape)


def stage_of(shot: Shot, times_s: np.ndarray, to_px: np.ndarray) -> Stage:
    """The stage at `times_s` since the shot's start; `to_px` `[T,2,3]` view -> px."""
    t_s = times_s + shot.start_s
    cast = [character(shot.subject, seed) for seed in shot.identities]
    across, near = _paths(shot, t_s)
    view = compose(to_px, _window(shot, cast))
    actors, shadows, ids = [], [], [1]
    for i, one in enumerate(cast):
        size = _size(one, shot.count) * (1 + 0.05 * near[:, i] * (shot.count > 1))
        spot = place(across[:, i], GROUND + (0.035 * near[:, i] if shot.count > 1 else 0.0), 0.0, size, size)
        delay_s = 0.0 if shot.formation == "unison" else _CANON_S * i
        motion = Motion(family=shot.motion, seed=shot.motion_seed, calm=_CALM[shot.framing], delay_s=delay_s)
        actors.append(_actor(one, motion, t_s, compose(view, spot)))
        shadows.append(_shadow(one, motion, t_s, compose(view, spot)))
        ids.append(ids[-1] + len(one.figure.frames))
    colours = tuple(colour for one in cast for colour in one.colours)
    return Stage(
        actors=tuple(actors), order=np.argsort(near, 1, kind="stable"), shadows=np.stack(shadows, 1), first_id=tuple(ids), colours=colours
    )


def _actor(one: Character, motion: Motion, t_s: np.ndarray, to_px: np.ndarray) -> Actor:
    posed = one.pose(motion, t_s)
    joints = posed.joints
    if joints is not None:
        joints = np.concatenate([apply(to_px, joints[..., :2]), joints[..., 2:]], -1)
    return Actor(figure=one.figure, affines=compose(to_px[:, None], posed.affines), depth=posed.depth, joints=joints)


def _shadow(one: Character, motion: Motion, t_s: np.ndarray, to_px: np.ndarray) -> np.ndarray:
    u = motion.at(t_s)
    centre = apply(to_px, np.stack([u.x, np.full_like(u.x, 0.0)], -1)[:, None])[:, 0]
    unit = np.linalg.norm(to_px[:, :, 0], axis=-1)
    spread = one.girth * (1 - 0.8 * u.lift)
    return np.stack([centre[:, 0], centre[:, 1], 1.25 * spread * unit, 0.032 * unit, 0.42 * (1 - 1.8 * u.lift)], -1)


def scene_window(framing: str) -> np.ndarray:
    """Scene at full framing -> view: a close framing brings the far background closer too, but less than the subject."""
    zoom, centre = _SCENE[framing]
    return place(np.float64(0), np.float64(-zoom * centre), 0.0, zoom, zoom)
