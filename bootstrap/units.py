"""One unit of work: a range of pairs -> its shards, then its marker. Runs in any process, in any order, to the same bytes.

    nothing known of a pair, or it failed and is to be tried again    make it: sources, guidance, teacher, filters
    it was judged by other filters, or its judgement failed           judge it again, from its shard and its sources; no teacher
    else                                                              it stays as it is, its sample is read back from the shard
What depends on the moment (times, host) goes into the returned `UnitReport`, never into shard or marker.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Callable

from bootstrap.attempt import Attempt, attempt, failed
from bootstrap.card import content_of
from bootstrap.earlier import Earlier
from bootstrap.placing import place_samples, places
from bootstrap.planned import Made, Unit
from bootstrap.round_config import RoundContext
from models.guidance.guide import Guide
from models.protocols import Animator

MakeTeacher = Callable[[], Animator]
Done = Callable[[str], None]
"""Told the status of every pair as it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitReport:
    """How a unit went, for progress and events. `pair_s`: key -> seconds, of what was made; `changed`: pairs judged otherwise than before.

    `unjudged`: why earlier verdicts stand -> pairs; `failures`: why pairs failed -> pairs; `runtime`: what the teacher ran on, where it
    says so.
    """

    unit: int
    kept: int
    rejected: int
    failed: int
    changed: int
    unjudged: dict[str, int]
    failures: dict[str, int]
    host: str
    worker_pid: int
    pair_s: dict[str, float]
    runtime: dict[str, Any]


def run_unit(
    context: RoundContext, unit: Unit, make_teacher: MakeTeacher | None, guide: Guide | None = None, done: Done = lambda _: None
) -> UnitReport:
    """Make every pair of `unit` that is to be made, publish the shards, then the marker.

    `guide`: the one the recipe names. `make_teacher`: called when a pair is to be made; None: pairs are judged again only, and a unit whose
    samples cannot all be read is left as it is. Raises OSError where the storage does not answer.
    """
    before, attempts, pair_s, teacher = Earlier.of(context, unit), list[Attempt](), dict[str, float](), None
    if make_teacher is None and before.lost:
        return _left_alone(unit, before, done)
    for place, pair in enumerate(unit.pairs):
        made = before.stays(context, pair, place)
        if made is None and make_teacher is not None:
            start, teacher = time.perf_counter(), teacher or make_teacher()
            made = attempt(context, before.meant(pair, place), teacher, guide)
            pair_s[pair.spec.key] = round(time.perf_counter() - start, 4)
        attempts.append(made or before.attempt(place) or failed(context, pair, "not made yet"))
        done(attempts[-1].row["status"])
    _publish(context, unit, before, attempts)
    return _report(unit, before, attempts, pair_s, teacher)


def _left_alone(unit: Unit, before: Earlier, done: Done) -> UnitReport:
    why = "its shard holds samples that cannot be read; without --retry-filters they are made again"
    attempts = [Attempt(row=row, trouble=why) for row in before.made.rows]
    for made in attempts:
        done(made.row["status"])
    return _report(unit, before, attempts, {}, None)


def lose_unit(context: RoundContext, unit: Unit, reason: str) -> UnitReport:
    """Record a unit whose worker died again and again: what was not made before failed for `reason`. A later run tries it anew."""
    before, attempts = Earlier.of(context, unit), list[Attempt]()
    for place, pair in enumerate(unit.pairs):
        made = before.attempt(place)
        if made is not None and made.failed:
            made = replace(made, row={**made.row, "reason": reason}, again=True)
        attempts.append(made or failed(context, pair, reason))
    _publish(context, unit, before, attempts)
    return _report(unit, before, attempts, {}, None)


def _publish(context: RoundContext, unit: Unit, before: Earlier, attempts: list[Attempt]) -> None:
    shards = place_samples(context.out, unit.index, attempts, before.where)
    names = places(unit.index) | {"failed": ""}  # what could not be judged is nobody's business but the next run's
    rows = tuple({**made.row, "shard": names[made.row["status"]] if made.members else ""} for made in attempts)
    made = Made(
        numbers=unit.numbers,
        rows=rows,
        again=frozenset(made.row["key"] for made in attempts if made.again),
        filters=context.filters,
        shards=shards,
        contents={made.row["key"]: content_of(made.members) for made in attempts if made.members},
    )
    context.ledger.write_marker(unit.index, made)


def _report(unit: Unit, before: Earlier, attempts: list[Attempt], pair_s: dict[str, float], teacher: Animator | None) -> UnitReport:
    statuses = {made.row["key"]: made.row["status"] for made in attempts}
    counts, runtime = Counter(statuses.values()), getattr(teacher, "runtime", None)
    old = {row["key"]: row["status"] for row in before.made.rows} if before.made is not None else {}
    return UnitReport(
        unit=unit.index,
        kept=counts["kept"],
        rejected=counts["rejected"],
        failed=counts["failed"],
        failures=dict(Counter(made.row["reason"] for made in attempts if made.failed)),
        unjudged=dict(Counter(made.trouble for made in attempts if made.trouble)),
        changed=sum(statuses.get(key, status) != status for key, status in old.items()),
        host=socket.gethostname(),
        worker_pid=os.getpid(),
        pair_s=pair_s,
        runtime={} if runtime is None else runtime.record(),
    )
