"""What an earlier run made of a unit: its rows, and its samples wherever they lie now.

Rows are believed by themselves: a shard that is gone or damaged costs its own samples and no other. A sample is known again by its content,
not by its shard, so one that a killed run had moved is found where it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Mapping

from bootstrap.attempt import Attempt, judge_again
from bootstrap.card import content_of, judged_again
from bootstrap.placing import places
from bootstrap.planned import Made, PlannedPair, Unit
from bootstrap.round_config import RoundContext
from bootstrap.shards.reader import read_samples
from models import storage
from models.shards import DamagedShard


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """`samples`: key -> member -> bytes of those that can be read; `where`: key -> the shard, below the dataset, that holds it."""

    made: Made | None = None
    samples: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, context: RoundContext, unit: Unit) -> Earlier:
        """Raises OSError where the storage does not answer: what it holds is not lost."""
        made = context.ledger.marker(unit.index) if storage.exists(context.ledger.folder) else None
        if made is None or made.numbers != unit.numbers[: len(made.numbers)]:
            return cls()
        samples, where = dict[str, Mapping[str, bytes]](), dict[str, str]()
        for place in places(unit.index).values():
            for key, members in _read(storage.join(context.out, place)).items():
                content = content_of(members)
                if content and made.contents.get(key, content) == content:
                    samples[key], where[key] = members, place
        return cls(made=made, samples=samples, where=where)

    def attempt(self, place: int) -> Attempt | None:
        """The earlier attempt at the pair at `place`; None where there was none, or its kept sample is lost."""
        if self.made is None or place >= len(self.made.rows):
            return None
        row = self.made.rows[place]
        made = Attempt(row=row, members=self.samples.get(row["key"]), again=row["key"] in self.made.again)
        return None if row["status"] == "kept" and made.members is None else made

    def meant(self, pair: PlannedPair, place: int) -> PlannedPair:
        """The pair as it is to be made: one that was kept and is lost keeps the labels, and so the key, that it had."""
        if self.made is None or place >= len(self.made.rows) or pair.former is None:
            return pair
        row = self.made.rows[place]
        return pair.former if row["status"] == "kept" and row["key"] == pair.former.spec.key else pair

    @property
    def lost(self) -> int:
        """How many kept samples cannot be read."""
        rows = self.made.rows if self.made is not None else ()
        return sum(row["status"] == "kept" and row["key"] not in self.samples for row in rows)

    def stays(self, context: RoundContext, pair: PlannedPair, place: int) -> Attempt | None:
        """The earlier attempt, by today's filters; None where the pair is to be made."""
        found = self.attempt(place)
        if found is None:
            return None
        wanted = found.again or (found.failed and context.retry_failed)
        if found.failed and found.members is None:
            return None if wanted else found
        if wanted or self.made.filters != context.filters:
            return judge_again(context, pair, found)
        return found if found.failed or found.members is None else _as_recorded(found, context)


def _as_recorded(found: Attempt, context: RoundContext) -> Attempt:
    """With the card that belongs to its row: a run that was killed may have left another judgement in it."""
    card = judged_again(found.members["json"], json.loads(found.row["verdicts"]), context.recipe)
    return replace(found, members={**found.members, "json": card})


def _read(shard: str) -> dict[str, dict[str, bytes]]:
    if not storage.exists(shard):
        return {}
    return {key: members for key, members, _ in read_samples([shard], on_damage=_pass_over)}


def _pass_over(damage: DamagedShard) -> None:
    """A damaged sample is lost; one that a storage does not give at the moment is not."""
    if isinstance(damage.__cause__, OSError) and not isinstance(damage.__cause__, FileNotFoundError):
        raise damage.__cause__
