"""DreamActor's answers begin with a second in which the reference comes into the driver's pose, which the service cuts off on request.

The documentation does not say whether the second is put before the driver's clip or laid over its beginning, and with it which moment of
the driver the answer's first frame shows. The answer's length against the driver's tells:

    asked to cut:  as long ─▶ it was put before: first frame shows 0.0 s      1 s shorter ─▶ it was laid over: first frame shows 1.0 s
    asked to keep: 1 s longer ─▶ put before: first frame stands for -1.0 s    as long     ─▶ laid over: first frame stands for 0.0 s

Any other length declares nothing: the referee looks for the lag. An answer 1 s shorter stays so, and the referee counts it.
"""

from __future__ import annotations

from typing import Literal

_NEAR_S = 0.35
FirstSecond = Literal["cut", "keep"]


def first_shown(wanted: FirstSecond, driver_s: float, answer_s: float) -> tuple[float | None, str]:
    """(moment of the driver in s that the answer's first frame shows, words); None where the length tells nothing."""
    over_s = answer_s - driver_s
    told = f"the service was asked to {wanted} its first second; the answer lasts {answer_s:.2f} s, the driver {driver_s:.2f} s"
    cases = {
        ("cut", 0): (0.0, "so the first frame shows 0.0 s of the driver"),
        ("cut", -1): (1.0, "so the first frame shows 1.0 s of the driver"),
        ("keep", 1): (-1.0, "so a second that the driver does not have comes first"),
        ("keep", 0): (0.0, "so the first second shows the reference coming into pose"),
    }
    for (how, length_s), (offset_s, words) in cases.items():
        if how == wanted and abs(over_s - length_s) <= _NEAR_S:
            return offset_s, f"{told}: {words}"
    return None, f"{told}: which moment its first frame shows is not known"
