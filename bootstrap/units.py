"""The work of a round, put together as it is asked for: pairs to make or to judge, then the seal of their unit.

    nothing known of a pair, or it failed and is to be tried again    MakePair: sources, guidance, teacher, filters
    it was judged by other filters, or its judgement failed           JudgePair, from its sample and its sources; no teacher
    else                                                              it stays as it is
Nothing is held of a unit that is sealed or not begun, so a round may have any number of pairs. A unit that lacks something when it is to be
sealed (a damaged sample, a record that is gone) has that made again, and is sealed then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Iterable, Mapping, Sequence

from bootstrap.doing import record_failure
from bootstrap.planned import Item, JudgePair, Known, MakePair, PlannedPair, SealUnit, Unit
from bootstrap.records import Record, records_of
from bootstrap.rounds import Round
from bootstrap.sealing import Lacking, Sealed, earlier_rows, known_of
from models import storage
from models.types import require

NOT_MADE = "not made yet"
_ROUNDS = 3
"""So often may a unit lack something before the disk is given up."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """A unit under way. `left`: items that are not back yet."""

    left: int
    sealings: int = 0


@dataclass(slots=True, kw_only=True)
class Work:
    """Hands out the items of the units at `pending` and takes back what came of them. `retry_filters`: nothing is made, only judged.

    `stayed`: pairs of begun units that needed nothing; `left_alone`: pairs of units whose samples cannot be read and may not be made;
    `not_aside`: rejected pairs that other filters cannot judge, as their candidates were not kept.
    """

    round_: Round
    pending: Iterable[int]
    stayed: int = 0
    left_alone: int = 0
    not_aside: int = 0
    _open: dict[int, _Open] = field(default_factory=dict)
    _ready: deque[Item] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.pending = iter(self.pending)

    def next(self) -> Item | None:
        """The next item; None where there is none now, or none any more."""
        while not self._ready:
            index = next(self.pending, None)
            if index is None:
                return None
            self._begin(index)
        return self._ready.popleft()

    def pair_is_back(self, unit: int) -> None:
        """A pair of the unit has its record, or needs none."""
        self._open[unit].left -= 1
        if self._open[unit].left == 0:
            self._ready.appendleft(SealUnit(unit=unit, numbers=self.round_.numbers(unit)))

    def unit_is_back(self, found: Sealed | Lacking) -> None:
        """A unit was sealed, or lacks something. Raises ValueError for one that lacks something again and again."""
        if isinstance(found, Sealed):
            del self._open[found.unit]
            return
        unit, state = self.round_.unit(found.unit), self._open[found.unit]
        state.sealings += 1
        advice = "look at the disk, then run the same command again"
        item = f"{self.round_.out}: unit {found.unit}"
        require(state.sealings < _ROUNDS, item, "records", f"damaged ones {_ROUNDS} times", "what was written", advice)
        if self.round_.config.retry_filters:
            again = "run the same command without --retry-filters"
            require(not found.begun, item, "samples", f"a damaged one of pair {found.places}", "readable ones", again)
            self.left_alone += len(unit.pairs)
            del self._open[found.unit]
            return
        known = known_of(self.round_.ledger, unit.index, unit.numbers, list(records_of(self.round_.out, unit.index)))
        items = [_make(unit, place, known.get(place)) for place in found.places]
        state.left = len(items)
        self._ready.extendleft(reversed(items))

    def _begin(self, index: int) -> None:
        unit = self.round_.unit(index)
        records = _own_records(self.round_, unit)
        known = known_of(self.round_.ledger, unit.index, unit.numbers, records)
        items = _items(self.round_, unit, records, known)
        old = (one for one in known.values() if one.filters != self.round_.filters)
        self.not_aside += sum(one.status == "rejected" and not one.content for one in old)
        self.stayed += len(unit.pairs) - len(items)
        self._open[index] = _Open(left=len(items))
        self._ready.extend(items or [SealUnit(unit=index, numbers=unit.numbers)])


def _items(round_: Round, unit: Unit, records: Sequence[Record], known: Mapping[int, Known]) -> list[Item]:
    """What is to be done for a unit before it can be sealed."""
    items = []
    for place in range(len(unit.pairs)):
        item = _item(round_, unit, place, known.get(place))
        if isinstance(item, MakePair) and round_.config.retry_filters:
            if place not in known:
                record_failure(round_.context, item, NOT_MADE)
        elif item is not None:
            items.append(item)
    again = {item.numbers: item.key for item in items if isinstance(item, MakePair)}
    for record in records:  # a pair has one record: other labels than before give it another key
        if again.get(record.numbers, record.known.row["key"]) != record.known.row["key"]:
            storage.delete(record.location)
    return items


def _own_records(round_: Round, unit: Unit) -> list[Record]:
    """The records of a unit; those of another plan (another key than the pair's, or than that of its sealed row) are removed."""
    keys = {numbers: {pair.spec.key, *([pair.former.spec.key] if pair.former else [])} for numbers, pair in zip(unit.numbers, unit.pairs)}
    for numbers, row in zip(unit.numbers, earlier_rows(round_.ledger, unit.index, unit.numbers)):
        keys[numbers].add(row.known.row["key"])
    records = list(records_of(round_.out, unit.index))
    own = [record for record in records if record.known.row["key"] in keys.get(record.numbers, ())]
    for record in records:
        if record not in own:
            storage.delete(record.location)
    return own


def _item(round_: Round, unit: Unit, place: int, known: Known | None) -> Item | None:
    if known is None:
        return _make(unit, place, None)
    wanted = known.failed and round_.config.retry.wants(known.row["reason"])
    if wanted and not known.content:
        return _make(unit, place, known)
    if known.content and (wanted or known.again or known.filters != round_.filters):
        numbers = unit.numbers[place]
        return JudgePair(unit=unit.index, place=place, numbers=numbers, pair=unit.pairs[place], known=known)
    return None


def _make(unit: Unit, place: int, known: Known | None) -> MakePair:
    pair = unit.pairs[place] if known is None else meant(unit.pairs[place], known)
    return MakePair(unit=unit.index, place=place, numbers=unit.numbers[place], pair=pair)


def meant(pair: PlannedPair, known: Known) -> PlannedPair:
    """The pair as it is to be made: one that was kept and is lost keeps the labels, and so the key, that it had."""
    kept = pair.former is not None and known.status == "kept" and known.row["key"] == pair.former.spec.key
    return pair.former if kept else pair
