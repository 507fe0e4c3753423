"""DreamActor-M2's answers begin with a second in which the reference comes into pose; the service is asked to cut it off, its own default.

Its documentation ("the output has a 1-second transition at the beginning") does not say whether that second is put before the driver's clip
or laid over its beginning, where cutting it off costs the first second of the driver's motion. The answer's length against that of the clip
that was sent tells:

    as long ─▶ put before: the first frame shows 0.0 s of what was sent          1 s shorter ─▶ laid over: it shows 1.0 s

`keep`: the driver goes after a second of its own first frame, so that none of its motion can be lost; what an answer shows of that second
is cut off here. It is made and billed. A driver that would be too long with it goes as it is. `cut`: every driver goes as it is, and an
answer 1 s shorter stays so and is counted so by the referee. Any other length declares nothing: the referee looks for the lag.
"""

from __future__ import annotations

from math import ceil
from typing import Literal

import numpy as np

from models.types import Clip

FirstSecond = Literal["keep", "cut"]
MOST_S = 30.0
"""The longest clip that may be sent."""
_NEAR_S = 0.35


def held_frames(driver_s: float, fps: float, wanted: FirstSecond) -> int:
    """How many frames go before a driver: a second of them, rounded up."""
    count = ceil(fps - 1e-6)
    return count if wanted == "keep" and driver_s + count / fps <= MOST_S + 1e-6 else 0


def led(driver: Clip, held: int) -> Clip:
    """The driver after `held` times its first frame."""
    if not held:
        return driver
    return Clip(frames=np.concatenate([np.repeat(driver.frames[:1], held, axis=0), driver.frames]), fps=driver.fps, notes=driver.notes)


def from_the_driver_on(answer: Clip, driver: Clip, held: int) -> tuple[Clip, float | None, str]:
    """(the answer from the driver's beginning on, moment of the driver in s that its first frame shows, words).

    The moment is None, and nothing is cut off, where the answer's length tells nothing. `held`: frames sent before the driver.
    """
    sent_s = (held + len(driver)) / driver.fps
    told = f"the service was asked to cut its first second; the answer lasts {answer.duration_s:.2f} s, what was sent {sent_s:.2f} s"
    led_told = f" ({held} times the driver's first frame before it)" * bool(held)
    over_s = answer.duration_s - sent_s
    first_s = next((moment_s for moment_s, length_s in ((0.0, 0.0), (1.0, -1.0)) if abs(over_s - length_s) <= _NEAR_S), None)
    if first_s is None:
        return answer, None, f"{told}{led_told}: which moment its first frame shows is not known"
    shown_s = first_s - held / driver.fps
    early = min(max(0, round(-shown_s * answer.fps)), len(answer) - 1)
    shown_s += early / answer.fps
    kept = Clip(frames=answer.frames[early:], fps=answer.fps, notes=answer.notes) if early else answer
    cut = f"its first {early} frames are cut off, then " * bool(early)
    return kept, shown_s, f"{told}{led_told}: {cut}the first frame shows {abs(round(shown_s, 2)):.1f} s of the driver"
