"""Several products of windows and identities as one seeded order, of which any part can be had."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from bootstrap.permutation import Permutation


class Product:
    """The pairs of several products, counted through: windows x identities of the first, then of the next."""

    def __init__(self, blocks: Sequence[tuple[np.ndarray, np.ndarray]], seed: int) -> None:
        self._blocks = blocks
        self._starts = np.cumsum([0, *(len(rows) * len(columns) for rows, columns in blocks)])
        self._order = Permutation(size=int(self._starts[-1]), seed=seed)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def codes(self, start: int, stop: int, width: int) -> np.ndarray:
        """Window x `width` + identity of the pairs at these positions of the seeded order."""
        elements = self._order(np.arange(start, stop))
        owners, out = np.searchsorted(self._starts, elements, side="right") - 1, np.empty(len(elements), np.int64)
        for number, (rows, columns) in enumerate(self._blocks):
            here = owners == number
            row, column = np.divmod(elements[here] - self._starts[number], len(columns))
            out[here] = rows[row] * width + columns[column]
        return out
