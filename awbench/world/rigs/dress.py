"""Drawing a two-legged character: limbs, clothes and face as polygons in the frames of the biped rig."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.world.figure import Sketch
from awbench.world.palette import INK, WHITE, Colour, darker, lighter, mix
from awbench.world.rigs.skeleton import Build
from awbench.world.shapes import capsule, ellipse, mirrored, smile, smooth, spots, stripes


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Colours and cut. `sleeve` and `trouser`: 0 none, 1 to the elbow or knee, 2 long; `print_`: plain, stripes, hoops, dots, bib."""

    skin: Colour
    shirt: Colour
    trim: Colour
    legwear: Colour
    shoe: Colour
    iris: Colour
    sleeve: int
    trouser: int
    print_: str


def _limb(sketch: Sketch, group: str, frame: str, length: float, r0: float, r1: float, colour: Colour) -> None:
    """A segment with one side in shade, all along, so that two segments meet without a seam."""
    sketch.part(group, frame, capsule(length, r0, r1), darker(colour, 0.2), ink=darker(colour, 0.62))
    sketch.mark(group, frame, capsule(length, r0, r1) * np.array([0.76, 1.0]) - np.array([0.22 * min(r0, r1), 0.0]), colour)


def draw_arms(sketch: Sketch, build: Build, look: Look) -> None:
    """Elbow, forearm, upper arm and a mitten hand on each side."""
    r = build.arm_r
    for side in ("l", "r"):
        upper = look.shirt if look.sleeve else look.skin
        fore = look.shirt if look.sleeve == 2 else look.skin
        group, wide = f"arm_{side}", 1.18 if look.sleeve else 1.0
        sketch.part(group, f"elbow_{side}", ellipse(0, 0, r, r, 14), fore)
        sketch.part(group, f"hand_{side}", ellipse(0, 0.75 * r, 1.12 * r, 1.25 * r, 16), look.skin, light=(-0.3 * r, 0.5 * r))
        _limb(sketch, group, f"forearm_{side}", build.forearm, r * (1.12 if look.sleeve == 2 else 1.0), r * 0.86, fore)
        _limb(sketch, group, f"upper_arm_{side}", build.upper_arm, r * wide * 1.08, r * wide, upper)
        if look.sleeve == 1:
            sketch.mark(group, f"upper_arm_{side}", _cuff(build.upper_arm, r * wide), look.trim)


def _cuff(length: float, radius: float) -> np.ndarray:
    return np.array([[-radius, 0.74 * length], [radius, 0.74 * length], [radius, 0.9 * length], [-radius, 0.9 * length]])


def draw_legs(sketch: Sketch, build: Build, look: Look) -> None:
    """Thigh, knee, shin and a shoe on each side."""
    r, foot = build.leg_r, build.foot
    shoe = smooth(
        [
            (-0.32 * foot, -0.3 * r),
            (0.05 * foot, -0.62 * r),
            (0.7 * foot, 0.05 * r),
            (0.88 * foot, 0.7 * r),
            (0.4 * foot, r),
            (-0.3 * foot, r),
            (-0.42 * foot, 0.5 * r),
        ],
        3,
    )
    sole = np.array([[-0.38 * foot, 0.66 * r], [0.86 * foot, 0.66 * r], [0.7 * foot, r], [-0.3 * foot, r]])
    for side in ("l", "r"):
        group = f"leg_{side}"
        thigh = look.legwear if look.trouser else look.skin
        shin = look.legwear if look.trouser == 2 else look.skin
        sketch.part(group, f"knee_{side}", ellipse(0, 0, 0.98 * r, 0.98 * r, 14), shin)
        _limb(sketch, group, f"shin_{side}", build.shin, r * 0.98, r * 0.74, shin)
        sketch.part(group, f"foot_{side}", shoe, look.shoe, light=(-0.05 * foot, -0.2 * r))
        sketch.mark(group, f"foot_{side}", sole, WHITE)
        _limb(sketch, group, f"thigh_{side}", build.thigh, 1.2 * r, 1.02 * r, thigh)


