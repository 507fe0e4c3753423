"""Cartoons: big-headed mascots (bear, cat, bunny, robot, sprite) on the human skeleton."""

from __future__ import annotations

import numpy as np

from awbench.world import palette
from awbench.world.figure import Sketch
from awbench.world.rigs.biped import Biped
from awbench.world.rigs.chain import draw_chain
from awbench.world.rigs.dress import Look, draw_arms, draw_face, draw_head, draw_legs, draw_torso
from awbench.world.rigs.human import GROUPS
from awbench.world.rigs.skeleton import Build
from awbench.world.shapes import ellipse, smooth, stripes

_KINDS = ("bear", "cat", "bunny", "robot", "sprite")


def _build(rng: np.random.Generator) -> Build:
    head, leg = rng.uniform(0.21, 0.245), rng.uniform(0.105, 0.13)
    torso = 1.0 - 1.9 * head - 2 * leg - 0.06
    return Build(
        head_rx=head * rng.uniform(0.98, 1.18),
        head_ry=head,
        neck=0.0,
        torso=torso,
        shoulder_w=rng.uniform(0.1, 0.125),
        hip_w=0.06,
        upper_arm=rng.uniform(0.13, 0.15),
        forearm=rng.uniform(0.12, 0.14),
        thigh=leg,
        shin=leg,
        arm_r=rng.uniform(0.036, 0.046),
        leg_r=rng.uniform(0.046, 0.058),
        foot=0.12,
        slack=0.76,
    )


def _ears(sketch: Sketch, kind: str, build: Build, fur: palette.Colour, inner: palette.Colour) -> None:
    rx, ry = build.head_rx, build.head_ry
    sketch.mark("ears", "head", np.empty((0, 2)), fur)
    for sign in (-1, 1):
        if kind == "bear":
            sketch.part("ears", "head", ellipse(sign * 0.74 * rx, -0.74 * ry, 0.32 * rx, 0.32 * ry, 18), fur)
            sketch.mark("ears", "head", ellipse(sign * 0.74 * rx, -0.72 * ry, 0.18 * rx, 0.18 * ry, 14), inner)
        elif kind == "cat":
            for grow, colour in ((1.0, fur), (0.58, inner)):
                tip = [
                    (sign * (0.6 + 0.36 * grow) * rx, -0.5 * ry),
                    (sign * (0.62 + 0.22 * grow) * rx, (-0.7 - 0.62 * grow) * ry),
                    (sign * (0.6 - 0.42 * grow) * rx, -0.8 * ry),
                ]
                sketch.part("ears", "head", smooth(tip, 4), colour, line=None if grow == 1.0 else 0.0)
        elif kind == "bunny":
            for grow, colour in ((1.0, fur), (0.6, inner)):
                sketch.part(
                    "ears",
                    "head",
                    ellipse(sign * 0.42 * rx, -1.22 * ry, 0.22 * rx * grow, 0.55 * ry * grow, 20),
                    colour,
                    line=None if grow == 1.0 else 0.0,
                )
        elif kind == "robot":
            sketch.part("ears", "head", ellipse(sign * rx, 0.0, 0.16 * rx, 0.24 * ry, 12), inner)


def _top(sketch: Sketch, kind: str, build: Build, rng: np.random.Generator, fur: palette.Colour, trim: palette.Colour) -> None:
    """What sits on the head, in front."""
    rx, ry = build.head_rx, build.head_ry
    sketch.mark("hat", "head", np.empty((0, 2)), fur)
    sketch.mark("front", "head", np.empty((0, 2)), fur)
    if kind == "sprite":
        tuft = smooth(
            [
                (-0.95 * rx, -0.2 * ry),
                (-0.9 * rx, -0.75 * ry),
                (-0.2 * rx, -1.12 * ry),
                (0.25 * rx, -1.35 * ry),
                (0.2 * rx, -1.08 * ry),
                (0.9 * rx, -0.7 * ry),
                (0.95 * rx, -0.2 * ry),
                (0.5 * rx, -0.55 * ry),
                (0.1 * rx, -0.35 * ry),
                (-0.4 * rx, -0.6 * ry),
            ],
            4,
        )
        sketch.part("front", "head", tuft, trim, line=0.008)
    elif kind == "cat":
        for x in (-0.22, 0.0, 0.22):
            sketch.mark(
                "front",
                "head",
                smooth([(x * rx - 0.05 * rx, -0.95 * ry), (x * rx + 0.05 * rx, -0.95 * ry), (0.8 * x * rx, -0.55 * ry)], 3),
                palette.darker(fur, 0.4),
            )
    elif rng.uniform() < 0.35:
        for sign in (-1, 1):
            sketch.part("hat", "head", smooth([(0, -0.98 * ry), (sign * 0.4 * rx, -1.22 * ry), (sign * 0.4 * rx, -0.78 * ry)], 4), trim)
        sketch.part("hat", "head", ellipse(0, -0.98 * ry, 0.1 * rx, 0.1 * ry, 10), trim)


