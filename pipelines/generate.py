"""`actorforge generate`: one animator over one suite -> a run folder, on any number of worker processes.

Rerun continues and tries failed cases anew, unless told otherwise; a failed case is a row with its reason and never stops the others, nor
does one that hangs or takes its worker along. Where nothing has come yet and one cause has failed `STUCK` cases, the run stops with it.
"""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Mapping

import numpy as np

from awbench.cases import Suite
from awbench.catalog import ANIMATORS
from awbench.ground_truth import load_for_suite
from awbench.runs import Row, Run, finish_generation, forget, generate_case, pending, recorded_rows, start_run, try_case
from awbench.suites.load import load_suite
from models.animators.load import absolute_animator, placed_options, resolved_options
from models.guidance.catalog import load_guide
from models.guidance.guide import Guide
from models.progress import Progress
from models.protocols import Animator
from models.retry_failed import RetryFailed
from models.runtime import Runtime
from models.stated import is_checkpoint, missing_of, strays_of
from models.types import AnimationRequest, require
from pipelines.asked import forecast, purse_of, refuse_missing, spent_usd, without_device, without_prompts
from pipelines.asking_together import run_together
from pipelines.executor.pools import Lost, Policy
from pipelines.executor.run import run_items
from pipelines.failed_cases import cause_of

NO_GUIDE, OWN_GUIDE = "none", "own"
"""What --guide may say beside a guide's name: no prompts, or those of the guide that the checkpoint was trained with."""
STUCK = 40
"""So many failures of one cause, and nothing that came out, stop a run."""
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
    retry: RetryFailed = RetryFailed(),
    timeout_s: float | None = None,
    offset_s: float | None = None,
    name: str | None = None,
    runtime: Runtime = _AUTO,
    options: Mapping[str, str] | None = None,
    max_cost_usd: float | None = None,
) -> Run:
    """Bring the run folder `out` to completion. `animator`: name, `name:argument` or checkpoint folder; `suite`: name or folder.

    `guide`: the name of a guide that writes the prompt of a case without one, none, or own: the one the checkpoint was trained with.
    `limit`: the first cases of the suite only; a run with more keeps them. `timeout_s`: the most one case may take.
    `offset_s`: the moment of the driver that the answers' first frames are declared to show. `name`: what the system is called.
    `options`: words for the animator's own options. `max_cost_usd`: the most the run may cost; where it is reached, cases stay to be done.
    An animator with a `concurrency` is asked for so many cases together where there are no workers.
    """
    require(seed >= 0, "generate", "seed", seed, "a whole number >= 0")
    _one_offset(offset_s, options or {})
    place, loaded_suite, words = absolute_animator(animator, ANIMATORS), load_suite(suite), placed_options(animator, options or {})
    if guide != OWN_GUIDE:
        guide_of(guide)  # a mistyped name is told before an animator is loaded
    told = forecast(place, loaded_suite, Path(out), options=words, limit=limit, retry=retry)
    purse = purse_of(told, max_cost_usd)
    refuse_missing(animator, told.missing if told.left else ())
    loaded = load_for_suite(place, loaded_suite, runtime, words)
    guide = getattr(loaded, "guide", NO_GUIDE) if guide == OWN_GUIDE else guide
    loaded_guide = guide_of(guide)
    refuse_missing(animator, without_prompts(told, guided=loaded_guide is not None))
    terms = {"kind": told.stated.kind, "licence": told.stated.licence} if told.stated else {}
    asked = {"guide": loaded_guide, "limit": limit, "offset_s": offset_s, "name": name, "options": told.options, "terms": terms}
    run = start_run(Path(out).resolve(), loaded_suite, place, loaded, seed, **asked)
    if forget_failed(run, retry):
        run = start_run(run.path, loaded_suite, place, loaded, seed, **asked)  # notes what runs the cases now left
    todo = pending(run)
    if run.complete and not todo:
        return run
    here = partial(_animate, run, loaded, loaded_guide)
    make_worker = partial(_make_worker, run.path, place, guide, runtime, words) if workers else lambda: here
    _tell_strays(loaded, loaded_suite)
    together = 1 if workers else int(getattr(loaded, "concurrency", 1))
    policy, total = _policy(run, timeout_s), len(run.suite.cases)
    if together > 1:
        advice = "an option of its own, or --workers 1"
        require(timeout_s is None, f"generate {run.system}", "--timeout", timeout_s, "none where cases are asked together", advice)
        rows = run_together(here, todo, together, label="generate", policy=policy, may_begin=purse.may_begin)
    else:
        rows = run_items(make_worker, todo, workers, label="generate", policy=policy, may_begin=purse.may_begin)
    with Progress(f"generate {run.system}", total=total, already=total - len(todo)) as progress, closing(rows):
        for index, row in rows:
            if isinstance(row, Lost):
                row = generate_case(run, todo[index], _Dead(reason=row.reason))
            progress.step(failed=row["status"] == "failed")
            purse.pay(row.get("cost_usd"))
    return run if pending(run) else finish_generation(run)


