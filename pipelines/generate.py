"""`actorforge generate`: one animator over one suite -> a run folder, on any number of worker processes.

Rerun continues; a failed case is a row with its reason and never stops the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable

from awbench.ground_truth import load_for_suite
from awbench.runs import Row, Run, finish_generation, generate_case, pending, recorded_rows, start_run
from awbench.suites.load import load_suite
from models.guidance.catalog import load_guide
from models.guidance.guide import Guide
from models.progress import Progress
from models.protocols import Animator
from models.runtime import Runtime
from models.types import AnimationRequest, require
from pipelines.cluster import Lost, absolute_animator, run_units

NO_GUIDE, OWN_GUIDE = "none", "own"
"""What --guide may say beside a guide's name: no prompts, or those of the guide that the checkpoint was trained with."""
_AUTO = Runtime()


def generate(
    animator: str, suite: str, out: Path, *, workers: int = 0, seed: int = 0, guide: str = OWN_GUIDE, runtime: Runtime = _AUTO
) -> Run:
    """Bring the run folder `out` to completion. `animator`: name, `name:argument` or checkpoint folder; `suite`: name or folder.

    `guide`: the name of a guide that writes the prompt of a case without one, none, or own: the one the checkpoint was trained with.
    """
    require(seed >= 0, "generate", "seed", seed, "a whole number >= 0")
    name, loaded_suite = absolute_animator(animator), load_suite(suite)
    if guide != OWN_GUIDE:
        guide_of(guide)  # a mistyped name is told before an animator is loaded
    loaded = load_for_suite(name, loaded_suite, runtime)
    guide = getattr(loaded, "guide", NO_GUIDE) if guide == OWN_GUIDE else guide
    loaded_guide = guide_of(guide)
    run = start_run(Path(out).resolve(), loaded_suite, name, loaded, seed, guide=loaded_guide)
    todo = pending(run)
    if run.complete and not todo:
        return run
    here = partial(_animate, run, loaded, loaded_guide)
    make_worker = partial(_make_worker, run.path, name, guide, runtime) if workers else lambda: here
    total = len(run.suite.cases)
    with Progress(f"generate {run.system}", total=total, already=total - len(todo)) as progress:
        for index, row in run_units(make_worker, todo, workers, label="generate"):
            if isinstance(row, Lost):
                row = generate_case(run, todo[index], _Dead(reason=row.reason))
            progress.step(failed=row["status"] == "failed")
    return finish_generation(run)


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


def counts(run: Run) -> dict[str, int]:
    """Cases by status."""
    rows = recorded_rows(run)
    return {status: sum(row["status"] == status for row in rows) for status in ("ok", "failed")}
