"""Random decisions by name: each depends on its own parts alone, so a decision or an option that is added later disturbs no other."""

from __future__ import annotations

from typing import Mapping

import numpy as np

from models.seeds import item_seed

_SPAN = 1 << 63


def unit(*parts: object) -> float:
    """A number in (0, 1], uniform over `parts`."""
    return (item_seed(0, "world", *parts) + 1) / _SPAN


def choose(shares: Mapping[str, float], *parts: object) -> str:
    """One of the names, each with the probability of its share (> 0).

    Every name runs with a random number of its own and the first one home wins (an exponential race), so another name
    takes some draws for itself and leaves all others as they were.
    """
    return min(shares, key=lambda name: -np.log(unit(*parts, name)) / shares[name])
