"""Colours: every colour is an (r, g, b) tuple of ints; identities are vivid, backgrounds are muted, so they separate."""

from __future__ import annotations

import colorsys

import numpy as np

Colour = tuple[int, int, int]

WHITE: Colour = (250, 248, 244)
INK: Colour = (38, 32, 44)
_SKINS: tuple[Colour, ...] = ((255, 220, 193), (246, 201, 164), (224, 172, 126), (190, 130, 86), (141, 88, 56), (96, 60, 42))
_HAIRS: tuple[Colour, ...] = ((44, 34, 40), (86, 52, 34), (134, 80, 42), (206, 150, 72), (240, 208, 120), (190, 74, 40), (150, 150, 164))


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Hue in turns (any real number), saturation and value 0-1."""
    r, g, b = colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))
    return round(r * 255), round(g * 255), round(b * 255)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of `b`, the rest of `a`."""
    r, g, blue = (round(p + (q - p) * share) for p, q in zip(a, b))
    return r, g, blue


def darker(colour: Colour, amount: float = 0.25) -> Colour:
    """Towards a cool ink, the colour of shade and outlines."""
    return mix(colour, (34, 20, 58), amount)


def lighter(colour: Colour, amount: float = 0.3) -> Colour:
    """Towards a warm white, the colour of highlights."""
    return mix(colour, (255, 250, 236), amount)


def distance(a: Colour, b: Colour) -> float:
    """A cheap perceptual distance ("redmean"), about 0-765."""
    red = (a[0] + b[0]) / 2
    dr, dg, db = (p - q for p, q in zip(a, b))
    return float(np.sqrt((2 + red / 256) * dr * dr + 4 * dg * dg + (2 + (255 - red) / 256) * db * db))


def vivid(rng: np.random.Generator) -> Colour:
    """A saturated colour, light enough for shading to show."""
    return hsv(rng.uniform(), rng.uniform(0.6, 0.92), rng.uniform(0.72, 0.98))


def accent(rng: np.random.Generator, base: Colour) -> Colour:
    """A colour that reads against `base`: the best of a few draws, white and dark included."""
    draws = [vivid(rng) for _ in range(3)] + [WHITE, hsv(rng.uniform(), 0.5, 0.3)]
    return max(draws, key=lambda colour: min(distance(colour, base), 420) * rng.uniform(0.7, 1.0))


def _jitter(rng: np.random.Generator, colour: Colour, amount: int) -> Colour:
    r, g, b = (int(np.clip(c + rng.integers(-amount, amount + 1), 0, 255)) for c in colour)
    return r, g, b


def skin(rng: np.random.Generator) -> Colour:
    """A skin tone."""
    return _jitter(rng, _SKINS[rng.integers(len(_SKINS))], 7)


def hair(rng: np.random.Generator) -> Colour:
    """A hair colour; one in six is a bright dye."""
    natural = _jitter(rng, _HAIRS[rng.integers(len(_HAIRS))], 10)
    dyed = hsv(rng.uniform(), 0.6, 0.85)
    return dyed if rng.uniform() < 1 / 6 else natural


def muted(rng: np.random.Generator, light: bool) -> Colour:
    """A background colour: pale when `light`, else deep; never as saturated as a subject."""
    if light:
        return hsv(rng.uniform(), rng.uniform(0.08, 0.3), rng.uniform(0.8, 0.95))
    return hsv(rng.uniform(0.45, 0.88), rng.uniform(0.35, 0.55), rng.uniform(0.3, 0.44))
