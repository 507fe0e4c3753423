"""What a training sample goes through: changes of the whole sample, of the driver alone, and of a skeleton's bones.

Mirroring is of reference, driver and target together. What the driver alone goes through says that neither the driver's framing
nor its colours are the target's: it is cropped and stretched (one affine map) and recoloured. Stretches and colours of the whole sample
make more characters out of few, for small models. M2's pipeline figure has an unexplained box of augmentation on the driver;
SCAIL-2 crops and stretches it.

A stretch is an affine map `[2,3]` from px of the new picture to px of the old one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Mapping

import cv2
import numpy as np

from models.pose.augment import random_bone_factors, scale_bones
from models.pose.skeleton import ANATOMIES
from models.types import PoseTrack, require

_TURN_RAD, _SCALE, _SHEAR, _SHIFT = 0.2, 0.3, 0.2, 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Shares of samples, 0 to 1, that go through each change. `bones`: the paper's U(0.8, 1.2) on 30 % of skeletons."""

    mirror: float = 0.5
    bones: float = 0.3
    driver_stretch: float = 0.5
    driver_colour: float = 0.5
    sample_stretch: float = 0.0
    sample_colour: float = 0.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            require(0 <= getattr(self, name) <= 1, "augmentation", name, getattr(self, name), "0 to 1")

    def draw(self, rng: np.random.Generator, size: tuple[int, int]) -> SampleChange:
        """A change for pictures of `size` (W,H) px; the same numbers are drawn whatever the shares are."""
        chances = rng.random(len(self.__slots__))
        hit = {name: chance < getattr(self, name) for name, chance in zip(self.__slots__, chances)}
        whole, own = random_stretch(rng, size), random_stretch(rng, size)
        colours, own_colours, bones = random_colours(rng), random_colours(rng), random_bone_factors(rng)
        stretches = [s for s, wanted in ((own, hit["driver_stretch"]), (whole, hit["sample_stretch"])) if wanted]
        return SampleChange(
            mirrored=bool(hit["mirror"]),
            stretch=whole if hit["sample_stretch"] else None,
            colours=colours if hit["sample_colour"] else None,
            driver_stretch=joined(stretches),
            driver_colours=own_colours if hit["driver_colour"] else (colours if hit["sample_colour"] else None),
            bones=bones if hit["bones"] else {},
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleChange:
    """One sample's change. `driver_stretch` and `driver_colours` hold for raw drivers, the sample's own included."""

    mirrored: bool = False
    stretch: np.ndarray | None = None
    colours: np.ndarray | None = None
    driver_stretch: np.ndarray | None = None
    driver_colours: np.ndarray | None = None
    bones: Mapping[str, float] = field(default_factory=dict)

    def of_pictures(self, pictures: np.ndarray) -> np.ndarray:
        """Reference or target, uint8 `[...,H,W,3]`."""
        return _changed(pictures, self.mirrored, self.stretch, self.colours)

    def of_driver(self, pictures: np.ndarray) -> np.ndarray:
        """A raw driver, uint8 `[...,H,W,3]`."""
        return _changed(pictures, self.mirrored, self.driver_stretch, self.driver_colours)

    def of_prompt(self, prompt: str) -> str:
        """Mirrored, left and right change places in what is said too."""
        if not self.mirrored:
            return prompt
        swap = {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}
        return re.sub(r"\b([Ll]eft|[Rr]ight)\b", lambda found: swap[found[1]], prompt)

    def of_pose(self, pose: PoseTrack, size: tuple[int, int]) -> PoseTrack:
        """A skeleton in pictures of `size` (W,H) px; mirrored, left and right change places."""
        points, confidence = pose.points, pose.confidence
        if self.mirrored:
            order = list(ANATOMIES[pose.skeleton].mirrored)
            points = points[..., order, :] * np.float32([-1, 1]) + np.float32([size[0] - 1, 0])
            confidence = confidence[..., order]
        points = points if self.stretch is None else stretch_points(points, self.stretch)
        changed = PoseTrack(points=points, confidence=confidence, skeleton=pose.skeleton, fps=pose.fps)
        return scale_bones(changed, dict(self.bones)) if self.bones else changed


def _changed(pictures: np.ndarray, mirrored: bool, stretch: np.ndarray | None, colours: np.ndarray | None) -> np.ndarray:
    pictures = pictures[..., ::-1, :] if mirrored else pictures
    pictures = pictures if stretch is None else stretch_pictures(pictures, stretch)
    return np.ascontiguousarray(pictures if colours is None else recolour(pictures, colours))


def random_stretch(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A turn, two scales, a shear and a shift about the middle of `size` (W,H) px."""
    turn, shear = rng.uniform(-_TURN_RAD, _TURN_RAD), rng.uniform(-_SHEAR, _SHEAR)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array([[1, shear], [0, 1]])
    linear = linear * np.exp(rng.uniform(-_SCALE, _SCALE, 2))
    middle = (np.asarray(size) - 1) / 2
    return np.concatenate([linear, (middle + rng.uniform(-_SHIFT, _SHIFT, 2) * size - linear @ middle)[:, None]], 1)


def joined(stretches: list[np.ndarray]) -> np.ndarray | None:
    """One map for a picture that goes under these stretches in turn; None for none."""
    whole = None
    for later in stretches:
        whole = later if whole is None else np.concatenate([whole[:, :2] @ later[:, :2], whole[:, :2] @ later[:, 2:] + whole[:, 2:]], 1)
    return whole


def stretch_pictures(pictures: np.ndarray, stretch: np.ndarray) -> np.ndarray:
    """uint8 `[...,H,W,3]` under a stretch: bilinear, edges replicated."""
    height, width = pictures.shape[-3:-1]
    how = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REPLICATE}
    frames = np.ascontiguousarray(pictures).reshape(-1, height, width, 3)
    return np.stack([cv2.warpAffine(frame, stretch, (width, height), **how) for frame in frames]).reshape(pictures.shape)


def stretch_points(points: np.ndarray, stretch: np.ndarray) -> np.ndarray:
    """Where the points `[...,2]` of the old picture lie in the new one, px."""
    return ((points - stretch[:, 2]) @ np.linalg.inv(stretch[:, :2]).T).astype(np.float32)


def random_colours(rng: np.random.Generator) -> np.ndarray:
    """A map of colours `[3,4]` that keeps grey contrast: the channels in another order, each mixed a little and some inverted."""
    mix = np.eye(3)[rng.permutation(3)] + rng.uniform(-0.25, 0.25, (3, 3))
    signs = np.where(rng.random(3) < 0.25, -1, 1)
    linear = mix / np.abs(mix).sum(1, keepdims=True) * signs[:, None] * rng.uniform(0.8, 1.1, (3, 1))
    return np.concatenate([linear, rng.uniform(-20, 20, (3, 1))], 1)


def recolour(pictures: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """uint8 `[...,3]` under a map of colours about middle grey."""
    shift = colours[:, 3] + 127.5 - colours[:, :3].sum(1) * 127.5
    flat = np.ascontiguousarray(pictures).reshape(-1, 1, 3)
    return cv2.transform(flat, np.concatenate([colours[:, :3], shift[:, None]], 1)).reshape(pictures.shape)
