"""Planted answers to world cases: each spoils one thing so plainly that any judge must rank it below the right answer.

`PLANTS` maps a name to (the dimension that must see it, function). The right answer is the case's truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from awbench.cases import CaseMedia
from models.types import Clip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Garden:
    """What plants are made of: a case's media with its truth, and `stranger`, the truth of another reference under the same motion."""

    media: CaseMedia
    stranger: Clip
    order_seed: int

    @property
    def right(self) -> Clip:
        return self.media.truth.clip


def still(garden: Garden) -> Clip:
    """The reference, held."""
    return Clip(frames=np.repeat(garden.media.reference[None], len(garden.right), 0), fps=garden.right.fps)


def wrong_identity(garden: Garden) -> Clip:
    """Another subject in another place does the right thing."""
    return garden.stranger


def echo(garden: Garden) -> Clip:
    """The driver itself."""
    return garden.media.driving


def shuffled(garden: Garden) -> Clip:
    """All frames of the right answer in another order, as few as can be beside a neighbour of before (best of 32 orders)."""
    rng = np.random.default_rng(garden.order_seed)
    orders = [rng.permutation(len(garden.right)) for _ in range(32)]
    order = max(orders, key=lambda one: int((np.abs(np.diff(one)) > 1).sum()))
    return Clip(frames=garden.right.frames[order], fps=garden.right.fps)


def blurred(garden: Garden) -> Clip:
    """Every frame out of focus by 3 % of the short side."""
    sigma = 0.03 * min(garden.right.size)
    return Clip(frames=np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in garden.right.frames]), fps=garden.right.fps)


def changing(garden: Garden) -> Clip:
    """Halfway subject and scene become the stranger's."""
    half = len(garden.right) // 2
    return Clip(frames=np.concatenate([garden.right.frames[:half], garden.stranger.frames[half:]]), fps=garden.right.fps)


PLANTS: dict[str, tuple[str, Callable[[Garden], Clip]]] = {
    "still": ("motion_fidelity", still),
    "wrong_identity": ("appearance_consistency", wrong_identity),
    "shuffled": ("motion_smoothness", shuffled),
    "blurred": ("imaging_quality", blurred),
    "echo": ("appearance_consistency", echo),
    "changing": ("temporal_consistency", changing),
}
RIGHT = "right"
