"""The seed of an item from (run seed, item id): never from worker, order or time, so any schedule agrees."""

from __future__ import annotations

import hashlib

import numpy as np


def item_seed(run_seed: int, *parts: object) -> int:
    """A 63-bit seed that depends only on `run_seed` and the item's id parts (each by its `str`)."""
    text = "\x1f".join(str(part) for part in (run_seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def item_rng(run_seed: int, *parts: object) -> np.random.Generator:
    """A numpy generator (PCG64) seeded by `item_seed`."""
    return np.random.Generator(np.random.PCG64(item_seed(run_seed, *parts)))
