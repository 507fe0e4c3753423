"""The judge's self-test: world cases with their truth as the right answer and planted ones beside it, each a run of its own.

In: a client and a judge. Out: a `SelfTest`. The runs lie in one folder (`runs-6/right`, `runs-6/still` ...), so the same command continues,
and a report can be made of them. A plant is judged on the one dimension that must see it, the right answer on all five.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Callable, Mapping

from awbench.cases import Case, CaseMedia, Suite
from awbench.judging.asking import Session
from awbench.judging.calls import RunLogs
from awbench.judging.identity import Judge
from awbench.judging.plants import PLANTS, RIGHT, Garden
from awbench.judging.rubrics import dimension_of, rubric_version
from awbench.judging.selftest_result import PlantResult, SelfTest
from awbench.judging.work import Work, judge_runs
from awbench.runs import Run, finish_generation, generate_case, pending, start_run
from awbench.suites.world import render_case
from awbench.suites.world_design import WorldCase
from awbench.world.render import render
from awbench.world.shot import Shot, sample_shot, with_motion_of
from models.artifacts import sha256, to_json
from models.mllm.client import Client
from models.seeds import item_seed
from models.types import AnimationRequest, AnimationResult, Clip, Grid

GRID = Grid(width=256, height=256, fps=8.0, num_frames=16)
NAME, VERSION, CASES = "judge-selftest", "1", 6
_WHO = (("human", "quadruped"), ("quadruped", "human"), ("human", "human"), ("bird", "human"), ("human", "bird"), ("human", "cartoon"))
_MOTIONS = ("dance", "walk", "jumping_jack")
MakeClient = Callable[[RunLogs], Client]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bed:
    """A world case and a stranger of the same kind as its reference."""

    item: WorldCase
    stranger: Shot


def _bed(number: int) -> Bed:
    """A full view of one character before a static camera; drivers, references and motions take turns."""
    driver, reference = _WHO[number % len(_WHO)]
    fixed = {"framing": "full", "camera": "static", "count": 1}

    def shot(role: str, subject: str) -> Shot:
        motion = _MOTIONS[number % len(_MOTIONS)]
        return sample_shot("heldout", item_seed(0, NAME, number, role), subject=subject, motion=motion, **fixed)

    driving, pictured = shot("driver", driver), shot("reference", reference)
    start = with_motion_of(pictured, driving)  # the reference stands as the driver's first frame does
    case = Case(id=f"selftest-{number}", tags={"subject": reference, "driver_subject": driver}, reference_pose="first_frame")
    return Bed(item=WorldCase(case=case, driver=driving, reference=start), stranger=shot("stranger", reference))


@lru_cache(maxsize=8)  # every plant's run needs them, and rendering takes most of the time
def garden(number: int, grid: Grid) -> Garden:
    """Render what plants are made of: case `number`, from 0."""
    bed = _bed(number)
    stranger = render(with_motion_of(bed.stranger, bed.item.driver), grid.size, grid.num_frames, grid.fps).clip
    return Garden(media=render_case(bed.item, grid), stranger=stranger, order_seed=item_seed(0, NAME, number, "order"))


def _number(case_id: str) -> int:
    return int(case_id.rpartition("-")[2])


def selftest_suite(cases: int = CASES, grid: Grid = GRID) -> Suite:
    """The cases of the self-test as a suite."""

    def source(case: Case) -> CaseMedia:
        return replace(garden(_number(case.id), grid).media, truth=None)  # the right answer is a run of its own

    planted = [_bed(number) for number in range(cases)]
    shots = [[bed.item.driver.to_json(), bed.item.reference.to_json(), bed.stranger.to_json()] for bed in planted]
    mark = sha256(to_json([VERSION, shots]).encode())
    about = {"grid": grid, "cases": tuple(bed.item.case for bed in planted), "fingerprint": mark, "has_truth": False}
    return Suite(name=NAME, version=VERSION, source=source, **about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Answers every request with the plant of that name, or with the right answer."""

    plant: str
    grid: Grid
    weights_hash: str = ""

    @property
    def name(self) -> str:
        return f"planted_{self.plant}"

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start_s = time.monotonic()
        ground = garden(_number(request.id), self.grid)
        clip: Clip = ground.right if self.plant == RIGHT else PLANTS[self.plant][1](ground)
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=time.monotonic() - start_s)


