"""The clip that nobody attentive prefers: a copy of an answer with detail and motion taken away, by the self-test's damages at their worst.

Every question of a study has its answer then: pixels as large as 7 % of the short side spoil picture and appearance, frames that stand
still for most of the time spoil motion.
"""

from __future__ import annotations

from awbench.selftest.damages import DAMAGES
from awbench.selftest.scenes import Scene
from models.seeds import item_rng
from models.types import Clip

DAMAGE = (("stutter", 5), ("pixelated", 5))
"""(damage, level), in order."""


def degraded(clip: Clip, seed: int) -> Clip:
    """The damaged copy: same size, rate and length."""
    for name, level in DAMAGE:
        clip = DAMAGES[name].answer(_scene(clip), level, item_rng(seed, "study", name)).clip
    return clip


def _scene(clip: Clip) -> Scene:
    return Scene(
        id="study", kind="self", reference=clip.frames[0], driver=clip, answer=clip, truth=None, subject=None, wrong_identity=clip,
        wrong_driver=clip, at_rate=lambda fps: None,
    )  # fmt: skip
