"""Several products of windows and identities as one seeded order, of which any part can be had.

In one product the larger side is passed through again and again in a fixed seeded order, the smaller one beside it, shifted by another
step in every pass (a Latin square): element j is row P(r) and column Q((r + B(b)) mod C) with b, r = divmod(j, R). So every pair comes
once, and in any prefix all windows, and all identities, are used about equally often. Products are merged evenly by their sizes.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np

from bootstrap.permutation import Permutation
from models.seeds import item_seed

_EXACT = 2**62
"""Above it products of two numbers no longer fit int64 and are counted in Python's."""


class Product:
    """The pairs of several products: windows x identities of each."""

    def __init__(self, blocks: Sequence[tuple[np.ndarray, np.ndarray]], seed: int) -> None:
        self._blocks = [_Square(rows, columns, item_seed(seed, "block", number)) for number, (rows, columns) in enumerate(blocks)]
        self._blocks = [block for block in self._blocks if len(block)]
        self._size = sum(map(len, self._blocks))

    def __len__(self) -> int:
        return self._size

    def codes(self, start: int, stop: int, width: int) -> np.ndarray:
        """Window x `width` + identity of the pairs at these positions of the order."""
        out = np.empty(max(0, min(stop, self._size) - start), np.int64)
        slack = len(self._blocks) + 2
        for number, block in enumerate(self._blocks):
            first, last = start * len(block) // self._size - slack, stop * len(block) // self._size + slack
            elements = np.arange(max(0, first), min(len(block), last))
            places = self._places(number, elements)
            here = (places >= start) & (places < stop)
            out[places[here] - start] = block.codes(elements[here], width)
        return out

    def _places(self, number: int, elements: np.ndarray) -> np.ndarray:
        """Where elements of a block come: element j of n stands at (2j + 1) / 2n of the whole, the earlier block first."""
        own = len(self._blocks[number])
        large = 2 * own * max(map(len, self._blocks)) >= _EXACT
        odd = (2 * elements + 1).astype(object if large else np.int64)
        places = np.zeros(len(elements), np.int64)
        for other, block in enumerate(self._blocks):
            scaled = odd * len(block)  # elements i of the other with (2i + 1) * own before this, or at it where the other comes first
            before = elements if other == number else ((scaled // own if other < number else (scaled - 1) // own) + 1) // 2
            places += before.astype(np.int64)
        return places


class _Square:
    """One product. The larger side makes the rows."""

    def __init__(self, windows: np.ndarray, identities: np.ndarray, seed: int) -> None:
        self._turned = len(windows) < len(identities)
        self._rows, self._columns = (identities, windows) if self._turned else (windows, identities)
        across, down = len(self._columns), len(self._rows)
        self._row = Permutation(size=down, seed=item_seed(seed, "rows"))
        self._column = Permutation(size=across, seed=item_seed(seed, "columns"))
        self._shift = Permutation(size=across, seed=item_seed(seed, "shifts"))

    def __len__(self) -> int:
        return len(self._rows) * len(self._columns)

    def codes(self, elements: np.ndarray, width: int) -> np.ndarray:
        turn, place = np.divmod(elements, len(self._rows))
        rows = self._rows[self._row(place)]
        columns = self._columns[self._column((place + self._shift(turn)) % len(self._columns))]
        windows, identities = (columns, rows) if self._turned else (rows, columns)
        return windows * width + identities
