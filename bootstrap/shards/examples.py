"""A dataset's examples by index, so that training draws what it wants, when it wants it, and holds none of them.

Opening walks the tar headers once and notes of every sample its key, its shard and where its members lie: some 145 bytes
a sample, whatever the samples weigh. An index then costs one read of that sample and its decoding, by the road that
`bootstrap.shards.reader` takes in order: `ShardExamples(source)[i]` equals the i-th of `read_examples(source)`.
"""

from __future__ import annotations

import operator
from array import array
from pathlib import Path
from typing import Any, Callable, Sequence

import numpy as np

from bootstrap.shards.reader import read_example, shards_of
from models.progress import Progress
from models.shards import MEMBERS, DamagedShard, Place, places_in, stop
from models.types import TrainingExample


class ShardExamples(Sequence[TrainingExample]):
    """The examples of a finished dataset folder, of listed shards or of one .tar, in shard order. `ids`: their keys.

    Opening hands a damaged shard, or a sample that lacks a member, to `on_damage` (default: raise) and leaves it out.
    What only decoding finds raises DamagedShard on every read of that index. Threads may read at once; pickles by its
    paths and places, not its data.
    """

    def __init__(self, source: str | Path | Sequence[str | Path], *, on_damage: Callable[[DamagedShard], Any] = stop) -> None:
        self._shards = tuple(shards_of(source))
        keys, owners, spans = [], array("I"), array("q")
        with Progress("index shards", total=len(self._shards)) as bar:
            for number, shard in enumerate(self._shards):
                for place in places_in([shard], on_damage=on_damage):
                    keys.append(place.key)
                    owners.append(number)
                    spans.extend(value for span in place.spans for value in span)
                bar.step()
        self.ids: tuple[str, ...] = tuple(keys)
        self._owners = np.asarray(owners)
        self._spans = np.asarray(spans).reshape(-1, len(MEMBERS), 2)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> TrainingExample:
        """Read and decode one example. Raises IndexError, and DamagedShard naming shard and key."""
        i = range(len(self))[operator.index(index)]
        return read_example(Place(shard=self._shards[self._owners[i]], key=self.ids[i], spans=self._spans[i].tolist()))
