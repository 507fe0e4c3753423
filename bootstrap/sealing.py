"""A unit sealed: what came of its pairs -> its shards, then its sidecar. Runs anywhere, in any order, to the same bytes.

What a pair came to is said by its record, else by the unit's earlier sidecar; its sample lies in the record, else in an earlier shard.
Killed anywhere, every sample is whole on disk: one that leaves the shard it lies in is put away as a record first, records go last, and a
shard is replaced in one step. A shard whose samples are all as they were is left as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Sequence

from bootstrap.card import judged_again
from bootstrap.ledger import Ledger
from bootstrap.placing import laid_out, shards_there, size_in_shard
from bootstrap.planned import Known, Numbers, SealUnit
from bootstrap.records import Record, clear_records, put_away, read_record, records_of
from bootstrap.round_config import RoundContext
from bootstrap.samples import Lying, Samples
from bootstrap.shards.writer import ShardWriter
from bootstrap.sidecar import Marker, Row, sidecar_name, write_sidecar
from models import storage
from models.shards import MEMBERS

_CARD = MEMBERS.index("json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A unit that is done. `statuses`: status -> pairs; `written`: shards that were written anew -> bytes."""

    unit: int
    statuses: Mapping[str, int]
    written: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """A unit that cannot be sealed: of the pairs at `places` nothing is known, or the kept sample is lost.

    `begun`: a damaged sample was met when some of its shards were written already; else nothing was changed.
    """

    unit: int
    places: tuple[int, ...]
    begun: bool = False


