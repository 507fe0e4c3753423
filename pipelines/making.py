"""The pairs of a round brought to their records and units, on whatever workers there are: the head's side of it.

In: a `Round` and its pending units; out: progress and diary. Every pair is told as it comes; a failure is recorded here, so that one of an
ill worker, which is tried again elsewhere, leaves nothing behind.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Sequence

from bootstrap.doing import record_failure, record_trouble
from bootstrap.events import Events, spent_usd
from bootstrap.in_flight import REASON, InFlight
from bootstrap.planned import Item, JudgePair, MakePair, SealUnit
from bootstrap.records import clear_all_records
from bootstrap.reports import PairReport
from bootstrap.rounds import Round
from bootstrap.sealing import Lacking, Sealed
from bootstrap.units import Work
from models.interrupts import ctrl_c_noticed
from models.progress import Progress
from models.types import require
from pipelines.executor import meters
from pipelines.executor.pools import LOAD_S, Lost, Policy, Pool, SameCause, Start
from pipelines.executor.run import run_pools
from pipelines.purse import Purse, usd_words
from pipelines.stations import MakeGuide, MakeTeacher, Staff, noted

TIMEOUT_S = 3600.0
_UNREAD = "samples in its shard cannot be read; without --retry-filters they are made again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`pair_s`: the most one call of a worker may take: a file or an animator that never answers costs its pair only.

    `load_s`: the most a worker may take to load its teacher; `usd`: the most that the answers of all runs together may cost, `each_usd`:
    what one is expected to. None: no limit.
    """

    pair_s: float | None = TIMEOUT_S
    load_s: float | None = LOAD_S
    usd: float | None = None
    each_usd: float = 0.0


USUAL = Limits()


class SpentUp(SameCause):
    """The run was stopped: what answers may cost is reached."""


def make_pairs(
    round_: Round, pending: Sequence[int], staff: Staff, make_teacher: MakeTeacher | None, make_guide: MakeGuide, limits: Limits = USUAL
) -> None:
    """Bring all pending units to their seal. Raises SameCause where one cause fails everything, SpentUp where the money does not reach;
    what was made stays.
    """
    events = Events(round_.ledger.folder)
    events.add("started", workers=staff.workers, cpu_workers=staff.cpu, gpu_workers=staff.gpu, units=len(pending))
    total = sum(len(round_.numbers(index)) for index in pending)
    with Progress("synthesize", total=round_.total, already=round_.total - total) as progress, ctrl_c_noticed():
        spent = 0.0 if limits.usd is None else spent_usd(round_.ledger.folder)
        purse = Purse(most_usd=limits.usd, each_usd=limits.each_usd, spent_usd=spent)
        work = Work(round_=round_, pending=pending)
        making = _Making(round_=round_, work=work, events=events, progress=progress, staff=staff, purse=purse)
        pools = staff.pools(round_.context, make_teacher, make_guide)
        if not staff.total:
            (pool,) = pools
            pools = [replace(pool, make_worker=noted(pool.make_worker, making.in_flight))]
        try:
            making.run(pools, limits)
        finally:
            events.flush()
    if not making.work.left_alone:
        clear_all_records(round_.out)
    making.tell(round_.config.retry_filters)


