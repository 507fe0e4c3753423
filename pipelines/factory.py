"""A round of the factory on worker processes: clips x identities -> a dataset of cross-identity pairs.

    survey -> plan_round -> begin_round -> units on workers -> finish_round
Teacher and guide are made anew in every worker; a guide's key is read from the environment there.
Rerun with the same settings continues; a finished folder is a no-op; new sources and a raised limit extend it.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from typing import Callable

from bootstrap.events import Events
from bootstrap.lock import locked
from bootstrap.manifest import finish_round, read_outcome
from bootstrap.planned import Unit
from bootstrap.prompts import GuideMark, unguided
from bootstrap.requests import Requested, write_tables, write_unit
from bootstrap.round_config import RoundConfig, RoundContext
from bootstrap.rounds import Round, Units, begin_round, check_folder, in_use, plan_round, record_plan
from bootstrap.sources.catalog import Catalog
from bootstrap.survey import Footage, refuse_nesting, survey
from bootstrap.tally import Outcome
from bootstrap.units import MakeTeacher, UnitReport, lose_unit, run_unit
from models import storage
from models.guidance.guide import Guide
from models.progress import Progress
from models.protocols import Animator
from pipelines.cluster import Lost, run_units
from pipelines.inspection import inspected

MakeGuide = Callable[[], Guide | None]


def synthesize(
    config: RoundConfig,
    out: str,
    footage: Footage,
    workers: int,
    make_teacher: MakeTeacher,
    make_guide: MakeGuide = unguided,
    catalog: Catalog | None = None,
) -> Outcome:
    """Bring the dataset at `out` to what `config` asks for. `make_teacher` and `make_guide` run once in every worker, when they are needed.

    `catalog`: remembers what files hold; default: the one in the cache folder.
    """
    with ExitStack() as held:
        round_ = _planned(config, out, footage, workers, make_guide, catalog, held)
        pending = begin_round(round_)
        finished = None if pending else read_outcome(round_)
        if finished is not None:
            return finished
        events = Events(round_.ledger.folder)
        worker = partial(_make_worker, round_.context, None if config.retry_filters else make_teacher, make_guide)
        _make(round_, pending, workers, worker, events)
        outcome = finish_round(round_)
        events.add("finished", kept=outcome.kept, attempted=outcome.attempted)
        events.flush()
    return outcome


def _planned(
    config: RoundConfig, out: str, footage: Footage, workers: int, make_guide: MakeGuide, catalog: Catalog | None, held: ExitStack
) -> Round:
    """The round, planned while the folder is locked; `held` keeps the lock, and the workers' cluster where files had to be looked at."""
    out = storage.resolve(out)
    for flag, given in (("--driving", footage.driving), ("--references", footage.references)):
        refuse_nesting(given, out, flag)
    recipe = replace(config.recipe, guide=GuideMark.of(make_guide()))
    config = replace(config, recipe=recipe, given=footage.names, selection=asdict(footage.windows))
    check_folder(config, out)
    catalog = catalog or Catalog()
    found = survey(footage, recipe.grid, partial(inspected, workers=workers, held=held), catalog, in_use(out))
    held.enter_context(locked(out))
    round_ = plan_round(config, out, found.driving, found.references, found.apart)
    for line in (*catalog.notes, *round_.driving.notes, *round_.references.notes, *round_.told):
        print(f"synthesize: {line}", file=sys.stderr)
    return round_