def forget_failed(run: Run, retry: RetryFailed) -> list[str]:
    """Take back the rows of failed cases that `retry` wants, so that they are to do again, and the run's end with them; their ids."""
    again = [row["case"] for row in recorded_rows(run) if row["status"] == "failed" and retry.wants(row["reason"])]
    if again:
        forget(run, again)
    return again


def _policy(run: Run, timeout_s: float | None) -> Policy:
    """A run of which something has come before is not stopped because the rest fails alike."""
    any_ok = any(row["status"] == "ok" for row in recorded_rows(run))
    return Policy(timeout_s=timeout_s, cause_of=cause_of, as_probe=_Probe, name_of=str, stop_after=None if any_ok else STUCK)


@dataclass(frozen=True, slots=True)
class _Probe:
    """A case that is only tried: nothing is written."""

    case_id: str


def _tell_strays(animator: Animator, suite: Suite) -> None:
    """Say once which files of a folder of recorded answers answer no case."""
    strays = getattr(animator, "strays", lambda ids: [])([case.id for case in suite.cases])
    if strays:
        named = ", ".join(name if name.isprintable() else ascii(name) for name in strays[:5]) + (", ..." if len(strays) > 5 else "")
        print(f"note: {animator.name}: {len(strays)} file(s) answer no case of {suite.name}: {named}", file=sys.stderr)


def _make_worker(folder: Path, animator: str, guide: str, runtime: Runtime, options: Mapping[str, str]) -> Callable[[str], Row]:
    run = Run.open(folder)
    return partial(_animate, run, load_for_suite(animator, run.suite, runtime, options), guide_of(guide))


def guide_of(name: str) -> Guide | None:
    """The guide of that name; None for none."""
    return None if name == NO_GUIDE else load_guide(name)


def _animate(run: Run, animator: Animator, guide: Guide | None, case: str | _Probe) -> Row:
    if isinstance(case, _Probe):
        return try_case(run, case.case_id, animator, guide)[0]
    return generate_case(run, case, animator, guide)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dead:
    """Stands in for an animator whose process died: its case gets a failed row like any other."""

    reason: str
    name: str = "dead worker"

    def animate(self, request: AnimationRequest) -> None:
        raise ValueError(self.reason)


def _one_offset(offset_s: float | None, options: Mapping[str, str]) -> None:
    """Raises ValueError where a lag is declared twice."""
    own = options.get("offset_s")
    got = f"{offset_s} beside --set offset_s={own}"
    require(offset_s is None or own is None, "generate", "--offset", got, "one of the two", "--offset is for any system")


def rehearse(
    animator: str,
    suite: str,
    out: Path,
    *,
    options: Mapping[str, str],
    guide: str = OWN_GUIDE,
    limit: int | None = None,
    retry: RetryFailed = RetryFailed(),
    offset_s: float | None = None,
    runtime: Runtime = _AUTO,
    max_cost_usd: float | None = None,
) -> tuple[list[str], bool]:
    """What `generate` would ask, adapt and pay, and what is missing, in words, and whether nothing is.

    Nothing is written, loaded or sent. Raises ValueError where it would refuse for another reason.
    """
    _one_offset(offset_s, options)
    own = guide == OWN_GUIDE
    guided = is_checkpoint(animator) if own else guide_of(guide) is not None  # a checkpoint's own guide is known once it is loaded
    place, words = absolute_animator(animator, ANIMATORS), placed_options(animator, options)
    told = forecast(place, load_suite(suite), Path(out), options=words, limit=limit, retry=retry)
    purse_of(told, max_cost_usd)
    read, every = resolved_options(place, ANIMATORS, words), [case.id for case in told.suite.cases]
    of_cases = missing_of(place, read, ANIMATORS, told.left, told.left, partial(reference_of, told.suite))
    lacks = list(dict.fromkeys([*told.missing, *of_cases, *without_prompts(told, guided), *without_device(told, runtime)]))
    strays = strays_of(place, ANIMATORS, every)
    lines = _some([f"missing: {line}" for line in lacks]) + _some(
        [f"stray: {name} answers no case of {told.suite.name}" for name in strays]
    )
    return [*told.lines(), *lines, "nothing was written, loaded or sent"], not lacks


def reference_of(suite: Suite, case_id: str) -> np.ndarray | None:
    """A case's reference, uint8 RGB `[H,W,3]`; None where it cannot be read, or only by drawing the whole case."""
    read = getattr(suite.source, "reference", None)
    if read is None:
        return None
    try:
        return read(suite.case(case_id))
    except (ValueError, OSError):  # the run says what is wrong with this case
        return None


def _some(lines: list[str], most: int = 20) -> list[str]:
    return lines[:most] + [f"and {len(lines) - most} more"] * (len(lines) > most)


def spent(run: Run) -> float:
    """What the run's answers cost, USD, as far as they say so."""
    return spent_usd(recorded_rows(run))


def counts(run: Run) -> dict[str, int]:
    """Cases by status."""
    rows = recorded_rows(run)
    return {status: sum(row["status"] == status for row in rows) for status in ("ok", "failed")}
