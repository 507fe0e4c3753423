"""Four-legged animals: dogs, cats, ponies, deer and piglets drawn from a seed on the four-legged rig."""

from __future__ import annotations

import numpy as np

from awbench.world import palette
from awbench.world.figure import Sketch
from awbench.world.rigs.chain import draw_chain
from awbench.world.rigs.four_legs import GROUPS, LEGS, TAIL_SEGMENTS, Quadruped
from awbench.world.shapes import capsule, ellipse, smooth, spots, stripes

_KINDS = {  # body length, body radius, leg length, neck length, neck angle (from forward, up), head radius, snout, tail length
    "dog": (0.42, 0.155, 0.32, 0.13, 0.95, 0.15, 0.15, 0.3),
    "cat": (0.42, 0.145, 0.28, 0.1, 0.9, 0.16, 0.06, 0.42),
    "pony": (0.44, 0.15, 0.4, 0.24, 1.0, 0.125, 0.17, 0.3),
    "deer": (0.38, 0.13, 0.42, 0.24, 1.1, 0.115, 0.13, 0.12),
    "piglet": (0.42, 0.19, 0.22, 0.06, 0.7, 0.165, 0.1, 0.14),
}
_TAIL_RADII = {
    "pony": (0.03, 0.055, 0.06, 0.05, 0.015),
    "dog": (0.035, 0.035, 0.03, 0.024, 0.012),
    "cat": (0.026, 0.026, 0.026, 0.026, 0.022),
}


def _coat(sketch: Sketch, rng: np.random.Generator, body: np.ndarray, colour: palette.Colour, radius: float) -> None:
    other = palette.accent(rng, colour)
    style = rng.choice(["plain", "spots", "stripes", "saddle"])
    inner = body * np.array([0.94, 0.9])
    if style == "spots":
        marks = spots(inner, rng, 8, 0.42 * radius)
    elif style == "stripes":
        marks = stripes(inner, 0.15, 0.085, 0.42)
    else:
        marks = [part for part in ([inner[inner[:, 1] < -0.15 * radius]] if style == "saddle" else []) if len(part) > 2]
    for mark in marks:
        sketch.mark("body", "body", mark, other)


def _draw_legs(sketch: Sketch, leg: float, thick: float, colour: palette.Colour, paw: palette.Colour) -> None:
    for key in LEGS:
        far = key[1] == "r"
        tone, foot = (palette.darker(colour, 0.24), palette.darker(paw, 0.2)) if far else (colour, paw)
        group = f"leg_{key}" if far else "body"  # near legs grow out of the body: one silhouette
        sketch.part(group, f"paw_{key}", ellipse(0.22 * thick, -0.05 * thick, 1.12 * thick, 0.74 * thick, 16), foot)
        sketch.part(group, f"lower_{key}", capsule(0.52 * leg, 0.9 * thick, 0.7 * thick), tone)
        sketch.part(group, f"upper_{key}", capsule(0.5 * leg, (1.25 if key[0] == "f" else 1.6) * thick, 0.95 * thick), tone)


def _draw_head(
    sketch: Sketch, rng: np.random.Generator, kind: str, r: float, snout: float, colour: palette.Colour, extra: palette.Colour
) -> None:
    pale = palette.lighter(colour, 0.5)
    skull = smooth(
        [
            (-0.95 * r, 0.05 * r),
            (-0.65 * r, -0.78 * r),
            (0.1 * r, -0.98 * r),
            (0.72 * r, -0.55 * r),
            (0.8 * r + 0.55 * snout, -0.02 * r),
            (0.75 * r + snout, 0.3 * r),
            (0.6 * r + snout, 0.66 * r),
            (0.4 * r, 0.78 * r),
            (-0.5 * r, 0.85 * r),
        ],
        5,
    )
    jaw = smooth([(-0.1 * r, -0.3 * r), (0.3 * r + 0.8 * snout, -0.25 * r), (0.2 * r + 0.8 * snout, 0.5 * r), (0.1 * r, 0.55 * r)], 4)
    sketch.part("head", "jaw", jaw, palette.darker(colour, 0.1))
    sketch.mark("head", "jaw", jaw * np.array([0.86, 0.72]), (150, 44, 60))
    sketch.part("head", "head", skull, colour, light=(-0.05 * r, -0.15 * r), keep=0.88)
    sketch.mark("head", "head", ellipse(0.52 * r + 0.7 * snout, 0.38 * r, 0.28 * r + 0.32 * snout, 0.27 * r, 16), pale)
    nose = ellipse(0.72 * r + snout, 0.16 * r, 0.17 * r, 0.14 * r, 12)
    sketch.mark("head", "head", nose, palette.INK if kind != "piglet" else palette.darker(colour, 0.35))
    sketch.mark("head", "head", ellipse(0.05 * r, 0.38 * r, 0.2 * r, 0.13 * r, 12), palette.mix(colour, (235, 90, 96), 0.5))
    for size, tone, shift in ((0.29, palette.darker(colour, 0.6), 0.0), (0.25, palette.WHITE, 0.0), (0.18, palette.INK, 0.04)):
        sketch.mark("head", "eye", ellipse(shift * r, shift * r, size * r * 0.85, size * r, 16), tone)
    sketch.mark("head", "eye", ellipse(-0.03 * r, -0.07 * r, 0.06 * r, 0.07 * r, 8), palette.WHITE)
    _draw_ears(sketch, rng, kind, r, colour, extra)


