"""Where the samples of a unit lie at the moment, whatever a killed run, a damaged disk or a broom has done: each is known by its content.

In: the records of a unit and its shards; out: for a pair, where its sample lies. A shard that is gone or damaged costs its own samples and
no other, and a sample that a killed run had moved is found where it is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Collection, Iterable, Mapping

from bootstrap.card import content_of, content_of_card
from bootstrap.placing import shards_there
from bootstrap.planned import Known
from bootstrap.records import Record
from models import storage
from models.shards import MEMBERS, DamagedShard, Place, places_in, read_members
from models.storage import FileFacts

_CARD = MEMBERS.index("json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """A sample where it lies now. `shard`: the name of its shard below the dataset, "" for one in a record; `card`: its KEY.json."""

    place: Place
    shard: str
    card: bytes

    def members(self, content: str) -> dict[str, bytes] | None:
        """The sample; None where it is not of that content. Raises OSError where the storage does not answer."""
        try:
            members = read_members(self.place)
        except DamagedShard as damage:
            _pass_over(damage)
            return None
        return members if content_of(members) == content else None


class Samples:
    """The samples of a unit. Records come before shards: they are newer. `told`: the shards its sidecar names, there or not."""

    def __init__(self, out: str, unit: int, records: Iterable[Record], told: Collection[str] = ()) -> None:
        self._lying: dict[str, list[tuple[str, Place]]] = defaultdict(list)
        for record in records:
            if record.place is not None:
                self._lying[record.place.key].append(("", record.place))
        for name in shards_there(out, unit, told):
            location = storage.join(out, name)
            for key, place in _index(location, storage.facts_of(location)).items():
                self._lying[key].append((name, place))

    def find(self, known: Known) -> Lying | None:
        """Where the sample of a pair lies, by its card; None where it is lost. Raises OSError where the storage does not answer."""
        for shard, place in self._lying.get(known.row["key"], ()) if known.content else ():
            card = _card(place)
            if content_of_card(card) == known.content:
                return Lying(place=place, shard=shard, card=card)
        return None


def _card(place: Place) -> bytes:
    at, size = place.spans[_CARD]
    return storage.read_range(place.shard, at, at + size)


@lru_cache(maxsize=8)
def _index(location: str, facts: FileFacts) -> Mapping[str, Place]:
    """Key -> place, of a shard with these facts: the pairs of a unit are asked for one after another."""
    return {place.key: place for place in places_in([location], on_damage=_pass_over)}


def _pass_over(damage: DamagedShard) -> None:
    """A damaged sample is lost; one that a storage does not give at the moment is not."""
    if isinstance(damage.__cause__, OSError) and not isinstance(damage.__cause__, FileNotFoundError):
        raise damage.__cause__
