"""Humans: proportions, skin, hair, clothes drawn from a seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from awbench.world import palette
from awbench.world.figure import Sketch
from awbench.world.rigs.biped import Biped
from awbench.world.rigs.dress import Look, draw_arms, draw_face, draw_head, draw_legs, draw_skirt, draw_torso, gleam_of
from awbench.world.rigs.skeleton import Build
from awbench.world.shapes import capsule, ellipse, smooth

GROUPS = ("backhair", "strand", "leg_l", "leg_r", "skirt", "neck", "torso", "arm_l", "arm_r", "ears", "head", "face", "front", "hat")


def _build(rng: np.random.Generator) -> Build:
    child, wide = rng.uniform() < 0.3, rng.uniform(0.88, 1.2)
    head = rng.uniform(0.16, 0.178) if child else rng.uniform(0.124, 0.144)
    leg = rng.uniform(0.165, 0.185) if child else rng.uniform(0.198, 0.218)
    torso = 1.0 - 2 * head - 2 * leg - 0.05
    return Build(
        head_rx=head * rng.uniform(0.86, 0.95),
        head_ry=head,
        neck=0.012 if child else 0.02,
        torso=torso,
        shoulder_w=rng.uniform(0.105, 0.125) * wide,
        hip_w=0.055 * wide,
        upper_arm=0.62 * torso + 0.01,
        forearm=0.56 * torso,
        thigh=leg,
        shin=leg,
        arm_r=0.031 * wide,
        leg_r=0.04 * wide,
        foot=0.095,
    )


def _look(rng: np.random.Generator) -> Look:
    shirt = palette.vivid(rng)
    legwear = palette.accent(rng, shirt)
    return Look(
        skin=palette.skin(rng),
        shirt=shirt,
        trim=palette.accent(rng, shirt),
        legwear=legwear,
        shoe=palette.accent(rng, legwear),
        iris=palette.hsv(rng.uniform(), 0.6, 0.5),
        sleeve=int(rng.integers(3)),
        trouser=int(rng.integers(1, 3)),
        print_=str(rng.choice(["plain", "hoops", "stripes", "dots", "badge", "bib"])),
    )


def _fringe(build: Build, style: int) -> np.ndarray:
    rx, ry = 1.06 * build.head_rx, 1.07 * build.head_ry
    crown = [
        (-rx, 0.05 * ry),
        (-0.98 * rx, -0.45 * ry),
        (-0.62 * rx, -0.9 * ry),
        (0, -1.06 * ry),
        (0.62 * rx, -0.9 * ry),
        (0.98 * rx, -0.45 * ry),
        (rx, 0.05 * ry),
    ]
    edges = {
        0: [(0.72 * rx, -0.28 * ry), (0.1 * rx, -0.5 * ry), (-0.45 * rx, -0.62 * ry), (-0.8 * rx, -0.2 * ry)],
        1: [(0.84 * rx, -0.36 * ry), (0.4 * rx, -0.42 * ry), (0, -0.4 * ry), (-0.4 * rx, -0.42 * ry), (-0.84 * rx, -0.36 * ry)],
        2: [
            (0.8 * rx, -0.3 * ry),
            (0.45 * rx, -0.6 * ry),
            (0.2 * rx, -0.4 * ry),
            (-0.1 * rx, -0.62 * ry),
            (-0.35 * rx, -0.38 * ry),
            (-0.8 * rx, -0.3 * ry),
        ],
    }
    return smooth(crown + edges[style], 3)


def _hair(sketch: Sketch, build: Build, rng: np.random.Generator, colour: palette.Colour) -> tuple[tuple[float, float], float]:
    """Draw a hairdo; returns the root and segment length of the trailing strand (0: none)."""
    rx, ry = build.head_rx, build.head_ry
    style = str(rng.choice(["short", "bob", "long", "tail", "afro", "bun"]))
    front = _fringe(build, int(rng.integers(3)))
    back = {
        "bob": smooth(
            [
                (-1.1 * rx, -0.3 * ry),
                (0, -1.12 * ry),
                (1.1 * rx, -0.3 * ry),
                (1.22 * rx, 0.75 * ry),
                (0.7 * rx, 0.95 * ry),
                (-0.7 * rx, 0.95 * ry),
                (-1.22 * rx, 0.75 * ry),
            ],
            4,
        ),
        "afro": ellipse(0, -0.25 * ry, 1.5 * rx, 1.35 * ry),
    }.get(style, ellipse(0, -0.08 * ry, 1.07 * rx, 1.06 * ry))
    if style == "bun":
        sketch.part("backhair", "head", ellipse(0, -1.25 * ry, 0.5 * rx, 0.45 * ry, 16), colour, light=(-0.1 * rx, -1.35 * ry))
    sketch.part("backhair", "head", back, colour, light=(-0.2 * rx, -0.2 * ry), keep=0.9)
    sketch.part("front", "head", front, colour, line=0.006)
    sketch.mark("front", "head", ellipse(-0.3 * rx, -0.76 * ry, 0.26 * rx, 0.09 * ry, 10), gleam_of(colour))
    return _strand(sketch, build, style, colour)


def _strand(sketch: Sketch, build: Build, style: str, colour: palette.Colour) -> tuple[tuple[float, float], float]:
    rx, ry = build.head_rx, build.head_ry
    wide = {"long": 0.95 * rx, "tail": 0.36 * rx}.get(style, 0.0)
    length = {"long": 0.46 * ry, "tail": 0.52 * ry}.get(style, 0.0)
    radii = [wide, 1.05 * wide, 0.92 * wide, 0.35 * wide] if style == "long" else [0.7 * wide, 1.1 * wide, wide, 0.2 * wide]
    for i in range(3):
        if length:
            sketch.part("strand", f"hair{i}", capsule(length, radii[i], radii[i + 1]), colour)
        else:
            sketch.mark("strand", f"hair{i}", np.empty((0, 2)), colour)
    return (0.0, 0.1 * ry if style == "long" else -0.3 * ry), length


def _hat(sketch: Sketch, build: Build, rng: np.random.Generator, colour: palette.Colour) -> None:
    rx, ry = 1.1 * build.head_rx, 1.1 * build.head_ry
    kind = rng.uniform()
    if kind < 0.72:
        sketch.mark("hat", "head", np.empty((0, 2)), colour)
        return
    dome = smooth(
        [(-rx, -0.32 * ry), (-0.86 * rx, -0.85 * ry), (0, -1.2 * ry), (0.86 * rx, -0.85 * ry), (rx, -0.32 * ry), (0, -0.42 * ry)], 4
    )
    sketch.part("hat", "head", dome, colour, light=(-0.2 * rx, -0.7 * ry), keep=0.88)
    if kind < 0.86:
        sketch.part("hat", "head", ellipse(0, -1.25 * ry, 0.24 * rx, 0.24 * ry, 12), palette.WHITE)
    sketch.part(
        "hat",
        "head",
        smooth([(-1.06 * rx, -0.5 * ry), (1.06 * rx, -0.5 * ry), (1.04 * rx, -0.25 * ry), (0, -0.34 * ry), (-1.04 * rx, -0.25 * ry)], 3),
        palette.accent(rng, colour),
    )


def human(seed: int) -> Biped:
    """The human of a seed."""
    rng = np.random.default_rng([11, seed])
    build, look, sketch = _build(rng), _look(rng), Sketch(line=0.0095)
    colour = palette.hair(rng)
    dressed = rng.uniform() < 0.4
    if dressed:
        look = replace(look, trouser=0)
    draw_legs(sketch, build, look)
    draw_torso(sketch, build, look, rng)
    draw_arms(sketch, build, look)
    if dressed:
        draw_skirt(sketch, build, look.legwear if rng.uniform() < 0.6 else look.shirt, look.trim, rng.uniform(0.75, 1.15) * build.thigh)
    else:
        sketch.mark("skirt", "skirt", np.empty((0, 2)), look.legwear)
    for sign in (-1, 1):
        sketch.part(
            "ears",
            "head",
            ellipse(sign * 0.97 * build.head_rx, 0.08 * build.head_ry, 0.17 * build.head_rx, 0.22 * build.head_ry, 12),
            look.skin,
        )
    draw_head(sketch, build, look.skin, rng.uniform(0.8, 1.05))
    eye = (rng.uniform(0.36, 0.44) * build.head_rx, rng.uniform(-0.08, 0.04) * build.head_ry)
    draw_face(sketch, build, look, eye, rng.uniform(0.15, 0.185) * build.head_ry, brow=palette.darker(colour, 0.3))
    root, length = _hair(sketch, build, rng, colour)
    _hat(sketch, build, rng, palette.vivid(rng))
    return Biped(
        scale=rng.uniform(0.68, 0.74),
        half=(0.0, -0.77, 0.82),
        face=(0.0, -1.0 + 0.9 * build.head_ry, 3.3 * build.head_ry),
        girth=0.16,
        colours=(look.shirt, look.legwear, look.skin, colour),
        build=build,
        figure=sketch.finish(GROUPS),
        eye=eye,
        strand_root=root,
        strand_length=length or 0.1,
    )
