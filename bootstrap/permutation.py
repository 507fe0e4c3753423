"""A seeded order of 0..size-1 that is computed, never stored: position -> element, for any range of positions, in any order.

A balanced Feistel network over the smallest 2^2b >= size is a bijection; walking on from what lies outside 0..size-1 (cycle-walking)
keeps it one. No two positions give the same element and none is left out, so a prefix of the order costs only its own length.
Source: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002; the round function is the mixer of SplitMix64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.seeds import item_seed
from models.types import require

_ROUNDS = 6
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True, slots=True, kw_only=True)
class Permutation:
    """The order of `size` elements that `seed` gives."""

    size: int
    seed: int

    def __post_init__(self) -> None:
        require(0 <= self.size < 2**62, "permutation", "size", self.size, "0 <= size < 2**62")

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """The elements at `positions`, int64 `[N]`, each in 0..size-1."""
        out = np.array(positions, np.uint64)
        outside = np.arange(len(out))
        while len(outside):
            out[outside] = self._cipher(out[outside])
            outside = outside[out[outside] >= np.uint64(self.size)]
        return out.astype(np.int64)

    def _cipher(self, values: np.ndarray) -> np.ndarray:
        bits = np.uint64(max(1, (max(self.size - 1, 1).bit_length() + 1) // 2))
        mask = (np.uint64(1) << bits) - np.uint64(1)
        left, right = values >> bits, values & mask
        for number in range(_ROUNDS):
            key = np.uint64(item_seed(self.seed, "round", number))
            left, right = right, left ^ (_mixed(right + key) & mask)
        return (left << bits) | right


def _mixed(values: np.ndarray) -> np.ndarray:
    for multiplier, shift in zip(_MULTIPLIERS, (np.uint64(30), np.uint64(27))):
        values = (values ^ (values >> shift)) * multiplier
    return values ^ (values >> np.uint64(31))
