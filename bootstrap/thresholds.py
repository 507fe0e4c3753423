"""How good a candidate must be to become a training pair: the numbers alone, cheap to import for the command line."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """A check passes at or above its threshold; 0 turns it off. Without truth right answers on the world have a motion agreement of 0.7 in
    the mean, another clip's motion 0.35, and some right answers none at all; identity is 0.7 in the mean. Both thresholds are floors
    for teachers that do not follow, or hand the source back in whatever colours.

    Args:
        moving: Share of transitions in which the driver changes, 0-1: static and frozen clips.
        distinct: Mean difference between driver and target in grey levels, 0-255: copies.
        motion_agreement: Motion fidelity of the driver to the source, 0-1.
        identity: Appearance consistency of the driver with the identity, 0-1.
    """

    moving: float = 0.5
    distinct: float = 1.0
    motion_agreement: float = 0.05
    identity: float = 0.1

    def __post_init__(self) -> None:
        for name, top in (("moving", 1), ("distinct", 255), ("motion_agreement", 1), ("identity", 1)):
            value = getattr(self, name)
            require(math.isfinite(value) and 0 <= value <= top, "thresholds", name, value, f"a number in 0-{top}", "0 turns the check off")