def _draw_ears(sketch: Sketch, rng: np.random.Generator, kind: str, r: float, colour: palette.Colour, extra: palette.Colour) -> None:
    floppy = kind == "dog" and rng.uniform() < 0.7
    shape = (
        smooth([(-0.2 * r, -0.1 * r), (0.25 * r, -0.05 * r), (0.12 * r, 0.7 * r), (-0.22 * r, 1.0 * r), (-0.45 * r, 0.6 * r)], 5)
        if floppy
        else smooth([(-0.32 * r, 0.1 * r), (0.3 * r, 0.1 * r), (0.12 * r, -0.5 * r), (-0.12 * r, -0.78 * r)], 4)
    )
    ear = palette.darker(extra if floppy else colour, 0.12)
    sketch.part("ear_far", "ear", shape + np.array([0.55 * r, 0.0 if not floppy else -0.1 * r]), palette.darker(ear, 0.2))
    sketch.part("ear_near", "ear", shape, ear)
    if not floppy:
        sketch.mark("ear_near", "ear", shape * 0.55, palette.mix(ear, (255, 170, 170), 0.6))
    if kind == "deer":
        for dx in (0.1, 0.5):
            antler = [
                (dx * r, 0.05 * r),
                (dx * r - 0.1 * r, -0.75 * r),
                (dx * r - 0.42 * r, -1.05 * r),
                (dx * r - 0.08 * r, -0.95 * r),
                (dx * r + 0.05 * r, -1.35 * r),
                (dx * r + 0.08 * r, -0.8 * r),
                (dx * r + 0.16 * r, 0.05 * r),
            ]
            sketch.part("ear_near", "ear", smooth(antler, 3), (176, 132, 88))


def _draw_body(sketch: Sketch, rng: np.random.Generator, body: float, radius: float, colour: palette.Colour) -> None:
    shape = smooth(
        [
            (-0.56 * body, -0.2 * radius),
            (-0.42 * body, -0.95 * radius),
            (0.0, -0.86 * radius),
            (0.42 * body, -1.02 * radius),
            (0.6 * body, -0.3 * radius),
            (0.52 * body, 0.75 * radius),
            (0.1 * body, 0.95 * radius),
            (-0.3 * body, 0.82 * radius),
            (-0.54 * body, 0.55 * radius),
        ],
        6,
    )
    sketch.part("body", "body", shape, colour, light=(-0.05 * body, -0.35 * radius), keep=0.9)
    _coat(sketch, rng, shape, colour, radius)


def _mane(neck: float, radius: float, head: float) -> np.ndarray:
    nape = [(0.55 * radius, -0.1 * neck), (0.95 * radius, 0.4 * neck), (0.95 * head, 1.2 * neck), (0.3 * head, 1.5 * neck)]
    return smooth([*nape, (0.3 * radius, 0.5 * neck)], 4)


def quadruped(seed: int) -> Quadruped:
    """The four-legged animal of a seed."""
    rng = np.random.default_rng([17, seed])
    kind = str(rng.choice(list(_KINDS)))
    body, radius, leg, neck, angle, head, snout, tail = (value * rng.uniform(0.92, 1.08) for value in _KINDS[kind])
    colour, sketch = palette.vivid(rng) if rng.uniform() < 0.55 else palette.lighter(palette.hair(rng), 0.15), Sketch(line=0.012)
    extra, paw = palette.accent(rng, colour), palette.accent(rng, colour) if rng.uniform() < 0.5 else palette.darker(colour, 0.2)
    _draw_body(sketch, rng, body, radius, colour)
    _draw_legs(sketch, leg, 0.05 * rng.uniform(0.85, 1.15), colour, paw)
    sketch.part("body", "neck", capsule(neck, 0.78 * radius, 0.62 * head), colour)
    if kind == "pony":
        sketch.part("body", "neck", _mane(neck, radius, head), extra)
    _draw_head(sketch, rng, kind, head, snout, colour, extra)
    segment = np.full(TAIL_SEGMENTS, tail / TAIL_SEGMENTS)
    radii = np.array(_TAIL_RADII.get(kind, (0.03, 0.03, 0.026, 0.02, 0.012))) * rng.uniform(0.9, 1.3)
    draw_chain(sketch, "tail", "tail", segment, radii, extra if kind == "pony" else colour, extra)
    rest = {"pony": 0.5, "cat": 1.9, "dog": 2.2, "piglet": 1.6}.get(kind, 1.8)
    top = leg + radius + neck * np.sin(angle) + head
    ahead, behind = 0.46 * body + neck * np.cos(angle) + head + snout, 0.5 * body + 0.7 * tail
    nose = 0.5 * (behind - ahead) + 0.46 * body + neck * np.cos(angle)
    return Quadruped(
        scale=min(rng.uniform(0.61, 0.67) / max(top, 0.8), 0.92 / (ahead + behind)),
        shift=0.5 * (behind - ahead),
        half=(0.45 * nose, -0.72 * top, 1.2 * top),
        face=(nose + 0.3 * snout, -top + 0.7 * head, 4.5 * head),
        girth=0.3,
        colours=(colour, extra),
        figure=sketch.finish(GROUPS),
        body=body,
        radius=radius,
        leg=leg,
        neck=(neck, angle),
        head=head,
        snout=snout,
        tail=(tail / TAIL_SEGMENTS, rest, {"pony": -0.12, "cat": 0.28, "piglet": 0.7}.get(kind, 0.16)),
    )
