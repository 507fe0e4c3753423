"""The motion families: (phase angle, a seed's decisions) -> the channels they move; what they leave out stays idle.

Periods are 0.6-1.5 s and amplitudes large, so six frames at 8 fps show a motion without aliasing it. Two families are
novel: training never draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np

Channels = dict[str, np.ndarray | float]
"""Some of the fields of `motion.Controls` by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a seed decides: period (s), overall amplitude, starting phase, preferred side (+1 left), a choice 0-1, sway."""

    period_s: float
    amplitude: float
    phase: float
    side: float
    choice: float
    sway: float


def _positive(angle: np.ndarray, sharpness: float = 1.0) -> np.ndarray:
    """A smooth 0-1 pulse once a turn."""
    return (0.5 + 0.5 * np.sin(angle)) ** sharpness


def _sided(side: float, name: str, active: np.ndarray | float, other: np.ndarray | float) -> Channels:
    first, second = ("l", "r") if side > 0 else ("r", "l")
    return {f"{name}_{first}": active, f"{name}_{second}": other}


def _walk(a: np.ndarray, b: Beat) -> Channels:
    step, k = np.sin(a), b.amplitude
    return {
        "yaw": b.side * (0.95 + 0.2 * b.choice),
        "leg_swing_l": 0.62 * k * step,
        "leg_swing_r": -0.62 * k * step,
        "knee_l": 0.12 + 0.75 * k * _positive(a + 1.4, 1.5),
        "knee_r": 0.12 + 0.75 * k * _positive(a + 1.4 + np.pi, 1.5),
        "arm_swing_l": -0.75 * k * step,
        "arm_swing_r": 0.75 * k * step,
        "elbow_l": 0.45 - 0.25 * step,
        "elbow_r": 0.45 + 0.25 * step,
        "arm_raise_l": 0.12,
        "arm_raise_r": 0.12,
        "bow": 0.08,
        "x": 0.07 * b.side * np.sin(0.31 * a),
        "nod": 0.06 * np.cos(2 * a),
    }


def _wave(a: np.ndarray, b: Beat) -> Channels:
    both = b.choice > 0.7
    hand = 2.1 + 0.3 * b.amplitude * np.sin(a)
    bend = 0.55 + 0.75 * b.amplitude * np.sin(a)
    return {
        **_sided(b.side, "arm_raise", hand, hand if both else 0.25),
        **_sided(b.side, "elbow", bend, bend if both else 0.3),
        "lean": -0.1 * b.side * np.sin(a / 2),
        "tilt": 0.16 * b.side * np.sin(a),
        "yaw": 0.3 * b.side * (b.choice - 0.3),
        "x": 0.02 * np.sin(a / 2),
        "mouth": 0.45 + 0.2 * np.sin(a / 2),
    }


def _jumping_jack(a: np.ndarray, b: Beat) -> Channels:
    open_, k = _positive(a), b.amplitude
    arms, legs = 0.2 + 2.5 * min(k, 1.05) * open_, 0.06 + 0.5 * k * open_
    return {
        "arm_raise_l": arms,
        "arm_raise_r": arms,
        "elbow_l": 0.12,
        "elbow_r": 0.12,
        "leg_spread_l": legs,
        "leg_spread_r": legs,
        "lift": 0.06 * k * np.sin(a) ** 2,
        "crouch": 0.15 * (1 - np.sin(a) ** 2),
        "mouth": 0.3 * open_,
        "yaw": 0.15 * b.sway,
    }


def _dance(a: np.ndarray, b: Beat) -> Channels:
    s, c, k = np.sin(a), np.cos(a), b.amplitude
    return {
        "x": 0.075 * k * s,
        "lean": 0.2 * k * s,
        "yaw": 0.55 * k * np.sin(a + 0.6) * b.side,
        "crouch": 0.2 * (1 - np.cos(2 * a)) / 2,
        "arm_raise_l": 1.35 + 0.95 * k * s,
        "arm_raise_r": 1.35 - 0.95 * k * s,
        "elbow_l": 0.8 + 0.6 * c,
        "elbow_r": 0.8 - 0.6 * c,
        "leg_spread_l": 0.16 + 0.22 * k * np.maximum(s, -0.2),
        "leg_spread_r": 0.16 - 0.22 * k * np.minimum(s, 0.2),
        "knee_l": 0.3 + 0.3 * c,
        "knee_r": 0.3 - 0.3 * c,
        "tilt": -0.2 * s,
        "mouth": 0.25 + 0.25 * np.cos(2 * a),
    }


def _squat(a: np.ndarray, b: Beat) -> Channels:
    down = _positive(a, 1.2)
    front = b.choice > 0.5
    limb, reach = ("arm_swing", 1.5 * down) if front else ("arm_raise", 0.3 + 1.4 * down)
    arms = {f"{limb}_l": reach, f"{limb}_r": reach}
    return {
        **arms,
        "crouch": 0.95 * b.amplitude * down,
        "bow": 0.25 * down,
        "yaw": 0.7 * b.side if front else 0.25 * b.side,
        "lift": 0.05 * (1 - down) ** 2,
        "nod": -0.15 * down,
    }


def _bow(a: np.ndarray, b: Beat) -> Channels:
    down = _positive(a)
    return {
        "yaw": 1.0 * b.side,
        "bow": 1.15 * b.amplitude * down,
        "nod": 0.35 * down,
        "arm_swing_l": 0.55 * down + 0.1,
        "arm_swing_r": (-0.7 if b.choice > 0.5 else 0.5) * down,
        "arm_raise_l": 0.15,
        "arm_raise_r": 0.15,
        "knee_l": 0.18 * down,
        "knee_r": 0.18 * down,
        "leg_swing_l": 0.12,
        "leg_swing_r": -0.1,
        "elbow_l": 0.2,
        "elbow_r": 0.2,
    }


def _punch(a: np.ndarray, b: Beat) -> Channels:
    left, right = _positive(a, 2.0), _positive(a + np.pi, 2.0)
    return {
        "yaw": b.side * 0.85 + 0.3 * np.sin(a),
        "arm_swing_l": 0.55 + 1.0 * left,
        "arm_swing_r": 0.55 + 1.0 * right,
        "elbow_l": 2.0 - 1.9 * left,
        "elbow_r": 2.0 - 1.9 * right,
        "arm_raise_l": 0.12,
        "arm_raise_r": 0.12,
        "leg_swing_l": 0.35,
        "leg_swing_r": -0.35,
        "knee_l": 0.4,
        "knee_r": 0.3,
        "bow": 0.12,
        "x": 0.035 * np.sin(2 * a),
        "lift": 0.015 * (1 - np.cos(2 * a)),
        "mouth": 0.15,
    }


def _sway(a: np.ndarray, b: Beat) -> Channels:
    s, k = np.sin(a), b.amplitude
    return {
        "lean": 0.26 * k * s,
        "x": 0.09 * k * s,
        "tilt": 0.2 * s,
        "arm_raise_l": 1.9 + 0.75 * k * s,
        "arm_raise_r": 1.9 - 0.75 * k * s,
        "elbow_l": 0.4,
        "elbow_r": 0.4,
        "yaw": 0.25 * np.sin(a + 1.0),
        "leg_spread_l": 0.12,
        "leg_spread_r": 0.12,
        "knee_l": 0.2 + 0.2 * s,
        "knee_r": 0.2 - 0.2 * s,
    }


def _kick(a: np.ndarray, b: Beat) -> Channels:
    out = _positive(a, 1.6)
    return {
        **_sided(b.side, "leg_swing", -0.35 + 1.75 * b.amplitude * out, -0.08),
        **_sided(b.side, "knee", 0.9 - 0.85 * out, 0.15),
        **_sided(b.side, "arm_swing", -0.7 * out, 0.9 * out),
        "arm_raise_l": 0.55,
        "arm_raise_r": 0.55,
        "elbow_l": 0.5,
        "elbow_r": 0.5,
        "yaw": b.side * (0.9 + 0.2 * b.choice),
        "lean": -0.12 * b.side * out,
        "bow": -0.15 * out,
    }


def _hop(a: np.ndarray, b: Beat) -> Channels:
    air, k = np.maximum(np.sin(a), 0.0) ** 1.2, b.amplitude
    load = _positive(a + np.pi, 3.0)
    return {
        "lift": 0.17 * k * air,
        "crouch": 0.6 * load,
        "arm_raise_l": 0.35 + 1.7 * air,
        "arm_raise_r": 0.35 + 1.7 * air,
        "elbow_l": 0.5,
        "elbow_r": 0.5,
        "yaw": 0.4 * b.side * b.choice,
        "leg_spread_l": 0.1 + 0.2 * air,
        "leg_spread_r": 0.1 + 0.2 * air,
        "x": 0.04 * np.sin(a / 2),
        "mouth": 0.6 * air,
    }


def _nod(a: np.ndarray, b: Beat) -> Channels:
    yes = b.choice > 0.5
    head = {"nod": 0.5 * b.amplitude * np.sin(a)} if yes else {"turn": 0.75 * b.amplitude * np.sin(a)}
    return {
        **head,
        "tilt": 0.12 * np.sin(a / 2),
        "arm_raise_l": 0.35 + 0.2 * np.sin(a),
        "arm_raise_r": 0.35 - 0.2 * np.sin(a),
        "elbow_l": 1.2 + 0.3 * np.sin(a),
        "elbow_r": 1.2 - 0.3 * np.sin(a),
        "bow": 0.08 * np.sin(a),
        "crouch": 0.1 + 0.1 * np.sin(a),
    }


def _talk(a: np.ndarray, b: Beat) -> Channels:
    words = 0.5 * (0.5 + 0.5 * np.sin(2.3 * a)) + 0.5 * _positive(1.31 * a + 1.0, 2.0)
    return {
        "mouth": words,
        "turn": 0.4 * b.amplitude * np.sin(0.6 * a),
        "tilt": 0.18 * np.sin(0.8 * a + 1.0),
        "nod": 0.2 * np.sin(1.1 * a),
        "arm_raise_l": 0.55 + 0.4 * np.sin(a),
        "arm_raise_r": 0.55 + 0.4 * np.sin(a + 2.0),
        "elbow_l": 1.4 + 0.6 * np.sin(a),
        "elbow_r": 1.4 + 0.6 * np.sin(a + 2.0),
        "lean": 0.08 * np.sin(0.6 * a),
        "yaw": 0.3 * b.sway,
    }


def _spin(a: np.ndarray, b: Beat) -> Channels:
    return {
        "yaw": b.side * a / 1.5,
        "arm_raise_l": 1.45 + 0.15 * np.sin(a),
        "arm_raise_r": 1.45 + 0.15 * np.sin(a),
        "elbow_l": 0.25,
        "elbow_r": 0.25,
        "lift": 0.025 * (1 - np.cos(2 * a)),
        "lean": 0.06 * np.sin(a),
        "leg_spread_l": 0.1,
        "leg_spread_r": 0.1,
        "mouth": 0.4,
    }


def _juggle(a: np.ndarray, b: Beat) -> Channels:
    s, k = np.sin(a), b.amplitude
    return {
        "arm_swing_l": 0.6 + 0.9 * k * s,
        "arm_swing_r": 0.6 - 0.9 * k * s,
        "elbow_l": 1.2 + 0.5 * s,
        "elbow_r": 1.2 - 0.5 * s,
        "arm_raise_l": 0.6 + 0.3 * s,
        "arm_raise_r": 0.6 - 0.3 * s,
        "nod": -0.3,
        "turn": 0.35 * s,
        "x": 0.05 * np.sin(a / 2),
        "knee_l": 0.5 * _positive(a),
        "knee_r": 0.5 * _positive(a + np.pi),
        "leg_swing_l": 0.5 * _positive(a),
        "leg_swing_r": 0.5 * _positive(a + np.pi),
        "yaw": 0.5 * b.side,
        "mouth": 0.2,
    }


FAMILIES: dict[str, tuple[Callable[[np.ndarray, Beat], Channels], tuple[float, float]]] = {
    "walk": (_walk, (0.75, 1.1)),
    "wave": (_wave, (0.6, 0.95)),
    "jumping_jack": (_jumping_jack, (0.8, 1.2)),
    "dance": (_dance, (0.8, 1.3)),
    "squat": (_squat, (0.9, 1.5)),
    "bow": (_bow, (0.9, 1.4)),
    "punch": (_punch, (0.65, 1.0)),
    "sway": (_sway, (0.9, 1.5)),
    "kick": (_kick, (0.8, 1.2)),
    "hop": (_hop, (0.7, 1.1)),
    "nod": (_nod, (0.7, 1.1)),
    "talk": (_talk, (0.7, 1.1)),
    "spin": (_spin, (1.0, 1.5)),
    "juggle": (_juggle, (0.65, 1.0)),
}
"""Name -> (programme, shortest and longest period in s)."""
NOVEL_MOTIONS: tuple[str, ...] = ("spin", "juggle")
TRAIN_MOTIONS: tuple[str, ...] = tuple(name for name in FAMILIES if name not in NOVEL_MOTIONS)


def idle(t: np.ndarray, angle: np.ndarray, beat: Beat) -> Channels:
    """What a body does unless the family says otherwise: breathe, hang its arms, blink every few seconds."""
    wait = 2.3 + beat.choice
    since = np.abs((t + beat.phase) % wait - wait / 2)
    breath = np.sin(1.7 * t + beat.phase)
    return {
        "blink": np.exp(-((since / 0.07) ** 2)),
        "arm_raise_l": 0.2 + 0.03 * breath,
        "arm_raise_r": 0.2 + 0.03 * breath,
        "elbow_l": 0.25,
        "elbow_r": 0.25,
        "leg_spread_l": 0.07,
        "leg_spread_r": 0.07,
        "mouth": 0.15 + 0.1 * breath,
        "tilt": 0.04 * breath,
        "nod": 0.1 * np.sin(angle + 1.0),
    }
