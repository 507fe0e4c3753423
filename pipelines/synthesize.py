"""`actorforge synthesize`: clips x identities -> a dataset of cross-identity pairs, on any number of worker processes.

    plan_round -> begin_round -> units on workers -> finish_round
Teacher and guide are made anew in every worker; a guide's key is read from the environment there.
Rerun with the same settings continues; a finished folder is a no-op; a raised limit extends it.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable

from bootstrap.ledger import Unit
from bootstrap.manifest import Outcome, finish_round, read_outcome
from bootstrap.prompts import GuideMark, unguided
from bootstrap.rounds import Round, RoundConfig, Teacher, begin_round, plan_round
from bootstrap.thresholds import Thresholds
from bootstrap.units import UnitReport, lose_unit, run_unit
from models.guidance.guide import Guide
from models.progress import Progress
from models.protocols import Animator
from models.runtime import Runtime
from models.types import Grid
from pipelines.cluster import Lost, absolute_animator, run_units

DEFAULT_GRID = Grid(width=48, height=48, fps=8.0, num_frames=6)
"""Used where neither a flag nor the teacher says otherwise: the grid of the tiny animators and the world suites."""
NO_GUIDE = "none"
"""What --guide says to switch guidance off."""
_AUTO, _GATES = Runtime(), Thresholds()
_SHOWN_REASONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFlags:
    """The grid as far as flags state it. `size`: (W,H) px; None: the teacher's own, else `DEFAULT_GRID`."""

    size: tuple[int, int] | None = None
    fps: float | None = None
    num_frames: int | None = None

    def resolve(self, teacher: Animator) -> Grid:
        base = getattr(teacher, "grid", None) or DEFAULT_GRID
        width, height = self.size or base.size
        fps = self.fps if self.fps is not None else base.fps
        num_frames = self.num_frames if self.num_frames is not None else base.num_frames
        return Grid(width=width, height=height, fps=float(fps), num_frames=num_frames)


def describe(teacher: Animator) -> Teacher:
    """What the dataset records of its teacher."""
    metrics = tuple(sorted(getattr(teacher, "filter_metrics", ())))
    return Teacher(name=teacher.name, weights_hash=getattr(teacher, "weights_hash", ""), filter_metrics=metrics)


def synthesize(
    config: RoundConfig,
    out: Path,
    workers: int,
    make_teacher: Callable[[], Animator],
    teacher: Teacher,
    make_guide: Callable[[], Guide | None] = unguided,
) -> Outcome:
    """Bring the dataset folder `out` to what `config` asks for. `make_teacher` and `make_guide` run once in every worker."""
    out = Path(out).resolve()
    mark = GuideMark.of(make_guide())
    print("synthesize: reading the sources", file=sys.stderr)
    round_ = plan_round(config, teacher, out, guide=mark)
    with round_.ledger.lock():
        pending = begin_round(round_)
        finished = None if pending else read_outcome(out)
        if finished is not None:
            return finished
        _make(round_, pending, workers, partial(_make_worker, round_, make_teacher, make_guide))
        outcome = finish_round(round_)
        round_.ledger.event("finished", kept=outcome.kept, attempted=outcome.attempted)
    return outcome


def _make(round_: Round, pending: list[Unit], workers: int, make_worker: Callable[[], Callable[[Unit], UnitReport]]) -> None:
    round_.ledger.event("started", workers=workers, units=len(pending))
    already = round_.total - sum(unit.stop - unit.start for unit in pending)
    deaths: Counter[int] = Counter()

    def on_death(index: int, error: str) -> None:
        deaths[index] += 1
        round_.ledger.event("worker_died", unit=pending[index].index, attempt=deaths[index], error=error)

    with Progress("synthesize", total=round_.total, already=already) as progress:
        for index, report in run_units(make_worker, pending, workers, label="synthesize", on_death=on_death):
            attempts = deaths[index] + 1
            if isinstance(report, Lost):
                attempts, report = report.attempts, lose_unit(round_, pending[index], report.reason)
            round_.ledger.event("unit", attempts=attempts, **{name: getattr(report, name) for name in report.__slots__})
            _count(progress, report)


def _make_worker(
    round_: Round, make_teacher: Callable[[], Animator], make_guide: Callable[[], Guide | None]
) -> Callable[[Unit], UnitReport]:
    return partial(run_unit, round_, teacher=make_teacher(), guide=make_guide())


def _count(progress: Progress, report: UnitReport) -> None:
    note = f"{report.rejected} rejected" if report.rejected else ""
    if report.kept + report.rejected:
        progress.step(count=report.kept + report.rejected, note=note)
    if report.failed:
        progress.step(count=report.failed, failed=True)


def run(
    *,
    driving: Path,
    references: Path,
    teacher: str,
    out: Path,
    grid: GridFlags = GridFlags(),
    workers: int = 0,
    limit: int | None = None,
    seed: int = 0,
    guide: str = "template",
    thresholds: Thresholds = _GATES,
    runtime: Runtime = _AUTO,
) -> Outcome:
    """The verb: load the teacher by name or checkpoint folder, resolve the grid, synthesize. `guide`: a guide's name, or none."""
    from models.animators.load import load_animator
    from models.guidance.catalog import load_guide

    name = absolute_animator(teacher)
    make_guide = unguided if guide == NO_GUIDE else partial(load_guide, guide)
    make_guide()  # a mistyped name is told before a teacher is loaded
    loaded = load_animator(name, runtime=runtime)
    config = RoundConfig(
        driving=driving.resolve(),
        references=references.resolve(),
        teacher=teacher,
        grid=grid.resolve(loaded),
        limit=limit,
        seed=seed,
        thresholds=thresholds,
    )
    make_teacher = partial(load_animator, name, runtime=runtime) if workers else lambda: loaded
    return synthesize(config, out, workers, make_teacher, describe(loaded), make_guide)


def summary(outcome: Outcome, out: Path) -> str:
    """The lines printed at the end."""
    lines = [f"kept {outcome.kept} of {outcome.attempted} pairs ({outcome.rejected} rejected, {outcome.failed} failed) in {out}"]
    reasons = list(outcome.reasons.items())
    lines += [f"  {count:5d}  {reason}" for reason, count in reasons[:_SHOWN_REASONS]]
    if len(reasons) > _SHOWN_REASONS:
        lines.append(f"  {sum(count for _, count in reasons[_SHOWN_REASONS:]):5d}  for {len(reasons) - _SHOWN_REASONS} other reasons")
    if outcome.unreadable:
        lines.append(f"  {outcome.unreadable} input files could not be used; manifest.parquet and run.json say why")
    return "\n".join(lines)
