"""`actorforge metrics`: what a metric is, and the self-test of all of them, scenes on one pool of workers."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from awbench.catalog import METRICS
from awbench.judging.rubrics import PREFIX, dimension_of, rubrics
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.metric import Metric
from awbench.report.metric_facts import UNSTATED_MARGIN
from awbench.selftest import run as selftest_run
from awbench.selftest.findings import SelfTest
from awbench.selftest.run import Plan, Row
from awbench.selftest.scenes import Source, footage_scenes, world_scenes
from models.progress import Progress
from models.types import Grid
from pipelines.executor.pools import Lost
from pipelines.executor.run import run_items

GRID = Grid(width=96, height=96, fps=12.0, num_frames=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What to test on: so many world scenes, and footage where folders are given. `clips`: at most so many of `driving`."""

    scenes: int = 6
    driving: Path | None = None
    references: Path | None = None
    clips: int | None = None
    grid: Grid = GRID
    seed: int = 0

    def sources(self) -> tuple[Source, ...]:
        world = world_scenes(self.scenes, self.grid, self.seed) if self.scenes else ()
        if self.driving is None:
            return world
        return world + footage_scenes(self.driving.resolve(), self.grid, self.references and self.references.resolve(), self.clips)


def selftest(out: Path, material: Material, metrics: Sequence[str] = (), *, workers: int = 0) -> SelfTest:
    """Run or continue the self-test in `out`."""
    plan = Plan(sources=material.sources(), grid=material.grid, seed=material.seed, metrics=tuple(metrics))
    todo = selftest_run.begin(out, plan)
    answers = {source.id: len(selftest_run.jobs(plan, source.kind)) for source in plan.sources}
    left = sum(answers[source.id] for source in todo)
    with Progress("selftest", total=sum(answers.values()), already=sum(answers.values()) - left) as progress:
        step = progress.step if workers == 0 else _silent
        for index, rows in run_items(partial(_Tester, plan, step), todo, workers, label="metrics selftest"):
            if isinstance(rows, Lost):
                raise ValueError(f"selftest: scene {todo[index].id}: {rows.reason}; run the same command again")
            selftest_run.record(out, todo[index], rows)
            if workers:
                progress.step(count=answers[todo[index].id])
    return selftest_run.finish(out, plan)


def _silent() -> None:
    """A worker's steps are told by scene."""


class _Tester:
    """Tests scenes in one process."""

    def __init__(self, plan: Plan, step: Callable[[], None]) -> None:
        self._plan, self._step = plan, step

    def __call__(self, source: Source) -> list[Row]:
        return selftest_run.scene_rows(self._plan, source, self._step)


def show(name: str) -> str:
    """What a metric is: its facts, what it sees and what it is blind to, and its page."""
    metric: Metric = METRICS.load(name)
    facts = {
        "metric": f"{metric.name}, version {metric.version}",
        "dimension": metric.dimension,
        "range": f"{metric.low:g} to {metric.high:g}{_direction(metric)}",
        "sees": metric.sees or "(not said)",
        "blind to": metric.blind or "(not said)",
        "margin": _margin(metric),
        "ranks": _ranks(metric),
    }
    width = max(map(len, facts))
    lines = [f"{label:<{width}}  {text}" for label, text in facts.items()]
    return "\n".join([*lines, "", _page(metric)])


def _direction(metric: Metric) -> str:
    if metric.informative:
        return ""
    return f", {'higher' if metric.higher_is_better else 'lower'} is better"


def _margin(metric: Metric) -> str:
    if metric.margin:
        return f"{metric.margin:g}: smaller differences of means are noise"
    return "none, as it never ranks" if metric.informative else f"not measured; {UNSTATED_MARGIN:.1%} of the range stands in"


def _ranks(metric: Metric) -> str:
    if metric.informative:
        return "never: it is told"
    return "with and without a truth" if metric.rank_without_truth else "only where cases have a truth"


def _page(metric: Metric) -> str:
    """A judge's dimension is its rubric; every other metric is told by the module of the function that computes it."""
    if metric.name.startswith(PREFIX) and metric.name.removeprefix(PREFIX) in rubrics():
        return dimension_of(metric.name).text
    function = metric.score_with if isinstance(metric, LearnedMetric) else metric.function
    module = sys.modules.get(getattr(function, "__module__", "")) or inspect.getmodule(function)
    return inspect.cleandoc(getattr(module, "__doc__", None) or "")
