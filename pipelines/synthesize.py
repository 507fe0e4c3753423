"""`actorforge synthesize`: what the command line says, turned into a round of the factory; and what is printed at its end."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Mapping, Sequence

from bootstrap.ledger import Ledger
from bootstrap.pair_rules import PairRules
from bootstrap.prompts import unguided
from bootstrap.recipe import RECORDED, Recipe, Teacher
from bootstrap.round_config import RoundConfig
from bootstrap.sources.windows import WindowRules
from bootstrap.survey import Footage
from bootstrap.tally import Outcome
from bootstrap.thresholds import Thresholds
from models import storage
from models.estimate import Workload
from models.protocols import Animator
from models.retry_failed import RetryFailed
from models.runtime import Runtime
from models.types import Grid, require
from pipelines.executor.pools import LOAD_S
from pipelines.factory import export_requests, synthesize
from pipelines.making import TIMEOUT_S, Limits
from pipelines.stations import MakeGuide, Staff
from pipelines.teachers import Asked, Described, described, remember

DEFAULT_GRID = Grid(width=48, height=48, fps=8.0, num_frames=6)
"""Used where neither a flag nor the teacher says otherwise: the grid of the tiny animators and the world suites."""
NO_GUIDE = "none"
"""What --guide says to switch guidance off."""
_SHOWN_REASONS, _SHOWN_CAUSES = 8, 3
_WINDOWS = WindowRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFlags:
    """The grid as far as flags state it. `size`: (W,H) px; None: the teacher's own, else `DEFAULT_GRID`.

    `clip_seconds` says `num_frames` in seconds.
    """

    size: tuple[int, int] | None = None
    fps: float | None = None
    num_frames: int | None = None
    clip_seconds: float | None = None

    def resolve(self, teacher: object) -> Grid:
        base = getattr(teacher, "grid", None) or DEFAULT_GRID
        width, height = self.size or base.size
        fps = float(self.fps if self.fps is not None else base.fps)
        given = "both --num-frames and --clip-seconds"
        require(self.num_frames is None or self.clip_seconds is None, "synthesize", "length", given, "one of them")
        require(self.clip_seconds is None or 0 < self.clip_seconds < 3600, "synthesize", "clip_seconds", self.clip_seconds, "seconds > 0")
        frames = base.num_frames if self.clip_seconds is None else max(2, round(self.clip_seconds * fps))
        return Grid(width=width, height=height, fps=fps, num_frames=self.num_frames if self.num_frames is not None else frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundFlags:
    """What is asked of a round beside its sources, teacher and grid."""

    staff: Staff = Staff()
    timeout_s: float | None = TIMEOUT_S
    load_s: float | None = LOAD_S
    max_cost_usd: float | None = None
    limit: int | None = None
    seed: int = 0
    guide: str = "template"
    fit: str = "crop"
    pix_fmt: str = "yuv444p"
    rules: PairRules = PairRules()
    thresholds: Thresholds = Thresholds()
    runtime: Runtime = Runtime()
    pairs_per_unit: int = 64
    shard_mb: int = 1024
    retry: RetryFailed = RetryFailed()
    retry_filters: bool = False
    keep_rejected: bool = False

    def config(self, recipe: Recipe) -> RoundConfig:
        kept = ("limit", "rules", "pairs_per_unit", "shard_mb", "retry", "retry_filters", "keep_rejected")
        return RoundConfig(recipe=recipe, **{name: getattr(self, name) for name in kept})

    def recipe(self, teacher: Teacher, grid: Grid) -> Recipe:
        kept = ("seed", "fit", "pix_fmt", "thresholds")
        return Recipe(teacher=teacher, grid=grid, **{name: getattr(self, name) for name in kept})

    def limits(self, each_usd: float = 0.0) -> Limits:
        return Limits(pair_s=self.timeout_s, load_s=self.load_s, usd=self.max_cost_usd, each_usd=each_usd)

    def make_guide(self) -> MakeGuide:
        """Makes the guide; a mistyped name is told here."""
        from models.guidance.catalog import load_guide

        make = unguided if self.guide == NO_GUIDE else partial(load_guide, self.guide)
        make()
        return make


_GRID = GridFlags()
Given = str | Path | Sequence[str | Path]


def footage(driving: Given, references: Given, windows: WindowRules = _WINDOWS) -> Footage:
    """What the flags point at."""
    return Footage(driving=_texts(driving), references=_texts(references), windows=windows)


def run(
    *,
    driving: Given,
    references: Given,
    teacher: str,
    out: str | Path,
    options: Mapping[str, str] = {},
    grid: GridFlags = _GRID,
    windows: WindowRules = _WINDOWS,
    workers: int = 0,
    **flags: Any,
) -> Outcome:
    """The verb: who the teacher is, by name or checkpoint folder, the grid, synthesize. `flags`: fields of `RoundFlags`.

    `options`: of the teacher, as text.
    `workers`: worker processes that do everything, where no `staff` says otherwise.
    """
    asked = RoundFlags(**{"staff": Staff(workers=workers), **flags})
    make_guide, place = asked.make_guide(), storage.resolve(out)
    who = Asked.of(teacher, options, asked.runtime)
    if asked.guide == NO_GUIDE:
        who.refuse_unprompted()
    looks_here = not (asked.staff.elsewhere or asked.retry_filters)
    with ExitStack() as held:  # the session in which a worker told who the teacher is, where one had to
        known, make_teacher = described(who, asked.staff, place, held, asked.load_s)
        resolved = grid.resolve(known)
        print(f"synthesize: {_told(resolved, grid, known)}", file=sys.stderr)
        config, sources = asked.config(asked.recipe(known.teacher, resolved)), footage(driving, references, windows)
        limits = asked.limits(_price(who, resolved, asked.max_cost_usd))
        around = {"ready": who.refuse_missing if looks_here else _nothing, "begun": partial(remember, place, who, known)}
        return synthesize(config, place, sources, asked.staff, make_teacher, make_guide, limits=limits, **around)


def _price(who: Asked, grid: Grid, most_usd: float | None) -> float:
    """What a pair is expected to cost, where a bound is set. Raises ValueError where no price is known."""
    if most_usd is None:
        return 0.0
    require(most_usd > 0, "synthesize", "--max-cost", most_usd, "USD > 0")
    usd = who.usd(Workload(size=grid.size, num_frames=grid.num_frames, fps=grid.fps))
    advice = "state one as its options say, such as --set usd_per_s=0.05"
    require(usd is not None, "synthesize", "--max-cost", f"no price of an answer of {who.name}", "a teacher that estimates USD", advice)
    return usd


def _told(grid: Grid, flags: GridFlags, teacher: Described) -> str:
    """The grid, and where it is from as far as no flag said it."""
    unsaid = [
        name
        for name, said in (("--size", flags.size), ("--fps", flags.fps), ("--num-frames", flags.num_frames or flags.clip_seconds))
        if not said
    ]
    whose = "the teacher's own" if teacher.grid else "the default"
    where = f" ({' '.join(unsaid)}: {whose})" if unsaid else ""
    return f"grid {grid.width}x{grid.height}, {grid.num_frames} frames at {grid.fps:g} fps{where}"


def judge_again(
    *, driving: Given, references: Given, out: str | Path, grid: GridFlags = _GRID, windows: WindowRules = _WINDOWS, **flags: Any
) -> Outcome:
    """Judge what the dataset `out` holds by other thresholds; its plan says who the teacher was, none is loaded."""
    asked, plan = RoundFlags(**flags, retry_filters=True), Ledger(out=storage.resolve(out)).plan()
    require(plan is not None, "synthesize", "out", out, "a dataset to judge again")
    teacher = {name: tuple(value) if isinstance(value, list) else value for name, value in plan["teacher"].items()}
    former = Teacher(**teacher)
    config = asked.config(asked.recipe(former, grid.resolve(Described(teacher=former, grid=Grid(**plan["grid"])))))
    sources = footage(driving, references, windows)
    return synthesize(config, storage.resolve(out), sources, asked.staff, _no_teacher, asked.make_guide(), limits=asked.limits())


def _nothing() -> None:
    """Workers of a cluster look for themselves, and whoever only judges needs nothing."""


def _no_teacher() -> Animator:
    raise AssertionError("judging again makes nothing")


def export(
    *,
    driving: Given,
    references: Given,
    out: str | Path,
    folder: str,
    grid: GridFlags = _GRID,
    windows: WindowRules = _WINDOWS,
    **flags: Any,
) -> int:
    """Write to `folder` what a teacher elsewhere is asked; returns how many requests there are. No teacher is loaded."""
    asked = RoundFlags(**flags)
    config = asked.config(asked.recipe(Teacher(name=RECORDED), grid.resolve(None)))
    sources = footage(driving, references, windows)
    count, failures = export_requests(config, storage.resolve(out), sources, asked.staff, folder, asked.make_guide())
    for key, reason in sorted(failures.items())[:_SHOWN_REASONS]:
        print(f"synthesize: {key}: {reason}", file=sys.stderr)
    return count


def _texts(given: Given) -> tuple[str, ...]:
    return (str(given),) if isinstance(given, (str, Path)) else tuple(str(each) for each in given)


def summary(outcome: Outcome, out: str) -> str:
    """The lines printed at the end."""
    lines = [f"kept {outcome.kept} of {outcome.attempted} pairs ({outcome.rejected} rejected, {outcome.failed} failed) in {out}"]
    reasons = list(outcome.reasons.items())
    lines += [f"  {count:5d}  {reason}" for reason, count in reasons[:_SHOWN_REASONS]]
    if len(reasons) > _SHOWN_REASONS:
        lines.append(f"  {sum(count for _, count in reasons[_SHOWN_REASONS:]):5d}  for {len(reasons) - _SHOWN_REASONS} other reasons")
    if outcome.failed:
        lines.append("  the same command tries failed pairs again; --keep-failed leaves them, --retry-failed REASON tries some")
    if outcome.unreadable:
        lines.append(f"  {outcome.unreadable} input files could not be used; manifest.parquet names each:")
        lines += [f"  {count:5d}  {cause}" for cause, count in list(outcome.causes.items())[:_SHOWN_CAUSES]]
    return "\n".join(lines)