def _make(round_: Round, pending: list[int], workers: int, make_worker: Callable[[], Callable[[Unit], UnitReport]], events: Events) -> None:
    events.add("started", workers=workers, units=len(pending))
    units, deaths = Units(round_, pending), Counter[int]()
    already = round_.total - sum(len(round_.numbers(index)) for index in pending)

    def on_death(place: int, error: str) -> None:
        deaths[place] += 1
        events.add("worker_died", unit=pending[place], attempt=deaths[place], error=error)

    changed, unjudged, alike = 0, Counter[str](), _Alike()
    with Progress("synthesize", total=round_.total, already=already) as progress:
        counter = _Counter(progress)
        if not workers:
            make_worker = partial(make_worker, counter.one)
        for place, report in run_units(make_worker, units, workers, label="synthesize", on_death=on_death):
            attempts = deaths[place] + 1
            if isinstance(report, Lost):
                attempts, report = report.attempts, lose_unit(round_.context, units[place], report.reason)
            events.add("unit", attempts=attempts, **{name: getattr(report, name) for name in report.__slots__})
            changed += report.changed
            unjudged.update(report.unjudged)
            alike.see(report)
            if workers:
                counter.all_of(report)
    if round_.config.retry_filters:
        print(f"synthesize: {changed} pairs are judged otherwise than before", file=sys.stderr)
    for reason, count in unjudged.most_common():
        print(f"synthesize: {count} pairs keep their earlier verdict, a later run tries again: {reason}", file=sys.stderr)


class _Alike:
    """Tells once that nothing but one and the same failure has come for a while: a run may be stopped and continued."""

    _MANY = 20

    def __init__(self) -> None:
        self._reason, self._count, self._told = "", 0, False

    def see(self, report: UnitReport) -> None:
        same = len(report.failures) == 1 and report.failed and not report.kept + report.rejected
        reason = next(iter(report.failures)) if same else ""
        self._count = (self._count if reason == self._reason else 0) + (report.failed if same else 0)
        self._reason = reason
        if self._count >= self._MANY and not self._told:
            self._told = True
            print(f"\nsynthesize: the last {self._count} pairs failed alike: {reason}", file=sys.stderr)


class _Counter:
    """The progress line: pairs done, failed and, in all, rejected."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._rejected = progress, 0

    def one(self, status: str) -> None:
        self._step(status, 1)

    def all_of(self, report: UnitReport) -> None:
        for status in ("kept", "rejected", "failed"):
            self._step(status, getattr(report, status))

    def _step(self, status: str, count: int) -> None:
        self._rejected += count if status == "rejected" else 0
        if count:
            self._progress.step(count=count, failed=status == "failed", note=f"{self._rejected} rejected" if self._rejected else "")


def _silent(status: str) -> None:
    """Workers tell by their reports."""


def _make_worker(
    context: RoundContext, make_teacher: MakeTeacher | None, make_guide: MakeGuide, done: Callable[[str], None] = _silent
) -> Callable[[Unit], UnitReport]:
    teacher = None if make_teacher is None else _once(make_teacher)
    return partial(run_unit, context, make_teacher=teacher, guide=make_guide(), done=done)


def _once(make_teacher: MakeTeacher) -> MakeTeacher:
    """Makes the teacher when the first pair asks for it, and no second time."""
    made: list[Animator] = []

    def teacher() -> Animator:
        made.append(made[0] if made else make_teacher())
        return made[0]

    return teacher


def export_requests(
    config: RoundConfig,
    out: str,
    footage: Footage,
    workers: int,
    folder: str,
    make_guide: MakeGuide = unguided,
    catalog: Catalog | None = None,
) -> tuple[int, dict[str, str]]:
    """Plan `out` and write to `folder` what a teacher elsewhere is asked. Returns the number of requests and, by key, what went wrong."""
    folder = storage.resolve(folder)
    with ExitStack() as held:
        round_ = _planned(config, out, footage, workers, make_guide, catalog, held)
        record_plan(round_)
        pending = round_.pending()
        written, failures = [], dict[str, str]()
        with Progress("export requests", total=len(pending)) as progress:
            for _, made in run_units(
                partial(_make_exporter, round_.context, folder, make_guide), Units(round_, pending), workers, label="export"
            ):
                made = made if isinstance(made, Requested) else Requested(requests=(), failures={"a unit": made.reason})
                written += made.requests
                failures |= made.failures
                progress.step(failed=bool(made.failures))
    write_tables(folder, written)
    return len(written), failures


def _make_exporter(context: RoundContext, folder: str, make_guide: MakeGuide) -> Callable[[Unit], Requested]:
    return partial(write_unit, context, folder, guide=make_guide())
