"""A round of the factory on worker processes: clips x identities -> a dataset of cross-identity pairs.

    survey -> plan_round -> begin_round -> make_pairs -> finish_round
Teacher and guide are made anew in every worker; a guide's key is read from the environment there.
Rerun with the same settings continues; a finished folder is a no-op; new sources and a raised limit extend it.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Callable

from bootstrap.events import Events
from bootstrap.lock import locked
from bootstrap.manifest import finish_round, read_outcome
from bootstrap.prompts import GuideMark, unguided
from bootstrap.requests import Asked, Requested, Unanswered, write_request, write_tables
from bootstrap.round_config import RoundConfig, RoundContext
from bootstrap.rounds import Round, begin_round, check_folder, in_use, plan_round, record_plan
from bootstrap.sources.catalog import Catalog
from bootstrap.survey import Footage, Surveyed, refuse_nesting, survey
from bootstrap.tally import Outcome
from models import storage
from models.progress import Progress
from models.types import require
from pipelines.executor.pools import Lost, Pool, Start
from pipelines.executor.run import run_pools
from pipelines.inspection import inspected
from pipelines.making import USUAL, Limits, make_pairs
from pipelines.stations import PAIRS, MakeGuide, MakeTeacher, Staff

HERE = Staff()


def synthesize(
    config: RoundConfig,
    out: str,
    footage: Footage,
    staff: Staff,
    make_teacher: MakeTeacher,
    make_guide: MakeGuide = unguided,
    catalog: Catalog | None = None,
    limits: Limits = USUAL,
    ready: Callable[[], object] = lambda: None,
    begun: Callable[[], None] = lambda: None,
) -> Outcome:
    """Bring the dataset at `out` to what `config` asks for. `make_teacher` and `make_guide` run once in every worker.

    `catalog`: remembers what files hold; default: the one in the cache folder. Where there is something to do, `ready` is called before
    anything is changed, in place of a teacher that workers make (what it raises leaves the dataset as it is), and `begun` once the plan is
    recorded. Raises SameCause where one cause fails everything.
    """
    with ExitStack() as held:
        round_ = _planned(config, out, footage, staff, make_guide, catalog, held)
        makes_here = not staff.total and not config.retry_filters
        pending = begin_round(round_, make_teacher if makes_here else ready)
        finished = None if pending else read_outcome(round_)
        if finished is not None:
            return finished
        begun()
        make_pairs(round_, pending, staff, None if config.retry_filters else make_teacher, make_guide, limits)
        outcome = finish_round(round_)
        events = Events(round_.ledger.folder)
        events.add("finished", kept=outcome.kept, attempted=outcome.attempted)
        events.flush()
    return outcome


def _planned(
    config: RoundConfig, out: str, footage: Footage, staff: Staff, make_guide: MakeGuide, catalog: Catalog | None, held: ExitStack
) -> Round:
    """The round, planned while the folder is locked; `held` keeps the lock, and the workers' session where files had to be looked at."""
    out = storage.resolve(out)
    for flag, given in (("--driving", footage.driving), ("--references", footage.references)):
        refuse_nesting(given, out, flag)
    recipe = replace(config.recipe, guide=GuideMark.of(make_guide()))
    config = replace(config, recipe=recipe, given=footage.names, selection=footage.windows.published)
    check_folder(config, out)
    catalog = catalog or Catalog()
    look = partial(inspected, workers=staff.total, held=held, cluster=staff.cluster(recipe.grid))
    found = survey(footage, recipe.grid, look, catalog, in_use(out))
    refuse_nothing(footage, found)
    held.enter_context(locked(out))
    round_ = plan_round(config, out, found.driving, found.references, found.apart)
    for line in (*catalog.notes, *round_.driving.notes, *round_.references.notes, *round_.told):
        print(f"synthesize: {line}", file=sys.stderr)
    return round_


def refuse_nothing(footage: Footage, found: Surveyed) -> None:
    """Raises ValueError where no file is behind a flag, readable or not."""
    sides = (("--driving", footage.driving, found.driving, "clips"), ("--references", footage.references, found.references, "images"))
    for flag, given, listing, wanted in sides:
        where = ", ".join(map(storage.redacted, given))
        require(bool(listing.usable or listing.unusable), flag, "media", f"none in {where}", f"a folder, glob, table or URL of {wanted}")


def export_requests(
    config: RoundConfig,
    out: str,
    footage: Footage,
    staff: Staff,
    folder: str,
    make_guide: MakeGuide = unguided,
    catalog: Catalog | None = None,
) -> tuple[int, dict[str, str]]:
    """Plan `out` and write to `folder` what a teacher elsewhere is asked. Returns the number of requests and, by key, what went wrong."""
    folder = storage.resolve(folder)
    with ExitStack() as held:
        round_ = _planned(config, out, footage, staff, make_guide, catalog, held)
        record_plan(round_)
        unanswered = iter(Unanswered(round_, round_.pending()))
        pool = Pool(name=PAIRS, workers=staff.workers or staff.cpu, make_worker=partial(_make_exporter, round_.context, folder, make_guide))
        written, failures = [], dict[str, str]()

        def pull() -> Start | None:
            asked = next(unanswered, None)
            return None if asked is None else Start(pool=PAIRS, item=asked)

        with Progress("export requests", total=None) as progress:
            for asked, made in run_pools([pool], pull, label="export", cluster=staff.cluster(round_.recipe.grid)):
                made = Requested(failure=made.reason) if isinstance(made, Lost) else made
                if made.failure:
                    failures[asked.key] = made.failure
                else:
                    written.append(made.request)
                progress.step(failed=bool(made.failure))
    write_tables(folder, written)
    return len(written), failures


def _make_exporter(context: RoundContext, folder: str, make_guide: MakeGuide) -> Callable[[Asked], Requested]:
    return partial(write_request, context, folder, guide=make_guide())
