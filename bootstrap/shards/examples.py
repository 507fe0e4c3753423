"""A dataset's examples by index, so that training draws what it wants, when it wants it, and holds none of them.

In: a dataset folder (opened by its tables, see `bootstrap.shards.index`) or listed tars (walked once). An index costs one read of that
sample and its decoding, by the road that `bootstrap.shards.reader` takes in order: `ShardExamples(source)[i]` equals the i-th of
`read_examples(source)`.
"""

from __future__ import annotations

import operator
from typing import Sequence

from bootstrap.shards.index import Walked, listed
from bootstrap.shards.reader import OnDamage, Source, opened, read_example
from models.shards import stop
from models.types import TrainingExample


class ShardExamples(Sequence[TrainingExample]):
    """The examples of a finished dataset folder, of listed shards or of one .tar, in shard order. `ids`: their keys.

    Opening hands a damaged shard, or a sample that lacks a member, to `on_damage` (default: raise) and leaves it out.
    What only reading finds raises DamagedShard on every read of that index. Threads may read at once; pickles by its
    paths and places, not its data.
    """

    def __init__(self, source: Source, *, on_damage: OnDamage = stop) -> None:
        look = opened(source)
        self._grid = look.grid
        index = listed(look.folder, look.shards, look.manifest_sha256, on_damage) if look.folder else None
        self._index = index or Walked(look.shards, on_damage)
        self.ids: tuple[str, ...] = self._index.ids

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> TrainingExample:
        """Read and decode one example. Raises IndexError, and DamagedShard naming shard and key."""
        i = range(len(self))[operator.index(index)]
        return read_example(self._index.place(i), self._grid)