def torso_shape(build: Build) -> np.ndarray:
    """The trunk's outline, neck base at (0, 0), pelvis at (0, torso)."""
    w, h, length = build.shoulder_w, build.hip_w + build.leg_r, build.torso
    waist = 0.5 * (w + h) * 0.9
    return mirrored(
        [
            (0, -0.05 * length),
            (0.5 * w, -0.04 * length),
            (w, 0.08 * length),
            (1.02 * w, 0.25 * length),
            (waist, 0.62 * length),
            (h, length),
            (0.7 * h, 1.12 * length),
            (0, 1.16 * length),
        ],
        4,
    )


def draw_torso(sketch: Sketch, build: Build, look: Look, rng: np.random.Generator) -> None:
    """Neck, trunk and what is printed on the shirt; trousers reach up to the hips."""
    w, length = build.shoulder_w, build.torso
    neck = 0.42 * build.head_rx
    sketch.part(
        "neck",
        "torso",
        smooth([(-neck, -1.3 * build.neck - 0.03), (neck, -1.3 * build.neck - 0.03), (1.15 * neck, 0.05), (-1.15 * neck, 0.05)], 3),
        darker(look.skin, 0.14),
    )
    shape = torso_shape(build)
    sketch.part("torso", "torso", shape, look.shirt, light=(-0.22 * w, 0.4 * length), keep=0.86)
    inner = shape * 0.97 + np.array([0.0, 0.014])
    for polygon in _print(inner, look.print_, w, length, rng):
        sketch.mark("torso", "torso", polygon, look.trim)
    if look.trouser:
        belt = inner[inner[:, 1] > 0.93 * length]
        sketch.mark("torso", "torso", belt, look.legwear)
    sketch.mark(
        "torso",
        "torso",
        smooth([(-1.2 * neck, -0.05 * length), (1.2 * neck, -0.05 * length), (0, 0.13 * length)], 3),
        look.skin if look.print_ == "plain" else look.trim,
    )


def _print(shape: np.ndarray, kind: str, w: float, length: float, rng: np.random.Generator) -> list[np.ndarray]:
    if kind == "hoops":
        return stripes(shape, np.pi / 2, 0.3 * length, 0.45)
    if kind == "stripes":
        return stripes(shape, 0.0, 0.55 * w, 0.4, 0.3)
    if kind == "dots":
        return spots(shape, rng, 9, 0.17 * w)
    if kind == "bib":
        return [smooth([(-0.5 * w, 0.3 * length), (0.5 * w, 0.3 * length), (0.6 * w, 0.9 * length), (-0.6 * w, 0.9 * length)], 4)]
    if kind == "badge":
        return [
            smooth(
                [
                    (0, 0.2 * length),
                    (0.12 * w, 0.36 * length),
                    (0.5 * w, 0.4 * length),
                    (0.2 * w, 0.55 * length),
                    (0.3 * w, 0.8 * length),
                    (0, 0.64 * length),
                    (-0.3 * w, 0.8 * length),
                    (-0.2 * w, 0.55 * length),
                    (-0.5 * w, 0.4 * length),
                    (-0.12 * w, 0.36 * length),
                ],
                1,
            )
        ]
    return []


def draw_skirt(sketch: Sketch, build: Build, colour: Colour, trim: Colour, length: float) -> None:
    """A skirt hanging from the pelvis; its frame shears with the follow-through."""
    top, hem = build.hip_w + build.leg_r, 1.75 * (build.hip_w + build.leg_r)
    corners = [
        (-top, -0.06),
        (0, -0.075),
        (top, -0.06),
        (0.5 * (top + hem), 0.5 * length),
        (hem, length),
        (0.45 * hem, 1.04 * length),
        (0, 1.06 * length),
        (-0.45 * hem, 1.04 * length),
        (-hem, length),
        (-0.5 * (top + hem), 0.5 * length),
    ]
    shape = smooth(corners, 3)
    sketch.part("skirt", "skirt", shape, colour, light=(-0.35 * top, 0.4 * length), keep=0.86)
    for x in (-0.45, 0.0, 0.45):
        sketch.mark(
            "skirt",
            "skirt",
            np.array([[x * top, 0.1 * length], [x * hem * 1.05 - 0.006, 0.98 * length], [x * hem * 1.05 + 0.006, 0.98 * length]]),
            darker(colour, 0.3),
        )
    sketch.mark("skirt", "skirt", shape[shape[:, 1] > 0.8 * length], trim)


