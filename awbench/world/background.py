"""Scenes behind the characters, painted once per shot into a panorama of the view (see `camera` for view space).

Everything is placed in view units from the seed, so size and margin only choose how much and how finely it is painted.
Colours are muted, and of several palettes the one farthest from the characters' colours is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from awbench.world.affine import place
from awbench.world.draws import choose
from awbench.world.palette import Colour, darker, distance, lighter, mix, muted
from awbench.world.shapes import ellipse, smooth

HORIZON = 0.3
"""Where wall meets floor at rest, in full framing: characters stand a little below it."""
_SHIFT = 4


@dataclass(slots=True)
class _Easel:
    """A picture under construction: `affine` view -> px."""

    image: np.ndarray
    affine: np.ndarray

    def fill(self, polygon: np.ndarray, colour: Colour) -> None:
        points = polygon @ self.affine[:, :2].T + self.affine[:, 2]
        cv2.fillPoly(self.image, [np.rint(points * (1 << _SHIFT)).astype(np.int32)], colour, cv2.LINE_8, _SHIFT)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        self.fill(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), colour)

    def ramp(self, top: Colour, bottom: Colour, y0: float, y1: float) -> None:
        rows = (np.arange(self.image.shape[0]) - self.affine[1, 2]) / self.affine[1, 1]
        share = np.clip((rows - y0) / (y1 - y0), 0, 1)[:, None]
        self.image[:] = np.rint(np.array(top) * (1 - share) + np.array(bottom) * share)[:, None].astype(np.uint8)

    def mottle(self, rng: np.random.Generator, cell: float, strength: float) -> None:
        """Soft noise with grains of `cell` view units, anchored to the view."""
        grain = rng.uniform(-1, 1, (48, 48)).astype(np.float32)
        lattice = place(np.float64(24), np.float64(24), 0.0, 1 / cell, 1 / cell)
        inverse = np.array(
            [
                [1 / self.affine[0, 0], 0, -self.affine[0, 2] / self.affine[0, 0]],
                [0, 1 / self.affine[1, 1], -self.affine[1, 2] / self.affine[1, 1]],
            ]
        )
        to_grain = np.array(
            [
                [inverse[0, 0] * lattice[0, 0], 0, inverse[0, 2] * lattice[0, 0] + 24],
                [0, inverse[1, 1] * lattice[1, 1], inverse[1, 2] * lattice[1, 1] + 24],
            ]
        )
        height, width = self.image.shape[:2]
        field = cv2.warpAffine(grain, to_grain, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_WRAP)
        self.image[:] = np.clip(self.image + np.rint(field * strength)[..., None], 0, 255).astype(np.uint8)


_REACH = 2.6  # view units to each side that hold anything at all: wide pictures and margins stay inside


def _floor(easel: _Easel, rng: np.random.Generator, colour: Colour, wall: Colour) -> None:
    y = HORIZON + rng.uniform(-0.05, 0.03)
    easel.box(-_REACH, y, _REACH, _REACH, colour)
    tone = darker(colour, 0.12)
    if rng.uniform() < 0.6:  # boards in perspective
        pitch = rng.uniform(0.16, 0.26)
        for i in range(-16, 17):
            x = i * pitch
            easel.fill(np.array([[x, y], [x + 0.012, y], [3 * x + 0.036, y + 1.2], [3 * x, y + 1.2]]), tone)
    easel.box(-_REACH, y - 0.035, _REACH, y, lighter(wall, 0.45))
    easel.box(-_REACH, y - 0.005, _REACH, y + 0.006, darker(wall, 0.35))


def _wall(easel: _Easel, rng: np.random.Generator, a: Colour, b: Colour, c: Colour) -> None:
    easel.ramp(lighter(a, 0.12), a, -0.6, 0.4)
    tone, pitch = mix(a, b, 0.4), rng.uniform(0.12, 0.22)
    kind = rng.integers(4)
    for i in range(-20, 21):
        if kind == 0:
            easel.box(i * pitch, -_REACH, i * pitch + 0.45 * pitch, HORIZON, tone)
        for j in range(-8, 5) if kind != 0 else ():
            x, y = (i + 0.5 * (j % 2)) * pitch, j * pitch
            shape = (
                ellipse(x, y, 0.2 * pitch, 0.2 * pitch, 14)
                if kind == 1
                else smooth(
                    [(x, y - 0.3 * pitch), (x + 0.22 * pitch, y), (x, y + 0.3 * pitch), (x - 0.22 * pitch, y)], 1 if kind == 2 else 3
                )
            )
            easel.fill(shape, tone)
    for _ in range(rng.integers(1, 3)):
        _frame(easel, rng, b, c)
    _floor(easel, rng, mix(c, (150, 110, 80), 0.35), a)


def _frame(easel: _Easel, rng: np.random.Generator, b: Colour, c: Colour) -> None:
    """A picture or window on the wall, off the centre."""
    x, y = rng.choice([-1, 1]) * rng.uniform(0.34, 0.6), rng.uniform(-0.34, -0.12)
    w, h = rng.uniform(0.1, 0.17), rng.uniform(0.1, 0.15)
    easel.box(x - w, y - h, x + w, y + h, darker(c, 0.3))
    easel.box(x - w + 0.02, y - h + 0.02, x + w - 0.02, y + h - 0.02, lighter(b, 0.35))
    easel.fill(
        smooth(
            [
                (x - w + 0.02, y + h - 0.02),
                (x - 0.3 * w, y - 0.1 * h),
                (x + 0.2 * w, y + 0.3 * h),
                (x + 0.5 * w, y),
                (x + w - 0.02, y + h - 0.02),
            ],
            1,
        ),
        mix(b, c, 0.6),
    )


def _hills(easel: _Easel, rng: np.random.Generator, a: Colour, b: Colour, c: Colour) -> None:
    easel.ramp(mix(a, (120, 176, 232), 0.45), lighter(a, 0.5), -0.6, 0.25)
    sx, sy = rng.choice([-1, 1]) * rng.uniform(0.25, 0.42), rng.uniform(-0.42, -0.3)
    easel.fill(ellipse(sx, sy, 0.085, 0.085, 30), (255, 244, 200))
    for _ in range(5):
        x, y, r = rng.uniform(-1.4, 1.4), rng.uniform(-0.45, -0.12), rng.uniform(0.05, 0.09)
        for dx, s in ((-1.1, 0.7), (0, 1.0), (1.1, 0.75)):
            easel.fill(ellipse(x + dx * r, y - 0.35 * s * r, r * s * 1.3, r * s * 0.75, 20), (248, 250, 252))
    for level, tone in enumerate((mix(b, a, 0.55), mix(b, a, 0.3))):
        _ridge(easel, rng, 0.12 + 0.1 * level, 0.11 - 0.03 * level, tone)
    for _ in range(rng.integers(3, 7)):
        _tree(easel, rng, rng.choice([-1, 1]) * rng.uniform(0.3, 1.5), 0.26, mix(b, (40, 110, 70), 0.45))
    _ridge(easel, rng, 0.29, 0.015, mix(b, (120, 170, 80), 0.35))
    for _ in range(60):
        x, y = rng.uniform(-1.6, 1.6), rng.uniform(0.33, 0.7)
        easel.fill(np.array([[x - 0.012, y], [x + 0.004, y - 0.035], [x + 0.012, y]]), darker(mix(b, (120, 170, 80), 0.35), 0.16))


def _ridge(easel: _Easel, rng: np.random.Generator, base: float, height: float, colour: Colour) -> None:
    x = np.linspace(-_REACH, _REACH, 90)
    y = base + sum(height / (k + 1) * np.sin((k + 1) * rng.uniform(1.8, 2.6) * x + rng.uniform(0, 6.3)) for k in range(3))
    easel.fill(np.concatenate([np.stack([x, y], -1), [[_REACH, _REACH], [-_REACH, _REACH]]]), colour)


def _tree(easel: _Easel, rng: np.random.Generator, x: float, y: float, colour: Colour) -> None:
    h = rng.uniform(0.14, 0.26)
    easel.box(x - 0.012, y - 0.3 * h, x + 0.012, y + 0.06, (112, 84, 66))
    if rng.uniform() < 0.5:
        for i in range(3):
            w, top = 0.3 * h * (1 - 0.22 * i), y - 0.2 * h - 0.28 * h * i
            easel.fill(np.array([[x - w, top], [x + w, top], [x, top - 0.46 * h]]), darker(colour, 0.05 * (2 - i)))
    else:
        easel.fill(ellipse(x, y - 0.65 * h, 0.32 * h, 0.42 * h, 22), colour)
        easel.fill(ellipse(x - 0.07 * h, y - 0.74 * h, 0.2 * h, 0.26 * h, 18), lighter(colour, 0.14))


def _studio(easel: _Easel, rng: np.random.Generator, a: Colour, b: Colour, c: Colour) -> None:
    easel.ramp(darker(a, 0.12), a, -0.6, HORIZON)
    x, glow = 0.1 * rng.uniform(-1, 1), lighter(a, 0.45)
    for k in range(40):
        share = (k + 1) / 40
        easel.fill(ellipse(x, -0.05, 0.78 - 0.5 * share, 0.66 - 0.44 * share, 48), mix(a, glow, share * share * (3 - 2 * share)))
    floor = mix(a, b, 0.35)
    easel.box(-_REACH, HORIZON, _REACH, _REACH, floor)
    easel.fill(ellipse(0, 0.43, 0.62, 0.12, 48), lighter(floor, 0.2))
    for _ in range(14):
        x, y, r = rng.uniform(-1.4, 1.4), rng.uniform(-0.6, 0.18), rng.uniform(0.012, 0.035)
        easel.fill(ellipse(x, y, r, r, 16), mix(lighter(a, 0.4), c, 0.35))


def _tiles(easel: _Easel, rng: np.random.Generator, a: Colour, b: Colour, c: Colour) -> None:
    easel.ramp(a, a, 0, 1)
    pitch = rng.uniform(0.14, 0.2)
    for i in range(-18, 18):
        for j in range(-12, 12):
            tone = lighter(a, rng.uniform(0, 0.22)) if (i + j) % 2 else mix(a, b, rng.uniform(0.18, 0.34))
            easel.box(i * pitch + 0.008, j * pitch + 0.008, (i + 1) * pitch, (j + 1) * pitch, tone)
    _floor(easel, rng, mix(c, a, 0.3), a)


def _stripes(easel: _Easel, rng: np.random.Generator, a: Colour, b: Colour, c: Colour) -> None:
    easel.ramp(a, a, 0, 1)
    pitch, slope = rng.uniform(0.16, 0.28), rng.uniform(0.5, 1.2) * rng.choice([-1, 1])
    for i in range(-30, 30):
        x = i * pitch
        easel.fill(
            np.array(
                [
                    [x - slope * _REACH, -_REACH],
                    [x + 0.45 * pitch - slope * _REACH, -_REACH],
                    [x + 0.45 * pitch + slope * _REACH, _REACH],
                    [x + slope * _REACH, _REACH],
                ]
            ),
            mix(a, b, 0.38),
        )
    _floor(easel, rng, mix(a, c, 0.5), a)


def _city(easel: _Easel, rng: np.random.Generator, a: Colour, b: Colour, c: Colour) -> None:
    easel.ramp(mix(a, (150, 170, 220), 0.3), lighter(a, 0.3), -0.6, HORIZON)
    for level in range(2):
        tone, x = mix(b, a, 0.5 - 0.35 * level), -_REACH
        while x < _REACH:
            w, top = rng.uniform(0.13, 0.24), rng.uniform(-0.35, 0.0) + 0.13 * level
            easel.box(x, top, x + w, HORIZON, tone)
            _windows(easel, rng, x, top, w, mix(tone, (255, 236, 170), 0.55))
            x += w + rng.uniform(0.0, 0.06)
    easel.box(-_REACH, HORIZON - 0.01, _REACH, _REACH, mix(c, (130, 130, 140), 0.6))
    easel.box(-_REACH, HORIZON - 0.015, _REACH, HORIZON + 0.01, lighter(c, 0.5))


def _windows(easel: _Easel, rng: np.random.Generator, x: float, top: float, width: float, lit: Colour) -> None:
    for wx in np.arange(x + 0.025, x + width - 0.035, 0.05):
        for wy in np.arange(top + 0.03, HORIZON - 0.05, 0.065):
            if rng.uniform() < 0.6:
                easel.box(wx, wy, wx + 0.024, wy + 0.034, lit)


_LIGHTER = {True: 1.0, False: 0.72}  # a deep palette must be that much farther away to be taken
_KINDS = {"wall": _wall, "hills": _hills, "studio": _studio, "tiles": _tiles, "stripes": _stripes, "city": _city}
_KIND_SHARES = dict.fromkeys(_KINDS, 1.0)


def panorama(seed: int, avoid: tuple[Colour, ...], size: tuple[int, int], affine: np.ndarray) -> np.ndarray:
    """The scene as uint8 `[H,W,3]` of `size` (W,H); `affine` view -> px (a scale and a shift, no rotation)."""
    rng = np.random.default_rng([307, seed])
    kind = _KINDS[choose(_KIND_SHARES, "scene", seed)]
    choices = [(_LIGHTER[light], [muted(rng, light) for _ in range(3)]) for light in (True, True, True, True, False)]
    colours = max(choices, key=lambda choice: choice[0] * min(distance(choice[1][0], other) for other in avoid))[1]
    fine = 2
    image = np.zeros((size[1] * fine, size[0] * fine, 3), np.uint8)
    enlarged = affine * fine + np.array([[0, 0, (fine - 1) / 2], [0, 0, (fine - 1) / 2]])
    easel = _Easel(image=image, affine=enlarged)
    kind(easel, rng, *colours)
    easel.mottle(np.random.default_rng([311, seed]), 0.04, 4.5)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