class _Damaged(Exception):
    """A sample is not what its card says."""

    def __init__(self, place: int) -> None:
        self.place = place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A pair of the unit with its sample as it goes into the shard. `card`: KEY.json with the judgement of its row."""

    place: int
    known: Known
    lying: Lying | None = None
    card: bytes = b""

    @property
    def size_b(self) -> int:
        sizes = [size for _, size in self.lying.place.spans]
        return size_in_shard([*sizes[:_CARD], len(self.card), *sizes[_CARD + 1 :]])


def seal(context: RoundContext, item: SealUnit) -> Sealed | Lacking:
    """Publish the shards of a unit, then its sidecar. Raises OSError where the storage does not answer."""
    pairs, lacking = _gather(context, item)
    if lacking:
        return Lacking(unit=item.unit, places=tuple(lacking))
    try:
        return _publish(context, item, pairs)
    except _Damaged as damaged:
        return Lacking(unit=item.unit, places=(damaged.place,), begun=True)


def known_of(ledger: Ledger, unit: int, numbers: Sequence[Numbers], records: Sequence[Record]) -> dict[int, Known]:
    """Place -> what is known of the pair there: by its record, else by the sidecar of its unit."""
    known = {place: row.known for place, row in enumerate(earlier_rows(ledger, unit, numbers))}
    places = {pair: place for place, pair in enumerate(numbers)}
    return known | {places[one.numbers]: one.known for one in records if one.numbers in places}


def earlier_rows(ledger: Ledger, unit: int, numbers: Sequence[Numbers]) -> list[Row]:
    """The rows of a unit's sidecar; none where it is another plan's."""
    marker = ledger.marker(unit)
    return (ledger.rows(unit) or []) if marker is not None and marker.numbers == tuple(numbers[: len(marker.numbers)]) else []


def _gather(context: RoundContext, item: SealUnit) -> tuple[list[_Pair], list[int]]:
    """The pairs of a unit, and the places that lack something."""
    records = list(records_of(context.out, item.unit))
    known = known_of(context.ledger, item.unit, item.numbers, records)
    marker = context.ledger.marker(item.unit)
    samples = Samples(context.out, item.unit, records, marker.shards if marker is not None else ())
    pairs, lacking = [], []
    for place in range(len(item.numbers)):
        if place not in known:
            lacking.append(place)
            continue
        one = known[place]
        lying = samples.find(one)
        if lying is None:
            lacking += [place] * (one.status == "kept")
            pairs.append(_Pair(place=place, known=replace(one, content="")))
        else:
            pairs.append(_Pair(place=place, known=one, lying=lying, card=_as_recorded(context, one, lying)))
    return pairs, lacking


def _as_recorded(context: RoundContext, known: Known, lying: Lying) -> bytes:
    """The card that belongs to the row: where the sample lies it may still hold another judgement."""
    return judged_again(lying.card, json.loads(known.row["verdicts"]), context.recipe)


def _publish(context: RoundContext, item: SealUnit, pairs: Sequence[_Pair]) -> Sealed:
    out, unit = context.out, item.unit
    samples = [pair for pair in pairs if pair.lying is not None]
    names = laid_out(unit, [(pair.known.status, pair.size_b) for pair in samples], context.shard_b)
    samples = [_put_aside(out, item, pair) if pair.lying.shard not in ("", name) else pair for pair, name in zip(samples, names)]
    spans, shards, written, old = dict[int, tuple[int, ...]](), {}, {}, _Old(context, item)
    for name in dict.fromkeys(names):
        inside = [pair for pair, where in zip(samples, names) if where == name]
        facts, found = old.unchanged(name, inside) or _write(out, name, inside)
        written |= {} if old.has(name, facts) else {name: facts["bytes"]}
        shards[name], spans = facts, spans | found
    for name in {*shards_there(out, unit, old.shards), *old.shards} - set(shards):
        storage.delete(storage.join(out, name))
    where = dict(zip((pair.place for pair in samples), names))
    rows = [Row(known=_told(pair.known, where.get(pair.place, "")), spans=spans.get(pair.place, ())) for pair in pairs]
    write_sidecar(storage.join(out, sidecar_name(unit)), _marker(context, item, rows, shards), rows)
    clear_records(out, unit)
    return Sealed(unit=unit, statuses=dict(Counter(pair.known.status for pair in pairs)), written=written)


def _put_aside(out: str, item: SealUnit, pair: _Pair) -> _Pair:
    """The pair with its sample in a record: the shard it leaves may be written anew before the one it goes to."""
    record = read_record(put_away(out, item.unit, item.numbers[pair.place], pair.known, _members(pair)))
    if record is None or record.place is None:
        raise _Damaged(pair.place)
    return replace(pair, lying=Lying(place=record.place, shard="", card=pair.card))


def _told(known: Known, shard: str) -> Known:
    """What could not be judged is nobody's business but the next run's: its shard is not told."""
    return replace(known, row={**known.row, "shard": "" if known.failed else shard})


def _marker(context: RoundContext, item: SealUnit, rows: Sequence[Row], shards: Mapping[str, Mapping[str, Any]]) -> Marker:
    return Marker(
        unit=item.unit,
        numbers=item.numbers,
        filters=context.filters,
        shards=shards,
        again=sum(row.known.again for row in rows),
        failed=tuple(sorted({row.known.row["reason"] for row in rows if row.known.failed})),
    )


def _members(pair: _Pair) -> dict[str, bytes]:
    """The sample with its card. Raises _Damaged."""
    members = pair.lying.members(pair.known.content)
    if members is None:
        raise _Damaged(pair.place)
    return {**members, "json": pair.card}


def _write(out: str, name: str, inside: Sequence[_Pair]) -> tuple[dict[str, Any], dict[int, tuple[int, ...]]]:
    """Write a shard, one sample in memory at a time: its facts, and place -> spans."""
    spans = {}
    with storage.publish(storage.join(out, name)) as draft, open(draft, "wb") as file:
        writer = ShardWriter(file)
        for pair in inside:
            spans[pair.place] = _flat(writer.add(pair.known.row["key"], _members(pair)))
        facts = writer.close()
    return {"bytes": facts.bytes, "sha256": facts.sha256}, spans


class _Old:
    """The shards of the sidecar that stands until now."""

    def __init__(self, context: RoundContext, item: SealUnit) -> None:
        self._ledger, self._unit = context.ledger, item.unit
        marker = self._ledger.marker(item.unit)
        self.shards = marker.shards if marker is not None else {}
        self._rows = earlier_rows(self._ledger, item.unit, item.numbers)

    def has(self, name: str, facts: Mapping[str, Any]) -> bool:
        return self.shards.get(name) == facts

    def unchanged(self, name: str, inside: Sequence[_Pair]) -> tuple[Mapping[str, Any], dict[int, tuple[int, ...]]] | None:
        """Facts and spans of a shard that holds exactly these samples already, as they are to be."""
        stay = all(pair.lying.shard == name and pair.lying.card == pair.card for pair in inside)
        if not stay or name not in self.shards:
            return None
        held = {place: row.spans for place, row in enumerate(self._rows) if row.spans and _lay_in(name, row)}
        same = list(held) == [pair.place for pair in inside] and all(held[pair.place] == _flat(pair.lying.place.spans) for pair in inside)
        return (self.shards[name], held) if same and self._is_intact(name) else None

    def _is_intact(self, name: str) -> bool:
        shard, sidecar = (storage.facts_of(storage.join(self._ledger.out, each)) for each in (name, sidecar_name(self._unit)))
        return self._ledger.is_intact(name, self.shards[name], shard, sidecar)


def _lay_in(name: str, row: Row) -> bool:
    """Of a failed pair the shard is not told: it lies with those that could not be judged."""
    return row.known.row["shard"] == name or (row.known.failed and name.startswith("work/"))


def _flat(spans: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return tuple(value for span in spans for value in span)