def draw_face(
    sketch: Sketch, build: Build, look: Look, eye: tuple[float, float], size: float, *, brow: Colour | None, muzzle: Colour | None = None
) -> None:
    """Eyes of radius `size` at (+-eye), brows, cheeks, nose and a mouth that opens; `muzzle` adds an animal's snout."""
    rx, ry = build.head_rx, build.head_ry
    ex, ey = eye
    blush = mix(look.skin, (235, 92, 92), 0.42)
    for sign in (-1, 1):
        sketch.mark("face", "face", ellipse(sign * 1.22 * ex, 0.38 * ry, 0.19 * rx, 0.12 * ry, 12), blush)
    if muzzle:
        sketch.mark("face", "face", ellipse(0, 0.4 * ry, 0.44 * rx, 0.34 * ry, 18), muzzle)
    for sign in (-1, 1):
        x = sign * ex
        sketch.mark("face", "eyes", ellipse(x, ey, 1.18 * size, 1.42 * size, 16), darker(look.skin, 0.55))
        sketch.mark("face", "eyes", ellipse(x, ey, size, 1.24 * size, 16), WHITE)
        sketch.mark("face", "eyes", ellipse(x, ey + 0.12 * size, 0.72 * size, 0.95 * size, 14), look.iris)
        sketch.mark("face", "eyes", ellipse(x, ey + 0.12 * size, 0.46 * size, 0.62 * size, 12), INK)
        sketch.mark("face", "eyes", ellipse(x - 0.22 * size, ey - 0.3 * size, 0.28 * size, 0.32 * size, 8), WHITE)
        if brow:
            sketch.mark(
                "face",
                "face",
                smooth(
                    [(x - 1.2 * size, ey - 1.9 * size), (x, ey - 2.4 * size), (x + 1.2 * size, ey - 1.9 * size), (x, ey - 1.95 * size)], 3
                ),
                brow,
            )
    if muzzle:
        sketch.mark("face", "face", ellipse(0, 0.24 * ry, 0.15 * rx, 0.1 * ry, 12), INK)
        sketch.gleam("face", "face", ellipse(-0.04 * rx, 0.2 * ry, 0.04 * rx, 0.03 * ry, 8), INK)
    else:
        sketch.mark("face", "face", ellipse(0, 0.2 * ry, 0.09 * rx, 0.08 * ry, 10), darker(look.skin, 0.2))
    sketch.mark("face", "mouth", smile(0.36 * rx, 0.21 * ry), (106, 28, 44))
    sketch.mark("face", "mouth", ellipse(0, 0.115 * ry, 0.17 * rx, 0.065 * ry, 12), (232, 108, 112))


def draw_head(sketch: Sketch, build: Build, colour: Colour, jaw: float = 0.9) -> np.ndarray:
    """The skull; returns its outline around (0, 0)."""
    rx, ry = build.head_rx, build.head_ry
    shape = mirrored(
        [(0, -ry), (0.6 * rx, -0.84 * ry), (0.97 * rx, -0.3 * ry), (0.97 * rx, 0.25 * ry), (0.72 * rx * jaw, 0.76 * ry), (0, ry)], 5
    )
    sketch.part("head", "head", shape, colour, light=(-0.22 * rx, -0.15 * ry), keep=0.88)
    return shape


def gleam_of(colour: Colour) -> Colour:
    """The tone of a highlight on `colour`."""
    return lighter(colour, 0.3)
