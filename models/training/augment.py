"""One random stretch of the plane and one random map of colours for a whole training sample.

People are all that a pose-driven model is trained on, and much that it is asked to animate has neither their proportions nor
their colours. Reference and target go under the same maps, and so does what tells where a pixel comes from; a raw driver
shares the stretch but for proportions of its own, and has colours of its own. M2's pipeline figure has an unexplained box
of augmentation on the driver; SCAIL-2 crops and stretches it. numpy only.

A stretch is an affine map `[2,3]` from px of the new picture to px of the old one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models.pose.skeleton import MIRRORED

_TURN_RAD, _SCALE, _SHEAR, _SHIFT = 0.2, 0.3, 0.2, 0.06
_OWN_SCALE = 0.15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleChange:
    """What a sample goes through as a whole: mirrored or not, then a stretch and a map of colours, or neither."""

    size: tuple[int, int]
    mirrored: bool
    stretch: np.ndarray | None
    colours: np.ndarray | None

    @classmethod
    def draw(cls, rng: np.random.Generator, size: tuple[int, int], *, flip: float, stretch: float, colour: float) -> SampleChange:
        """A change for pictures of `size` (W,H) px; `flip`, `stretch` and `colour` are the shares of samples that get each."""
        mirrored = bool(rng.random() < flip)
        plane = random_stretch(rng, size) if rng.random() < stretch else None
        return cls(size=size, mirrored=mirrored, stretch=plane, colours=random_colours(rng) if rng.random() < colour else None)

    def pictures(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 `[...,H,W,3]`."""
        pictures = pictures[..., ::-1, :] if self.mirrored else pictures
        pictures = pictures if self.stretch is None else stretch_pictures(pictures, self.stretch)
        return pictures if self.colours is None else recolour(pictures, self.colours)

    def labels(self, labels: np.ndarray) -> np.ndarray:
        """uint8 `[...,H,W]`."""
        labels = labels[..., ::-1] if self.mirrored else labels
        return labels if self.stretch is None else stretch_pictures(labels[..., None], self.stretch)[..., 0]

    def of_driver(self, rng: np.random.Generator) -> SampleChange:
        """What a raw driver goes through: the stretch but for proportions of its own, and its own colours."""
        return replace(
            self,
            stretch=None if self.stretch is None else with_own_proportions(self.stretch, rng, self.size),
            colours=None if self.colours is None else random_colours(rng),
        )

    def origins(self, origins: np.ndarray, cell_px: int) -> np.ndarray:
        """Origins `[...,h,w,2]` px between two pictures that both go through this."""
        origins = origins[..., ::-1, :] * np.float32([-1, 1]) if self.mirrored else origins
        return origins if self.stretch is None else stretch_origins(origins, self.stretch, cell_px)

    def joints(self, points: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """COCO-17 points `[...,17,2]` px and their confidence; mirrored, left and right change places."""
        if self.mirrored:
            points = points[..., MIRRORED, :] * np.float32([-1, 1]) + np.float32([self.size[0] - 1, 0])
            confidence = confidence[..., MIRRORED]
        return (points if self.stretch is None else stretch_points(points, self.stretch)), confidence


def random_stretch(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A turn, two scales, a shear and a shift about the middle of `size` (W,H) px."""
    turn, shear = rng.uniform(-_TURN_RAD, _TURN_RAD), rng.uniform(-_SHEAR, _SHEAR)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array([[1, shear], [0, 1]])
    linear = linear * np.exp(rng.uniform(-_SCALE, _SCALE, 2))
    return _about_middle(linear, size, rng.uniform(-_SHIFT, _SHIFT, 2) * size)


def with_own_proportions(stretch: np.ndarray, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """The same stretch of a picture that is first made a little wider or taller."""
    own = _about_middle(np.diag(np.exp(rng.uniform(-_OWN_SCALE, _OWN_SCALE, 2))), size, np.zeros(2))
    return np.concatenate([own[:, :2] @ stretch[:, :2], own[:, :2] @ stretch[:, 2:] + own[:, 2:]], 1)


def _about_middle(linear: np.ndarray, size: tuple[int, int], shift: np.ndarray) -> np.ndarray:
    middle = (np.asarray(size) - 1) / 2
    return np.concatenate([linear, (middle + shift - linear @ middle)[:, None]], 1)


def stretch_fields(fields: np.ndarray, stretch: np.ndarray, cell_px: int = 1) -> np.ndarray:
    """Resample `[...,h,w,C]` (rasters of cells of `cell_px`) under a stretch, bilinear, edges replicated; float32."""
    height, width = fields.shape[-3:-1]
    y, x = np.mgrid[:height, :width]
    middles = np.stack([x, y], -1) * cell_px + (cell_px - 1) / 2
    at = ((middles @ stretch[:, :2].T + stretch[:, 2]) - (cell_px - 1) / 2) / cell_px
    at = np.clip(at, 0, (width - 1, height - 1)).astype(np.float32)
    left, top = np.minimum(at[..., 0].astype(int), width - 2), np.minimum(at[..., 1].astype(int), height - 2)
    right_share, low_share = (at - np.stack([left, top], -1)).astype(np.float32).transpose(2, 0, 1)[..., None]
    values = fields.astype(np.float32)
    upper = values[..., top, left, :] * (1 - right_share) + values[..., top, left + 1, :] * right_share
    lower = values[..., top + 1, left, :] * (1 - right_share) + values[..., top + 1, left + 1, :] * right_share
    return upper * (1 - low_share) + lower * low_share


def stretch_pictures(pictures: np.ndarray, stretch: np.ndarray) -> np.ndarray:
    """uint8 `[...,H,W,3]` under a stretch."""
    return (stretch_fields(pictures, stretch) + 0.5).astype(np.uint8)


def stretch_origins(origins: np.ndarray, stretch: np.ndarray, cell_px: int) -> np.ndarray:
    """Origins `[...,h,w,2]` px between two pictures that both go under the stretch."""
    return stretch_fields(origins, stretch, cell_px) @ np.linalg.inv(stretch[:, :2]).T.astype(np.float32)


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
    mapped = (pictures.astype(np.float32) - 127.5) @ colours[:, :3].T.astype(np.float32) + colours[:, 3].astype(np.float32) + 127.5
    return np.clip(mapped + 0.5, 0, 255).astype(np.uint8)
