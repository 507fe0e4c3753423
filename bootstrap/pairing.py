"""Which clip is driven onto which identity: the full product in a seeded order, computed, never stored.

In: two listings and the round's seed; out: `PairSpec`s by position. The order depends on the seed and the sorted ids
alone, so the first N pairs are the same whatever N is, and raising a limit only appends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bootstrap.provenance import sample_key
from bootstrap.sources import Source
from models.seeds import item_seed
from models.types import Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSpec:
    """A pair to attempt: the motion of `driving` from `start_s` on, given to `identity` by the teacher with `seed`."""

    key: str
    driving: str
    identity: str
    start_s: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """The seeded product of usable clips and identities. `settings`: digest of what else decides a pair's pixels."""

    driving: tuple[Source, ...]
    identities: tuple[Source, ...]
    seed: int
    grid: Grid
    teacher_hash: str
    settings: str

    def __len__(self) -> int:
        return len(self._order)

    def spec(self, position: int) -> PairSpec:
        """The pair at `position` of the seeded order."""
        row, column = divmod(int(self._order[position]), len(self.identities))
        driving, identity = self.driving[row], self.identities[column]
        ids = (driving.id, identity.id)
        starts = int(driving.latest_start_s * self.grid.fps + 1e-6) + 1
        return PairSpec(
            key=sample_key(self.seed, *ids, self.teacher_hash, self.settings),
            driving=driving.id,
            identity=identity.id,
            start_s=item_seed(self.seed, "window", *ids) % starts / self.grid.fps,
            seed=item_seed(self.seed, "teacher", *ids),
        )

    @cached_property
    def _order(self) -> np.ndarray:
        """Indices into the product. Raw generator output is sorted, because numpy's own shuffles may change by version."""
        size = len(self.driving) * len(self.identities)
        raw = np.random.PCG64(item_seed(self.seed, "pairing")).random_raw(size) if size else np.zeros(0, np.uint64)
        order = np.argsort(raw, kind="stable")
        return order[~np.isin(order, self._own_pictures())]

    def _own_pictures(self) -> list[int]:
        """A clip is never paired with an identity taken from the same file: that pair would teach copying."""
        columns: dict[str, list[int]] = {}
        for column, identity in enumerate(self.identities):
            columns.setdefault(identity.sha256, []).append(column)
        width = len(self.identities)
        return [row * width + column for row, clip in enumerate(self.driving) for column in columns.get(clip.sha256, ())]
