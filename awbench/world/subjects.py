"""Body plans by name: (subject, identity seed) -> character."""

from __future__ import annotations

from functools import lru_cache
from typing import Callable

from awbench.world.character import Character
from awbench.world.rigs.bird import bird
from awbench.world.rigs.blob import blob
from awbench.world.rigs.cartoon import cartoon
from awbench.world.rigs.human import human
from awbench.world.rigs.octopus import octopus
from awbench.world.rigs.quadruped import quadruped

_PLANS: dict[str, Callable[[int], Character]] = {
    "human": human,
    "cartoon": cartoon,
    "quadruped": quadruped,
    "bird": bird,
    "blob": blob,
    "octopus": octopus,
}


@lru_cache(maxsize=256)
def character(subject: str, seed: int) -> Character:
    """The character of a seed; recent ones are kept, building one costs as much as drawing a few frames."""
    return _PLANS[subject](seed)