def planted_run(folder: Path, plant: str, cases: int = CASES, grid: Grid = GRID) -> Run:
    """The run of one plant, made where it is not there yet."""
    animator = Planted(plant=plant, grid=grid)
    run = start_run(folder / f"runs-{cases}" / plant, selftest_suite(cases, grid), animator.name, animator, 0)
    for case_id in pending(run):
        generate_case(run, case_id, animator)
    return run if run.complete else finish_generation(run)


def selftest(
    folder: Path, judge: Judge, make_client: MakeClient, *, samples: int = 1, cases: int = CASES, grid: Grid = GRID, workers: int = 4
) -> tuple[SelfTest, Session]:
    """Judge right and planted answers; the second result says whether, and why, it stopped early. `folder`: where the runs are kept."""
    works = selftest_works(folder, judge, samples=samples, cases=cases, grid=grid)
    everything, results, session = tuple({run.path: run for work in works.values() for run in work.runs}.values()), [], Session()
    for plant, work in works.items():
        client = make_client(RunLogs(work.runs, counted=everything))  # the cap holds for all of them
        right, planted = _scores(work, client, workers, session)
        results.append(_compared(plant, right, planted, cases))
    about = {"model": judge.model, "protocol": judge.protocol, "temperature": judge.temperature, "samples": samples}
    return SelfTest(plants=tuple(results), rubric=rubric_version(), **about), session


def selftest_works(folder: Path, judge: Judge, *, samples: int = 1, cases: int = CASES, grid: Grid = GRID) -> dict[str, Work]:
    """What is asked for each plant: it and the right answer, on the dimension that must see it."""
    runs = {plant: planted_run(folder, plant, cases, grid) for plant in (RIGHT, *PLANTS)}
    return {
        plant: Work(runs=(runs[RIGHT], runs[plant]), judge=judge, dimensions=(dimension,), samples=samples)
        for plant, (dimension, _) in PLANTS.items()
    }


def _scores(work: Work, client: Client, workers: int, session: Session) -> tuple[dict[str, float], dict[str, float]]:
    """Case -> points, of the right answer and of the plant."""
    if not session.stopped:
        found = judge_runs(work, client, workers=workers)
        session.outcomes.update(found.outcomes)
        session.stopped = found.stopped
    metric = dimension_of(work.dimensions[0]).metric
    return tuple(_points(run, metric, work.version) for run in work.runs)


def _points(run: Run, metric: str, version: str) -> dict[str, float]:
    scores = run.scores()
    if scores is None:
        return {}
    rows = scores[(scores["metric"] == metric) & (scores["metric_version"] == version) & (scores["status"] == "ok")]
    return dict(zip(rows["case"], rows["value"]))


def _compared(plant: str, right: Mapping[str, float], planted: Mapping[str, float], cases: int) -> PlantResult:
    shared = sorted(right.keys() & planted.keys())
    gaps = [right[case] - planted[case] for case in shared]
    means = [sum(values) / len(gaps) if gaps else None for values in ([right[c] for c in shared], [planted[c] for c in shared], gaps)]
    counts = {"wins": sum(gap > 0 for gap in gaps), "ties": sum(gap == 0 for gap in gaps), "losses": sum(gap < 0 for gap in gaps)}
    about = {"name": plant, "dimension": PLANTS[plant][0], "n": len(gaps), "cases": cases}
    return PlantResult(right=means[0], planted=means[1], gap=means[2], **about, **counts)