def _strand(sketch: Sketch, kind: str, build: Build, fur: palette.Colour, trim: palette.Colour) -> tuple[str, tuple[float, float], float]:
    """Draw the trailing strand: an antenna on a robot, a ponytail on a sprite, a tail on the animals; its kind, root and segment length."""
    r = build.head_rx
    length = {"robot": 0.14, "sprite": 0.34, "bunny": 0.1, "bear": 0.12, "cat": 0.36}[kind] * build.head_ry
    radii = {
        "robot": (0.05, 0.05, 0.05, 0.05),
        "sprite": (0.16, 0.24, 0.2, 0.05),
        "bunny": (0.2, 0.24, 0.26, 0.2),
        "bear": (0.16, 0.18, 0.16, 0.12),
    }.get(kind, (0.11, 0.11, 0.11, 0.1))
    tip = fur if kind in ("robot", "sprite", "bear") else (palette.lighter(fur, 0.6) if kind == "bunny" else palette.darker(fur, 0.35))
    draw_chain(
        sketch,
        "strand",
        "hair",
        np.full(3, length),
        np.array(radii) * r,
        trim if kind == "sprite" else fur,
        trim if kind == "sprite" else tip,
    )
    if kind == "robot":
        sketch.part("strand", "hair2", ellipse(0, length, 0.15 * r, 0.15 * r, 14), trim)
    style = {"robot": "antenna", "sprite": "hair"}.get(kind, "tail")
    return style, (0.0, -0.9 * build.head_ry if style == "antenna" else -0.2 * build.head_ry), length


def _head(sketch: Sketch, kind: str, build: Build, fur: palette.Colour) -> None:
    rx, ry = build.head_rx, build.head_ry
    sketch.mark("backhair", "head", ellipse(0, 0, 0.9 * rx, 0.9 * ry), fur)
    if kind == "robot":
        box = smooth(
            [
                (-0.95 * rx, -0.7 * ry),
                (-0.7 * rx, -0.92 * ry),
                (0.7 * rx, -0.92 * ry),
                (0.95 * rx, -0.7 * ry),
                (0.95 * rx, 0.7 * ry),
                (0.7 * rx, 0.95 * ry),
                (-0.7 * rx, 0.95 * ry),
                (-0.95 * rx, 0.7 * ry),
            ],
            4,
        )
        sketch.part("head", "head", box, fur, light=(-0.2 * rx, -0.15 * ry), keep=0.9)
    else:
        shape = draw_head(sketch, build, fur, 1.15)
        if kind == "cat":
            for side in stripes(shape * 0.96, np.pi / 2, 0.42 * ry, 0.3)[1:3]:
                half = side[np.abs(side[:, 0]) > 0.0]
                for sign in (-1, 1):
                    edge = half[np.sign(half[:, 0]) == sign]
                    if len(edge) >= 2:
                        sketch.mark(
                            "head", "head", np.concatenate([edge, [[sign * 0.72 * rx, edge[:, 1].mean()]]]), palette.darker(fur, 0.3)
                        )


def _look(rng: np.random.Generator, fur: palette.Colour) -> Look:
    shirt = palette.accent(rng, fur)
    trim = palette.accent(rng, shirt)
    return Look(
        skin=fur,
        shirt=shirt,
        trim=trim,
        legwear=palette.accent(rng, shirt),
        shoe=palette.accent(rng, fur),
        iris=palette.hsv(rng.uniform(), 0.6, 0.5),
        sleeve=int(rng.integers(3)),
        trouser=int(rng.integers(1, 3)),
        print_=str(rng.choice(["plain", "hoops", "stripes", "dots", "badge", "bib"])),
    )


def cartoon(seed: int) -> Biped:
    """The cartoon character of a seed."""
    rng = np.random.default_rng([13, seed])
    kind, build, sketch = str(rng.choice(_KINDS)), _build(rng), Sketch(line=0.012)
    fur = palette.vivid(rng) if kind != "sprite" else palette.skin(rng)
    inner = palette.mix(fur, (255, 190, 190), 0.6)
    look = _look(rng, fur)
    sketch.mark("skirt", "skirt", np.empty((0, 2)), fur)
    draw_legs(sketch, build, look)
    draw_torso(sketch, build, look, rng)
    draw_arms(sketch, build, look)
    _ears(sketch, kind, build, fur, inner)
    _head(sketch, kind, build, fur)
    eye = (rng.uniform(0.36, 0.46) * build.head_rx, rng.uniform(-0.15, 0.0) * build.head_ry)
    muzzle = palette.lighter(fur, 0.55) if kind in ("bear", "cat", "bunny") else None
    draw_face(
        sketch,
        build,
        look,
        eye,
        rng.uniform(0.16, 0.22) * build.head_ry,
        brow=palette.darker(fur, 0.5) if kind != "bunny" else None,
        muzzle=muzzle,
    )
    _top(sketch, kind, build, rng, fur, look.trim)
    style, root, length = _strand(sketch, kind, build, fur, look.trim)
    return Biped(
        scale=rng.uniform(0.62, 0.68),
        half=(0.0, -0.73, 0.96),
        face=(0.0, -1.0 + 0.75 * build.head_ry, 3.3 * build.head_ry),
        girth=0.17,
        colours=(fur, look.shirt, look.legwear),
        build=build,
        figure=sketch.finish(GROUPS),
        eye=eye,
        strand=style,
        strand_root=root,
        strand_length=length,
    )
