"""A dataset as a stream of batches for anybody's training: shuffled, shared among ranks, resumable, with damage counted.

    loader = ShardLoader(ShardExamples(folder), EpochSampler(len(examples), batch_size=8, rank=r, world_size=w), processes=4)
    for examples in loader: ...            lists of this rank's `TrainingExample`s
    loader.state_dict()                    after any batch; `load_state_dict` goes on behind it, on 1, 2 or 4 ranks
`processes` read ahead by torch's DataLoader; the state counts what was handed out, not what was drawn, and damage that they meet is told
here. `on_damage` stop: a damaged sample ends the run with a `DamagedShard`; skip: it is left out of its batch and named in `skipped`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Literal, Mapping, Sequence

from models.shards import DamagedShard
from models.training.sampler import EpochSampler
from models.types import TrainingExample, require

_MOST_SKIPPED = 100
OnDamaged = Literal["stop", "skip"]


class ShardLoader:
    """`skipped`: key of each damaged sample that was met -> why."""

    def __init__(
        self, examples: Sequence[TrainingExample], sampler: EpochSampler, *, processes: int = 0, on_damage: OnDamaged = "stop"
    ) -> None:
        require(sampler.order.count == len(examples), "loader", "sampler count", sampler.order.count, f"{len(examples)}, the examples")
        require(on_damage in ("stop", "skip"), "loader", "on_damage", repr(on_damage), "stop or skip")
        self._examples, self._sampler, self._processes, self._on_damage = _Tried(examples), sampler, processes, on_damage
        self.skipped: dict[str, str] = {}

    def __iter__(self) -> Iterator[list[TrainingExample]]:
        row = 0
        for tried in self._read():
            self._sampler.advance()
            batch = []
            for one in tried:
                row = row + 1 if isinstance(one, _Damaged) else 0
                if isinstance(one, _Damaged):
                    self._bear(one, row)
                else:
                    batch.append(one)
            yield batch

    def state_dict(self) -> dict[str, Any]:
        return {**self._sampler.state_dict(), "skipped": dict(self.skipped)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on behind the last batch that was handed out; nothing is read for it. Raises ValueError as the sampler."""
        self._sampler.load_state_dict(state)
        self.skipped = dict(state.get("skipped", {}))

    def _read(self) -> Iterable[list[TrainingExample | _Damaged]]:
        if not self._processes:
            return ([self._examples[index] for index in indices] for indices in self._sampler.batches())
        from torch.utils.data import DataLoader

        return DataLoader(
            self._examples,
            batch_sampler=self._sampler.batches(),
            num_workers=self._processes,
            collate_fn=_as_it_is,
            multiprocessing_context="fork",
        )

    def _bear(self, damaged: _Damaged, row: int) -> None:
        if self._on_damage == "stop":
            raise DamagedShard(damaged.why)
        self.skipped[damaged.key] = damaged.why
        require(row < _MOST_SKIPPED, "loader", "samples", f"{row} damaged in a row", "data", damaged.why)


@dataclass(frozen=True, slots=True)
class _Damaged:
    key: str
    why: str


class _Tried(Sequence):
    """Examples, or the damage in their place: it must travel from the process that met it."""

    def __init__(self, examples: Sequence[TrainingExample]) -> None:
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> TrainingExample | _Damaged:
        try:
            return self._examples[index]
        except DamagedShard as error:
            return _Damaged(str(self._examples.ids[index]), str(error))


def _as_it_is(batch: list) -> list:
    return batch
