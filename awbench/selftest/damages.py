"""Damages: what a metric must see. Each spoils one thing of a right answer at five levels, from hardly visible to ruined.

`DAMAGES` names for each the metric that claims to see it. Amounts of a picture's size are shares of its short side, those of time
shares of its length, so a ladder means the same on every grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from awbench.selftest import picture_damages as picture
from awbench.selftest import subject_damages as subject
from awbench.selftest import time_damages as time
from awbench.selftest.scenes import Answer, Scene
from models.types import Clip, require

LEVELS = 5
Function = Callable[[Scene, float, np.random.Generator], Clip | Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """`aims`: the metric that must fall; `amounts`: of the levels 1 to 5; `clean`: the amount of level 0 where that isn't the answer itself
    (a warp of its first frame is already less than it); `needs_subject`: does nothing without masks."""

    name: str
    aims: str
    amounts: tuple[float, ...]
    function: Function
    clean: float | None = None
    needs_subject: bool = False

    def __post_init__(self) -> None:
        require(len(self.amounts) == LEVELS, f"damage {self.name}", "amounts", len(self.amounts), f"{LEVELS} levels")

    def applies(self, scene: Scene) -> bool:
        return scene.subject is not None or not self.needs_subject

    def answer(self, scene: Scene, level: int, rng: np.random.Generator) -> Answer:
        """The scene's answer at a level, 0 (clean) to 5. The same generator state at every level makes levels comparable."""
        if level == 0 and self.clean is None:
            return Answer(clip=scene.answer)
        made = self.function(scene, self.clean if level == 0 else self.amounts[level - 1], rng)
        return made if isinstance(made, Answer) else Answer(clip=made)


IMAGING, SMOOTH, STEADY = "imaging_quality", "motion_smoothness", "temporal_consistency"
LOOK, MOTION = "appearance_consistency", "motion_fidelity"

_TABLE: tuple[tuple[str, str, tuple[float, ...], Function], ...] = (
    ("blur", IMAGING, (0.004, 0.008, 0.014, 0.022, 0.035), picture.blur),
    ("noise", IMAGING, (2, 5, 10, 20, 40), picture.noise),
    ("jpeg", IMAGING, (60, 35, 20, 10, 4), picture.jpeg),
    ("oversharp", IMAGING, (0.3, 0.7, 1.3, 2.0, 3.0), picture.oversharp),
    ("pixelated", IMAGING, (0.015, 0.02, 0.03, 0.045, 0.07), picture.pixelated),
    ("contrast", IMAGING, (0.15, 0.3, 0.5, 0.7, 0.9), picture.contrast),
    ("flicker", STEADY, (0.02, 0.04, 0.07, 0.12, 0.2), picture.flicker),
    ("warp_boil", STEADY, (0.004, 0.008, 0.015, 0.025, 0.04), picture.warp_boil),
    ("jitter", SMOOTH, (0.004, 0.008, 0.014, 0.025, 0.04), picture.jitter),
    ("stutter", SMOOTH, (0.1, 0.2, 0.35, 0.5, 0.7), time.stutter),
    ("shuffle", SMOOTH, (0.2, 0.4, 0.7, 1.0, 2.0), time.shuffle),
    ("freeze_tail", MOTION, (0.1, 0.25, 0.5, 0.75, 1.0), time.freeze_tail),
    ("reverse", MOTION, (0.3, 0.45, 0.6, 0.8, 1.0), time.reverse),
    ("delay", "lag", (0.08, 0.17, 0.25, 0.33, 0.42), time.delay),
    ("cut_short", "completeness", (0.08, 0.17, 0.25, 0.33, 0.42), time.cut_short),
    ("hue_drift", LOOK, (10, 25, 50, 90, 150), picture.hue_drift),
    ("dark", LOOK, (0.15, 0.3, 0.5, 0.7, 0.9), picture.dark),
    ("greyed", LOOK, (0.2, 0.4, 0.6, 0.8, 1.0), picture.greyed),
    ("warp_static", LOOK, (0.01, 0.02, 0.04, 0.07, 0.12), picture.warp_static),
    ("id_drift", LOOK, (0.15, 0.3, 0.5, 0.75, 1.0), time.id_drift),
    ("id_switch", LOOK, (0.1, 0.3, 0.5, 0.7, 0.9), time.id_switch),
)
_WARPED: tuple[tuple[str, tuple[float, ...], Function, float], ...] = (
    ("amp", (0.85, 0.7, 0.5, 0.3, 0.1), time.amplitude, 1.0),
    ("amp_up", (1.2, 1.5, 2.0, 2.6, 3.5), time.amplitude, 1.0),
    ("mirror", (0.15, 0.3, 0.5, 0.75, 1.0), time.mirror, 0.0),
    ("wrong_motion", (0.2, 0.4, 0.6, 0.8, 1.0), time.wrong_motion, 0.0),
)
_OF_THE_SUBJECT: tuple[tuple[str, tuple[float, ...], Function], ...] = (
    ("background", (0.2, 0.4, 0.6, 0.8, 1.0), subject.background),
    ("missing_subject", (0.3, 0.5, 0.7, 0.85, 1.0), subject.missing),
    ("disc_on_head", (0.03, 0.06, 0.09, 0.13, 0.18), subject.disc_on_head),
    ("melted_face", (0.03, 0.06, 0.11, 0.18, 0.28), subject.melted_face),
    ("upside_down", (0.1, 0.25, 0.5, 0.75, 1.0), subject.upside_down),
    ("deformed", (0.02, 0.04, 0.07, 0.11, 0.16), subject.deformed),
    ("scrambled", (0.1, 0.25, 0.5, 0.75, 1.0), subject.scrambled),
)
DAMAGES: dict[str, Damage] = {
    damage.name: damage
    for damage in (
        *(Damage(name=name, aims=aims, amounts=amounts, function=function) for name, aims, amounts, function in _TABLE),
        *(Damage(name=name, aims=MOTION, amounts=amounts, function=function, clean=clean) for name, amounts, function, clean in _WARPED),
        *(
            Damage(name=name, aims=LOOK, amounts=amounts, function=function, needs_subject=True)
            for name, amounts, function in _OF_THE_SUBJECT
        ),
    )
}
