"""One unit of work: a range of pairs -> its shards, then its marker. Runs in any process, in any order, to the same bytes.

    nothing known of a pair, or it failed and is to be tried again    make it: sources, guidance, teacher, filters
    it was judged by other filters                                    judge it again, from its shard and its sources; no teacher
    else                                                              it stays as it is, its sample is read back from the shard
What depends on the moment (times, host) goes into the returned `UnitReport`, never into shard or marker.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from bootstrap.attempt import Attempt, attempt, earlier, failed, judge_again
from bootstrap.ledger import Made, PlannedPair, Unit
from bootstrap.round_config import Shop
from bootstrap.shards.reader import DamagedShard, read_samples
from bootstrap.shards.writer import shard_name, write_shard
from models import storage
from models.artifacts import sha256
from models.guidance.guide import Guide
from models.protocols import Animator

MakeTeacher = Callable[[], Animator]
Done = Callable[[str], None]
"""Told the status of every pair as it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitReport:
    """How a unit went, for progress and events. `pair_s`: key -> seconds, of what was made; `changed`: pairs judged otherwise than before.

    `runtime`: what the teacher ran on, where it says so.
    """

    unit: int
    kept: int
    rejected: int
    failed: int
    changed: int
    host: str
    worker_pid: int
    pair_s: dict[str, float]
    runtime: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What an earlier run made of the first pairs of a unit. `samples`: key -> member -> bytes, of those that can be read."""

    made: Made | None = None
    samples: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, shop: Shop, unit: Unit) -> _Before:
        made = shop.ledger.marker(unit.index) if storage.exists(shop.ledger.folder) else None
        if made is None or made.numbers != unit.numbers[: len(made.numbers)]:
            return cls()
        shards, damage = [storage.join(shop.out, name) for name in made.shards], list[DamagedShard]()
        samples = {key: members for key, members, _ in read_samples(shards, on_damage=damage.append)} if shards else {}
        return cls(made=made, samples=samples)

    def attempt(self, place: int) -> Attempt | None:
        """The earlier attempt at the pair at `place`."""
        return earlier(self.made.rows[place], self.samples) if self.made is not None and place < len(self.made.rows) else None

    def stays(self, shop: Shop, pair: PlannedPair, place: int) -> Attempt | None:
        """The earlier attempt, by today's filters; None where the pair is to be made."""
        found = self.attempt(place)
        if found is None:
            return None
        if found.row["status"] == "failed":
            return None if shop.retry_failed or found.row["key"] in self.made.again else found
        return found if self.made.filters == shop.filters else judge_again(shop, pair, found)


def run_unit(
    shop: Shop, unit: Unit, make_teacher: MakeTeacher | None, guide: Guide | None = None, done: Done = lambda _: None
) -> UnitReport:
    """Make every pair of `unit` that is to be made, publish the shards, then the marker.

    `guide`: the one the recipe names. `make_teacher`: called when a pair is to be made; None: pairs are judged again only.
    """
    before, attempts, pair_s, teacher = _Before.of(shop, unit), list[Attempt](), dict[str, float](), None
    for place, pair in enumerate(unit.pairs):
        made = before.stays(shop, pair, place)
        if made is None and make_teacher is not None:
            start, teacher = time.perf_counter(), teacher or make_teacher()
            made = attempt(shop, pair, teacher, guide)
            pair_s[pair.spec.key] = round(time.perf_counter() - start, 4)
        attempts.append(made or before.attempt(place) or failed(shop, pair, "not made yet"))
        done(attempts[-1].row["status"])
    _publish(shop, unit, attempts)
    return _report(unit, before, attempts, pair_s, teacher)


def lose_unit(shop: Shop, unit: Unit, reason: str) -> UnitReport:
    """Record a unit whose worker died again and again: what was not made before failed for `reason`. A later run tries it anew."""
    before, attempts = _Before.of(shop, unit), list[Attempt]()
    for place, pair in enumerate(unit.pairs):
        made = before.attempt(place)
        attempts.append(made if made is not None and made.row["status"] != "failed" else failed(shop, pair, reason))
    _publish(shop, unit, attempts)
    return _report(unit, before, attempts, {}, None)


def _publish(shop: Shop, unit: Unit, attempts: list[Attempt]) -> None:
    places = {"kept": shard_name(unit.index), "rejected": f"rejected/{shard_name(unit.index)}"}
    rows, shards = [], {}
    for status, place in places.items():
        samples = [(made.row["key"], made.members) for made in attempts if made.members and made.row["status"] == status]
        if samples:
            data = write_shard(storage.join(shop.out, place), samples)
            shards[place] = {"bytes": len(data), "sha256": sha256(data)}
        else:
            storage.delete(storage.join(shop.out, place))
    for made in attempts:
        rows.append({**made.row, "shard": places.get(made.row["status"], "") if made.members else ""})
    again = frozenset(made.row["key"] for made in attempts if made.again)
    shop.ledger.write_marker(unit.index, Made(numbers=unit.numbers, rows=tuple(rows), again=again, filters=shop.filters, shards=shards))


def _report(unit: Unit, before: _Before, attempts: list[Attempt], pair_s: dict[str, float], teacher: Animator | None) -> UnitReport:
    statuses = {made.row["key"]: made.row["status"] for made in attempts}
    counts, runtime = Counter(statuses.values()), getattr(teacher, "runtime", None)
    old = {row["key"]: row["status"] for row in before.made.rows} if before.made is not None else {}
    return UnitReport(
        unit=unit.index,
        kept=counts["kept"],
        rejected=counts["rejected"],
        failed=counts["failed"],
        changed=sum(statuses.get(key, status) != status for key, status in old.items()),
        host=socket.gethostname(),
        worker_pid=os.getpid(),
        pair_s=pair_s,
        runtime={} if runtime is None else runtime.record(),
    )