@dataclass(slots=True, kw_only=True)
class _Making:
    """The state of a run: counts, never pairs."""

    round_: Round
    work: Work
    events: Events
    progress: Progress
    staff: Staff
    purse: Purse
    in_flight: InFlight = field(init=False)
    teacher_s: float = 0.0
    wall_s: float = 0.0
    changed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    turned_down: Counter[str] = field(default_factory=Counter)
    unjudged: Counter[str] = field(default_factory=Counter)
    _skipped: int = 0
    _asked: int = 0
    _is_spent: bool = False
    _deaths: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.in_flight = InFlight(self.round_.ledger.folder)

    def run(self, pools: Sequence[Pool], limits: Limits) -> None:
        times = {"timeout_s": limits.pair_s, "load_s": limits.load_s}
        policy = Policy(**times, hurried=_is_hurried, cause_of=_cause_of, as_probe=_as_probe, name_of=_name_of)
        start_s, cluster = time.monotonic(), self.staff.cluster(self.round_.recipe.grid)
        for item, result in run_pools(pools, self.pull, policy, label="synthesize", cluster=cluster, tell=self.hear):
            self.take(item, result)
        self.wall_s = time.monotonic() - start_s
        if self._is_spent:
            spent = f"stopped at {usd_words(self.purse.spent_usd)} of {self.purse.most_usd:g} USD with pairs to make: raise --max-cost"
            raise SpentUp(f"synthesize: {spent}")

    def pull(self) -> Start | None:
        while (item := self.work.next()) is not None:
            self.progress.skip(self.work.stayed - self._skipped)
            self._skipped = self.work.stayed
            if isinstance(item, MakePair):
                if not self.purse.may_begin(self._asked):
                    self._is_spent = True  # asked again after each result: a unit that is whole then is sealed all the same
                    return None
                self._asked += 1
            if self.staff.total or not (isinstance(item, MakePair) and self.in_flight.is_deadly(item.key)):
                return Start(pool=self.staff.first, item=item)
            self.in_flight.end(item.key)
            self.take(item, Lost(reason=REASON, attempts=1))
        return None

    def hear(self, kind: str, **fields: Any) -> None:
        """What the executor tells of its workers."""
        if kind in ("worker_died", "timed_out", "worker_lost"):
            self._deaths.update([name] if (name := str(fields.get("item", ""))) else [])
        self.events.add(kind, **fields)
        meters.count("worker_events_total", event=kind)

    def take(self, item: Item, result: PairReport | Sealed | Lacking | Lost) -> None:
        """What came of an item."""
        if isinstance(item, SealUnit):
            self._sealed(item, result)
        else:
            deaths = self._deaths.pop(item.key, 0)
            lost = isinstance(result, Lost)
            self._made(item, self._of_lost(item, result) if lost else result, result.attempts if lost else deaths + 1)

    def _sealed(self, item: SealUnit, result: Sealed | Lacking | Lost) -> None:
        advice = "what was made is kept; the same command continues"
        lost = isinstance(result, Lost)
        require(not lost, self.round_.out, item.key, result.reason if lost else "", "that it can be sealed", advice)
        self.work.unit_is_back(result)
        if isinstance(result, Sealed):
            self.events.add("sealed", unit=result.unit, statuses=dict(result.statuses), written=dict(result.written))
        else:
            self.events.add("lacking", unit=result.unit, places=list(result.places))
            self.progress.skip(-len(result.places))

    def _of_lost(self, item: MakePair | JudgePair, lost: Lost) -> PairReport:
        if isinstance(item, JudgePair):
            record_trouble(self.round_.context, item, lost.reason)
            return PairReport(key=item.key, status=item.known.status, reason=item.known.row["reason"], trouble=lost.reason)
        return PairReport(key=item.key, status="failed", reason=lost.reason, recorded=False)

    def _made(self, item: MakePair | JudgePair, report: PairReport, attempts: int) -> None:
        if not report.recorded:
            record_failure(self.round_.context, item, report.reason)
        self._count(report)
        if isinstance(item, MakePair):
            self._asked -= 1
            self.purse.pay(report.cost_usd)
        told = {name: getattr(report, name) for name in ("status", "reason", "seconds", "worker", "runtime")}
        told |= {"cost_usd": report.cost_usd} if report.cost_usd else {}
        self.events.add("judged" if isinstance(item, JudgePair) else "pair", key=report.key, unit=item.unit, attempts=attempts, **told)
        self.work.pair_is_back(item.unit)

    def _count(self, report: PairReport) -> None:
        self.statuses[report.status] += 1
        meters.count("pairs_total", status=report.status)
        for step, seconds in report.seconds.items():
            meters.count("step_seconds_total", seconds, step=step)
        self.changed += report.changed
        self.teacher_s += report.seconds.get("teacher", 0.0)
        if report.trouble:
            self.unjudged[report.trouble] += 1
        if report.status == "rejected":
            self.turned_down[report.reason.partition(":")[0]] += 1
        rejected = self.statuses["rejected"]
        self.progress.step(failed=report.status == "failed", note=f"{rejected} rejected" if rejected else "")

    def tell(self, retry_filters: bool) -> None:
        """The closing lines."""
        if retry_filters:
            _say(f"{self.changed} pairs are judged otherwise than before")
            if self.work.not_aside:
                _say(f"{self.work.not_aside} rejected pairs stay rejected: without --keep-rejected they were not kept to be judged again")
        if self.work.left_alone:
            _say(f"{self.work.left_alone} pairs keep their earlier verdict: {_UNREAD}")
        for reason, count in self.unjudged.most_common():
            _say(f"{count} pairs keep their earlier verdict, a later run tries again: {reason}")
        if self.teacher_s and self.wall_s:
            share = self.teacher_s / (self.wall_s * self.staff.teachers)
            _say(f"{share:.0%} of the bare model's throughput; {self._yields()}")

    def _yields(self) -> str:
        made = self.statuses.total()
        checks = "".join(f", {check} turned down {count}" for check, count in self.turned_down.most_common())
        return f"kept {self.statuses['kept']} of {made} ({self.statuses['kept'] / made:.0%}){checks}"


def _cause_of(result: Any) -> str:
    return result.cause if isinstance(result, PairReport) else ""


def _is_hurried(item: Item) -> bool:
    """The limit is a pair's: a seal moves many samples."""
    return not isinstance(item, SealUnit)


def _as_probe(item: Item) -> Item | None:
    return replace(item, probe=True) if isinstance(item, MakePair) else None


def _name_of(item: Item) -> str:
    return item.key


def _say(text: str) -> None:
    print(f"synthesize: {text}", file=sys.stderr)
