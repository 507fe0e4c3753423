"""How good a candidate must be to become a training pair: the numbers alone, cheap to import for the command line.

The defaults follow what `tests/benchmarks/filters.py` chose on one half of its world scenes, with room for footage; docs/filters.md says
what they keep and turn down on the other half, and what no filter sees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from models.types import require

_TOPS = {"distinct": 255.0, "judge": 5.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """A check passes at or above its threshold; 0 turns it off. What the values mean: `actorforge ls filters`, docs/filters.md.

    Args:
        moving: Share of the source's moving steps at which the driver moves too, 0-1: static, frozen, stuttering.
        distinct: Mean difference between driver and source in grey levels, 0-255: copies.
        light: Contrast of the weakest frame over the median's, 0-1: black, white and empty frames.
        palette: Share of the identity's colours, 0-1: noise, another look, exchanged channels.
        steady: How well the identity is found in the worst frame over the median one, 0-1: switches, fades.
        upright: Below 0.5: the identity is found better upside down.
        identity: Appearance consistency of the driver with the identity, 0-1.
        imaging: Imaging quality against the identity, 0-1: blur, noise, blocks.
        consistency: Temporal consistency against the source, 0-1: flicker.
        smoothness: Motion smoothness against the source, 0-1: jitter, stutter, shuffled frames.
        motion_agreement: Likeness of the driver's motion to the source's, 0-1: another motion, frames in another order.
        forward: Below 0.5: the motion is as like the source's run backwards.
        unblended: 1 - the share of the source that lies over the driver / 0.15, 0-1: ghosts and blends of the source.
        articulated: Motion of parts that no camera explains, over the source's: a picture that is panned, zoomed or shaken.
        judge: Mean score of a multimodal model, 1-5 (its address in ACTORFORGE_JUDGE=BASE_URL#MODEL); the paper takes 4.5.
        more: Plug-ins, each NAME=THRESHOLD or module:attribute=THRESHOLD.
        all_checks: Ask all filters even after one has failed, so that thresholds can be chosen anew from the manifest.
        off: Keep whatever decodes and has the right length.
    """

    moving: float = 0.5
    distinct: float = 1.0
    light: float = 0.5
    palette: float = 0.6
    steady: float = 0.6
    upright: float = 0.5
    identity: float = 0.1
    imaging: float = 0.6
    consistency: float = 0.6
    smoothness: float = 0.55
    motion_agreement: float = 0.12
    forward: float = 0.4
    unblended: float = 0.6
    articulated: float = 0.4
    judge: float = 0.0
    more: tuple[str, ...] = ()
    all_checks: bool = False
    off: bool = False

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self) if field.type == "float"):
            value, top = getattr(self, name), _TOPS.get(name, 1.0)
            expected = f"a number in 0-{top:g}"
            require(math.isfinite(value) and 0 <= value <= top, "thresholds", name, value, expected, "0 turns the check off")
        object.__setattr__(self, "more", tuple(self.more))
        for text in self.more:
            name, _, threshold = text.rpartition("=")
            require(bool(name) and _is_number(threshold), "thresholds", "more", repr(text), "NAME=THRESHOLD")

    @property
    def plugged(self) -> tuple[tuple[str, float], ...]:
        """`more` as (name, threshold)."""
        return tuple((name, float(threshold)) for name, _, threshold in (text.rpartition("=") for text in self.more))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
