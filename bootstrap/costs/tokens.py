"""How many tokens a video transformer sees of one clip of a grid.

    tokens = ((T - 1) / time stride + 1) x H / (space stride x patch) x W / (space stride x patch)
In context, reference and driver lie side by side on one canvas: twice as many. Strides and patches are those of the families' released
VAEs and transformers, as diffusers' configs have them; sides are rounded up, so that a grid that is no multiple is not said to cost less.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from models.types import Grid, require


@dataclass(frozen=True, slots=True, kw_only=True)
class Strides:
    """`time`, `space`: of the VAE, frames and px; `patch`: of the transformer, in latents, along height and width."""

    time: int
    space: int
    patch: int

    def tokens(self, grid: Grid) -> int:
        """Of one clip."""
        frames = ceil((grid.num_frames - 1) / self.time) + 1
        return frames * ceil(grid.height / (self.space * self.patch)) * ceil(grid.width / (self.space * self.patch))

    @property
    def told(self) -> str:
        """The strides in words."""
        return f"VAE {self.time}x{self.space}x{self.space}, patches of {self.patch}x{self.patch}"


FAMILIES = {
    "wan": Strides(time=4, space=8, patch=2),
    "wan_ti2v": Strides(time=4, space=16, patch=2),
    "hunyuan": Strides(time=4, space=8, patch=2),
    "hunyuan15": Strides(time=4, space=16, patch=1),
}


def strides_of(family: str) -> Strides:
    """Raises ValueError for a family that is not known."""
    require(family in FAMILIES, "plan", "--family", family, f"one of {', '.join(FAMILIES)}")
    return FAMILIES[family]
