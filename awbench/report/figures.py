"""Small drawings inside a page: an interval on its scale, a radar, a histogram with its threshold. Numbers in, safe inline SVG out.

Colours come from the page's style sheet, so a drawing follows the light and the dark theme.
"""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np
from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 100.0, 10.0


def scale_of(values: Sequence[float | None], span: tuple[float, float] | None = None, include_zero: bool = False) -> tuple[float, float]:
    """The (low, high) axis for `values`: the metric's own range, else the values' with 5 % to spare; never empty."""
    if span is not None and span[0] < span[1] and not include_zero:
        return span
    known = [value for value in values if value is not None] + [0.0] * include_zero
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    spare = 0.05 * (high - low) or 0.5
    return low - spare, high + spare


def marks_on(
    mean: float | None, low: float | None, high: float | None, scale: tuple[float, float], zero: bool = False
) -> tuple[float | None, ...]:
    """Where low, mean, high and, with `zero`, 0 lie on a drawing 100 wide; None where there is none."""
    shown = (low, mean, high) if mean is not None else (None, None, None)
    return (*(None if value is None else _place(value, scale) for value in shown), _place(0.0, scale) if zero else None)


def interval_svg(mean: float | None, low: float | None, high: float | None, scale: tuple[float, float], zero: bool = False) -> Markup:
    """A dot with its error bar on a baseline; `zero`: also a tick at 0. The page's script draws the same from `marks_on`."""
    left, middle, right, origin = marks_on(mean, low, high, scale, zero)
    if middle is None:
        return Markup("")
    parts = [f'<path class="track" d="M0 5H{_WIDTH:g}"/>']
    parts += [f'<path class="zero" d="M{origin:.1f} 0V{_HEIGHT:g}"/>'] if origin is not None else []
    parts += [f'<path class="whisker" d="M{left:.1f} 5H{right:.1f}"/>'] if left is not None else []
    parts += [f'<circle cx="{middle:.1f}" cy="5" r="2.6"/>']
    return Markup(f'<svg class="ci" viewBox="-3 0 106 {_HEIGHT:g}" aria-hidden="true">{"".join(parts)}</svg>')


def radar_svg(axes: Sequence[str], polygons: Sequence[Sequence[float | None]], label: str) -> Markup:
    """One polygon for each system over `axes`, values in [0, 1], 1 outside; a missing value leaves a gap; `label` is read out."""
    rings = "".join(f'<polygon class="ring" points="{_points([share] * len(axes))}"/>' for share in (0.25, 0.5, 0.75, 1))
    spokes = "".join(f'<path class="ring" d="M0 0L{_on_spoke(place, len(axes), 1)}"/>' for place in range(len(axes)))
    names = "".join(_axis_name(place, len(axes), name) for place, name in enumerate(axes))
    shapes = "".join(f'<polygon class="shape s{index}" points="{_points(values)}"/>' for index, values in enumerate(polygons))
    drawing = f'<svg class="radar" viewBox="-260 -125 520 240" role="img" aria-label="{escape(label)}">'
    return Markup(f"{drawing}{rings}{spokes}{shapes}{names}</svg>")


_RADIUS = 96.0


def _on_spoke(place: int, count: int, share: float) -> str:
    angle = 2 * math.pi * place / count - math.pi / 2
    return f"{_RADIUS * share * math.cos(angle):.1f} {_RADIUS * share * math.sin(angle):.1f}"


def _points(values: Sequence[float | None]) -> str:
    return " ".join(_on_spoke(place, len(values), value) for place, value in enumerate(values) if value is not None)


def _axis_name(place: int, count: int, name: str) -> str:
    x, y = (float(part) for part in _on_spoke(place, count, 1.14).split())
    anchor = "middle" if abs(x) < 10 else "start" if x > 0 else "end"
    return f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">{escape(name)}</text>'


def histogram_svg(values: Sequence[float], passed: Sequence[bool], threshold: float | None, label: str, bins: int = 24) -> Markup:
    """Stacked bars of the values that passed and that did not; a line at `threshold`; `label` is read out."""
    numbers, ok = np.asarray(values, np.float64), np.asarray(passed, bool)
    keep = np.isfinite(numbers)
    numbers, ok = numbers[keep], ok[keep]
    if not len(numbers):
        return Markup('<span class="quiet">no values</span>')
    edges = _edges(numbers, threshold, bins)
    good, bad = np.histogram(numbers[ok], edges)[0], np.histogram(numbers[~ok], edges)[0]
    top, scale = max(int((good + bad).max()), 1), (float(edges[0]), float(edges[-1]))
    bars = [_bar(index, bins, g / top, b / top) for index, (g, b) in enumerate(zip(good, bad)) if g + b]
    line = ""
    if threshold is not None and math.isfinite(threshold):
        line = f'<path class="threshold" d="M{3 * _place(threshold, scale):.1f} 0V60"/>'
    axis = f'<text x="0" y="72">{edges[0]:.3g}</text><text x="300" y="72" text-anchor="end">{edges[-1]:.3g}</text>'
    body = "".join(bars) + '<path class="track" d="M0 60H300"/>' + line + axis
    return Markup(f'<svg class="hist" viewBox="0 0 300 76" role="img" aria-label="{escape(label)}">{body}</svg>')


def _place(value: float, scale: tuple[float, float]) -> float:
    """Where `value` lies on the axis, 0-100, kept inside."""
    low, high = scale
    return _WIDTH * min(max((value - low) / (high - low), 0.0), 1.0)


def _edges(numbers: np.ndarray, threshold: float | None, bins: int) -> np.ndarray:
    known = [*numbers] + ([threshold] if threshold is not None and math.isfinite(threshold) else [])
    low, high = min(known), max(known)
    return np.linspace(low, high if high > low else low + 1.0, bins + 1)


def _bar(index: int, bins: int, good: float, bad: float) -> str:
    width, x = 300 / bins, 300 * index / bins
    rects = ((60 - 56 * good, 56 * good, "good"), (60 - 56 * (good + bad), 56 * bad, "bad"))
    return "".join(
        f'<rect class="{name}" x="{x + 0.5:.1f}" y="{y:.1f}" width="{width - 1:.1f}" height="{h:.1f}"/>' for y, h, name in rects if h
    )
