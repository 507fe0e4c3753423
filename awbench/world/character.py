"""What every body plan offers: a figure, a pose for any motion programme, and where its face and upper body are at rest.

Character space: the ground under the character is (0, 0), y points down, 1 is about the standing height.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from awbench.world.figure import Figure, Posed
from awbench.world.motion import Motion
from awbench.world.palette import Colour


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Character(ABC):
    """`scale`: view heights per unit; `girth`: half width at the ground; `colours`: those the background keeps away from.

    `half`, `face`: closer framings as (centre in the facing direction, centre y, height).
    """

    scale: float
    half: tuple[float, float, float]
    face: tuple[float, float, float]
    girth: float
    colours: tuple[Colour, ...]
    figure: Figure

    @abstractmethod
    def pose(self, motion: Motion, t_s: np.ndarray) -> Posed:
        """The figure at times `t_s` `[T]`, a function of the time alone."""
