"""The picture size a system is asked for in place of one it does not take, and where in it the asked picture stands.

The nearest is the least sum of how far its shape is off and a quarter of how far its area is off, both as logarithms.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor, inf, log

from models.box import Box
from models.capabilities import SizeRule
from models.types import require

Size = tuple[int, int]
STRETCH_BELOW = 0.03
"""A shape that is off by less is stretched, any other is padded."""


@lru_cache(maxsize=256)
def nearest_size(asked: Size, rule: SizeRule) -> Size:
    """The allowed (W,H) px nearest to `asked`. Raises ValueError where the rule allows none."""
    allowed = list(rule.sizes) or ([asked] if is_allowed(asked, rule) else _candidates(asked, rule))
    require(bool(allowed), "size rule", "sizes", f"none for {asked[0]}x{asked[1]} px", "at least one allowed size", f"look at {rule}")
    return min(allowed, key=lambda size: (round(_distance(asked, size), 9), size))


def is_allowed(size: Size, rule: SizeRule) -> bool:
    """Whether a system with this rule takes pictures of that size."""
    if rule.sizes:
        return tuple(size) in rule.sizes
    short, long = sorted(size)
    bounds = rule.min_side_px <= short and long <= (rule.max_side_px or inf)
    bounds = bounds and short * long <= (rule.max_area_px or inf) and long <= short * (rule.max_ratio or inf)
    return bounds and not any(side % rule.multiple for side in size)


def shape_off(one: Size, other: Size) -> float:
    """How far one shape is from another: the logarithm of the ratio of their ratios, 0.03 for about 3 %."""
    return abs(log(one[0] / one[1] * other[1] / other[0]))


def content_box(asked: Size, canvas: Size) -> Box:
    """Where on the canvas a picture of the asked size stands, (x, y, w, h) px: all of it, or the middle between two pads."""
    if shape_off(asked, canvas) < STRETCH_BELOW:
        return 0, 0, *canvas
    scale = min(canvas[0] / asked[0], canvas[1] / asked[1])
    width, height = (min(most, max(1, round(side * scale))) for side, most in zip(asked, canvas))
    return (canvas[0] - width) // 2, (canvas[1] - height) // 2, width, height


def _distance(asked: Size, size: Size) -> float:
    return shape_off(asked, size) + abs(log(size[0] * size[1] / (asked[0] * asked[1]))) / 4


def _candidates(asked: Size, rule: SizeRule) -> list[Size]:
    """For every allowed width the heights next to the asked shape."""
    unit = rule.multiple
    least = ceil(rule.min_side_px / unit) * unit
    wide = max(2 * asked[0], 2 * asked[1], 4 * least)
    most = min(rule.max_side_px or wide, wide) // unit * unit
    found = []
    for width in range(least, most + 1, unit):
        low = max(least, width / (rule.max_ratio or inf))
        high = min(most, width * (rule.max_ratio or inf), (rule.max_area_px or inf) / width)
        low, high = ceil(low / unit - 1e-9) * unit, floor(high / unit + 1e-9) * unit
        exact = width * asked[1] / asked[0]
        heights = {min(max(side * unit, low), high) for side in (floor(exact / unit), ceil(exact / unit))}
        found += [(width, height) for height in heights if low <= high and is_allowed((width, height), rule)]
    return found
