"""Which example comes at which place of an endless run: each once an epoch, in an order that depends on the seed alone.

    position 0 1 2 ... count-1 | count ...        a permutation an epoch, never stored
    global batch b = positions b*B to b*B+B-1     the same whatever the number of ranks
    rank r of W takes the r-th of W equal parts of it

So a run that stops goes on exactly, on another number of ranks too: its state is one number. Batches cross the ends of epochs, and all
ranks have as many. Knows no torch: what it gives is what `torch.utils.data.DataLoader` asks of a sampler, or of a batch sampler.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Iterator, Mapping

import numpy as np

from models.seeds import item_rng
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The endless order of `count` examples. `name`: what else the order depends on beside the seed."""

    count: int
    seed: int = 0
    name: str = ""

    def index(self, position: int) -> int:
        """The example at a position."""
        epoch, place = divmod(position, self.count)
        return int(_permutation(self.seed, self.name, epoch, self.count)[place])


@lru_cache(2)
def _permutation(seed: int, name: str, epoch: int, count: int) -> np.ndarray:
    return item_rng(seed, name, "epoch", epoch).permutation(count)


class EpochSampler:
    """The indices of one rank. `position`: examples that all ranks together have been given.

    `batch_size`: examples of a global batch, a multiple of `world_size`. `epochs`: the end, None: there is none; only the last batch of all
    may be smaller. Iterating goes on from `position`.
    """

    def __init__(
        self, count: int, *, batch_size: int = 1, rank: int = 0, world_size: int = 1, seed: int = 0, epochs: int | None = None
    ) -> None:
        require(count > 0, "sampler", "count", count, "at least one example")
        require(0 <= rank < world_size, "sampler", "rank", rank, f"0 to {world_size - 1}")
        require(batch_size > 0 and batch_size % world_size == 0, "sampler", "batch_size", batch_size, f"a multiple of {world_size} ranks")
        require(epochs is None or epochs > 0, "sampler", "epochs", epochs, ">= 1, or None")
        self.order, self.batch_size, self.position = Order(count=count, seed=seed), batch_size, 0
        self._share, self._rank = batch_size // world_size, rank
        self._end = None if epochs is None else epochs * count

    def batches(self, position: int | None = None) -> Iterator[list[int]]:
        """This rank's part of every global batch from a position on (default: its own); leaves `position` alone."""
        at = self.position if position is None else position
        while self._end is None or at < self._end:
            begin = at + self._rank * self._share
            end = begin + self._share if self._end is None else min(begin + self._share, self._end)
            yield [self.order.index(place) for place in range(begin, end)]
            at += self.batch_size

    def advance(self) -> None:
        """A global batch has been given."""
        self.position += self.batch_size if self._end is None else min(self.batch_size, self._end - self.position)

    def __iter__(self) -> Iterator[int]:
        """This rank's indices. A batch counts as given with its last index: who draws ahead keeps count by `batches` and `advance`."""
        for indices in self.batches():
            for index in indices[:-1]:
                yield index
            self.advance()
            yield from indices[-1:]

    def __len__(self) -> int:
        """Indices that are left. Raises TypeError where there is no end."""
        if self._end is None:
            raise TypeError("a sampler without epochs has no end")
        whole, rest = divmod(self._end - self.position, self.batch_size)
        return whole * self._share + min(max(rest - self._rank * self._share, 0), self._share)

    def state_dict(self) -> dict[str, int]:
        """Where the run is, for any number of ranks."""
        return {"count": self.order.count, "seed": self.order.seed, "position": self.position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there. Raises ValueError for the state of other examples or another seed."""
        for name in ("count", "seed"):
            mine = getattr(self.order, name)
            require(state.get(name) == mine, "sampler", name, mine, f"{state.get(name)} as in the state that is loaded")
        position = state.get("position")
        require(isinstance(position, int) and position >= 0, "sampler", "position", repr(position), "a number of examples")
        self.position = position
