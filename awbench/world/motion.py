"""Motion programmes: (family, seed) -> a smooth control vector at any time, the same for every body plan.

A programme knows no body. Rigs read its channels their own way (an arm channel is a wing, a front leg or a tentacle),
so one programme driving two identities gives the cross-identity truth. Angles are radians, lengths are body heights,
sides "left" and "right" are the character's own. Programmes are functions of time alone: a rig that wants follow-through
asks for earlier times.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from awbench.world.families import FAMILIES, Beat, idle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Controls:
    """All channels over time, each `[T]`. Raise: sideways from hanging (0) to overhead (pi); swing: forwards; bend: 0 straight."""

    x: np.ndarray
    lift: np.ndarray
    crouch: np.ndarray
    lean: np.ndarray
    bow: np.ndarray
    yaw: np.ndarray
    arm_raise_l: np.ndarray
    arm_raise_r: np.ndarray
    arm_swing_l: np.ndarray
    arm_swing_r: np.ndarray
    elbow_l: np.ndarray
    elbow_r: np.ndarray
    leg_swing_l: np.ndarray
    leg_swing_r: np.ndarray
    leg_spread_l: np.ndarray
    leg_spread_r: np.ndarray
    knee_l: np.ndarray
    knee_r: np.ndarray
    nod: np.ndarray
    tilt: np.ndarray
    turn: np.ndarray
    mouth: np.ndarray
    blink: np.ndarray
    phase: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """A programme. `calm` < 1 shrinks what moves the head far (close framings would lose it); `delay_s` shifts time."""

    family: str
    seed: int
    calm: float = 1.0
    delay_s: float = 0.0

    def beat(self) -> Beat:
        """The seed's decisions."""
        rng = np.random.default_rng([101, self.seed])
        low, high = FAMILIES[self.family][1]
        return Beat(
            period_s=rng.uniform(low, high),
            amplitude=rng.uniform(0.85, 1.1),
            phase=rng.uniform(0, 2 * np.pi),
            side=1.0 if rng.uniform() < 0.5 else -1.0,
            choice=rng.uniform(),
            sway=rng.uniform(-1, 1),
        )

    def at(self, t_s: np.ndarray) -> Controls:
        """The controls at times `t_s` `[T]`."""
        beat = self.beat()
        t = np.asarray(t_s, np.float64) + self.delay_s
        angle = 2 * np.pi * t / beat.period_s + beat.phase
        zero = {f.name: 0.0 for f in fields(Controls)}
        values = {**zero, **idle(t, angle, beat), **FAMILIES[self.family][0](angle, beat), "phase": angle}
        for name in ("x", "lift", "crouch", "bow", "lean"):
            values[name] = self.calm * np.asarray(values[name])
        return Controls(**{f.name: np.broadcast_to(np.asarray(values[f.name], np.float64), t.shape) for f in fields(Controls)})
