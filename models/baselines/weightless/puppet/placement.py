"""Where a picture lies in a request's pixels: the ways a picture may have been fitted, each a scale and a shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.box import Box
from models.framing import FITS, fit_box
from models.subject import subject_box

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Pixel p of a picture lies at (p + 0.5) * scale - 0.5 + shift, along each axis."""

    scale: tuple[float, float]
    shift: tuple[float, float]

    def points(self, places: np.ndarray) -> np.ndarray:
        """Complex px of the picture -> complex px of the request, without the shift."""
        x, y = self.scale
        return (places.real + 0.5) * x - 0.5 + 1j * ((places.imag + 0.5) * y - 0.5)

    def after(self, first: Placement) -> Placement:
        """`first`, then this one."""
        pairs = list(zip(self.scale, self.shift, first.scale, first.shift))
        return Placement(scale=tuple(s * f for s, _, f, _ in pairs), shift=tuple(s * g + t for s, t, _, g in pairs))


def placed(box: Box, size: Size) -> Placement:
    """Of a picture whose `box` is shown at `size` (W,H)."""
    scale = (size[0] / box[2], size[1] / box[3])
    return Placement(scale=scale, shift=(-box[0] * scale[0], -box[1] * scale[1]))


def placements(picture: np.ndarray, size: Size) -> dict[str, Placement]:
    """Every way a picture may have been brought to `size`, by `models.framing.FITS`."""
    source = (picture.shape[1], picture.shape[0])
    boxes = {fit: subject_box(picture[None], source, size) if fit == "subject" else fit_box(source, size, fit) for fit in FITS}
    return {fit: placed(box, size) for fit, box in boxes.items()}
