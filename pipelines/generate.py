"""`actorforge generate`: one animator over one suite -> a run folder, on any number of worker processes.

Rerun continues; a failed case is a row with its reason and never stops the others. A case that failed because the guide's endpoint did not
serve is tried anew by a later run, as `synthesize` does; what the animator could not do stays as it is, or is tried anew where that is
asked for. Where nothing has come yet and one cause has failed `STUCK` cases in a row, it is told and the run stops.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable

from awbench.cases import Suite
from awbench.ground_truth import load_for_suite
from awbench.runs import Row, Run, finish_generation, forget, generate_case, pending, recorded_rows, start_run
from awbench.suites.load import load_suite
from models.guidance.catalog import load_guide
from models.guidance.guide import Guide
from models.mllm.errors import CostCapReached, Unreachable
from models.progress import Progress
from models.protocols import Animator
from models.runtime import Runtime
from models.types import AnimationRequest, require
from pipelines.cluster import Lost, absolute_animator, run_units

NO_GUIDE, OWN_GUIDE = "none", "own"
"""What --guide may say beside a guide's name: no prompts, or those of the guide that the checkpoint was trained with."""
STUCK = 40
"""So many failures of one cause in a row, and nothing that came out, stop a run."""
_AUTO = Runtime()


def generate(
    animator: str,
    suite: str,
    out: Path,
    *,
    workers: int = 0,
    seed: int = 0,
    guide: str = OWN_GUIDE,
    limit: int | None = None,
    retry_failed: bool = False,
    offset_s: float | None = None,
    name: str | None = None,
    runtime: Runtime = _AUTO,
) -> Run:
    """Bring the run folder `out` to completion. `animator`: name, `name:argument` or checkpoint folder; `suite`: name or folder.

    `guide`: the name of a guide that writes the prompt of a case without one, none, or own: the one the checkpoint was trained with.
    `limit`: the first cases of the suite only; a run with more keeps them. `retry_failed`: failed cases are tried anew.
    `offset_s`: the moment of the driver that the answers' first frames are declared to show. `name`: what the system is called.
    """
    require(seed >= 0, "generate", "seed", seed, "a whole number >= 0")
    place, loaded_suite = absolute_animator(animator), load_suite(suite)
    if guide != OWN_GUIDE:
        guide_of(guide)  # a mistyped name is told before an animator is loaded
    loaded = load_for_suite(place, loaded_suite, runtime)
    guide = getattr(loaded, "guide", NO_GUIDE) if guide == OWN_GUIDE else guide
    loaded_guide = guide_of(guide)
    asked = {"guide": loaded_guide, "limit": limit, "offset_s": offset_s, "name": name}
    run = start_run(Path(out).resolve(), loaded_suite, place, loaded, seed, **asked)
    if forget_failed(run) if retry_failed else forget_unserved(run):
        run = start_run(run.path, loaded_suite, place, loaded, seed, **asked)  # notes what runs the cases now left
    todo = pending(run)
    if run.complete and not todo:
        return run
    here = partial(_animate, run, loaded, loaded_guide)
    make_worker = partial(_make_worker, run.path, place, guide, runtime) if workers else lambda: here
    _tell_strays(loaded, loaded_suite)
    total, stuck = len(run.suite.cases), _Stuck(run)
    with Progress(f"generate {run.system}", total=total, already=total - len(todo)) as progress:
        for index, row in run_units(make_worker, todo, workers, label="generate"):
            if isinstance(row, Lost):
                row = generate_case(run, todo[index], _Dead(reason=row.reason))
            progress.step(failed=row["status"] == "failed")
            stuck.watch(row)
    return finish_generation(run)


def forget_unserved(run: Run) -> list[str]:
    """Take back the rows of cases whose guide did not serve, so that they are to do again, and the run's end with them; their ids."""
    reasons = tuple(f"guide: {error.kind}: " for error in (Unreachable, CostCapReached))
    again = [row["case"] for row in recorded_rows(run) if row["status"] == "failed" and row["reason"].startswith(reasons)]
    if again:
        forget(run, again)
    return again


def forget_failed(run: Run) -> list[str]:
    """The same for every failed case."""
    again = [row["case"] for row in recorded_rows(run) if row["status"] == "failed"]
    if again:
        forget(run, again)
    return again


class _Stuck:
    """Counts failures of one cause in a row. Raises ValueError at the `STUCK`th where no case of the run has come out yet."""

    def __init__(self, run: Run) -> None:
        self._run, self._cause, self._times = run, "", 0
        self._any_ok = any(row["status"] == "ok" for row in recorded_rows(run))

    def watch(self, row: Row) -> None:
        self._any_ok = self._any_ok or row["status"] == "ok"
        cause = row["reason"].replace(row["case"], "CASE")
        self._times = self._times + 1 if cause == self._cause else 1
        self._cause = cause
        advice = "mend it, then run the same command with --retry-failed"
        stuck = self._times >= STUCK and not self._any_ok
        require(not stuck, f"run {self._run.path}", f"{self._times} cases in a row", f"failed: {cause}", "a video", advice)


def _tell_strays(animator: Animator, suite: Suite) -> None:
    """Say once which files of a folder of recorded answers answer no case."""
    strays = getattr(animator, "strays", lambda ids: [])([case.id for case in suite.cases])
    if strays:
        named = ", ".join(strays[:5]) + (", ..." if len(strays) > 5 else "")
        print(f"note: {animator.name}: {len(strays)} file(s) answer no case of {suite.name}: {named}", file=sys.stderr)


def _make_worker(folder: Path, animator: str, guide: str, runtime: Runtime) -> Callable[[str], Row]:
    run = Run.open(folder)
    return partial(_animate, run, load_for_suite(animator, run.suite, runtime), guide_of(guide))


def guide_of(name: str) -> Guide | None:
    """The guide of that name; None for none."""
    return None if name == NO_GUIDE else load_guide(name)


def _animate(run: Run, animator: Animator, guide: Guide | None, case_id: str) -> Row:
    return generate_case(run, case_id, animator, guide)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dead:
    """Stands in for an animator whose process died: its case gets a failed row like any other."""

    reason: str
    name: str = "dead worker"

    def animate(self, request: AnimationRequest) -> None:
        raise ValueError(self.reason)


def failures(run: Run, most: int = 3) -> list[str]:
    """What failed and why, most frequent first, one line a cause; the case's own id stands as CASE."""
    causes = Counter(row["reason"].replace(row["case"], "CASE") for row in recorded_rows(run) if row["status"] == "failed")
    lines = [f"{count} failed: {cause}" for cause, count in causes.most_common(most)]
    left = len(causes) - len(lines)
    again = ["once mended, the same command with --retry-failed tries them anew"] if lines else []
    return lines + [f"and {left} more causes, see generation.parquet"] * bool(left) + again


def counts(run: Run) -> dict[str, int]:
    """Cases by status."""
    rows = recorded_rows(run)
    return {status: sum(row["status"] == status for row in rows) for status in ("ok", "failed")}
