"""Who does which step of a pair: one worker all of them, or workers of two pools by turns.

    PAIRS             everything, in one process; so does this process where there are no workers
    CPU -> TEACHER -> CPU     prepare, animate, finish; judging and sealing are the CPU's
What passes from pool to pool are arrays and bytes, which stay where they are until they are read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import Callable

from bootstrap.doing import failure_report, finish_pair, judge_pair, make_pair
from bootstrap.in_flight import InFlight
from bootstrap.planned import Item, JudgePair, MakePair, SealUnit
from bootstrap.reports import PairReport
from bootstrap.round_config import RoundContext
from bootstrap.sealing import Lacking, Sealed, seal
from bootstrap.sight import check_sight
from bootstrap.steps import Animated, Prepared, StepFailed, animate, prepare
from models.guidance.guide import Guide
from models.protocols import Animator
from models.types import Grid, require
from pipelines.executor.pools import Cluster, Hop, Pool, Work
from pipelines.executor.session import address_of

MakeTeacher = Callable[[], Animator]
MakeGuide = Callable[[], Guide | None]
Result = PairReport | Sealed | Lacking
PAIRS, CPU, TEACHER = "pairs", "cpu", "teacher"
_LEAST_STORE_B = 128 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Worker processes: `workers` that do everything, or `gpu` that only animate and `cpu` for the rest; none: this process.

    `gpus_each`: accelerators, or a part of one, that an animating worker occupies; `address`: of a cluster to join, "" for RAY_ADDRESS or a
    session of our own.
    """

    workers: int = 0
    cpu: int = 0
    gpu: int = 0
    gpus_each: float = 0.0
    address: str = ""

    def __post_init__(self) -> None:
        for name in ("workers", "cpu", "gpu", "gpus_each"):
            require(getattr(self, name) >= 0, "synthesize", name, getattr(self, name), "a number >= 0")
        advice = "give --workers, or --cpu-workers and --gpu-workers"
        require(not (self.workers and self.cpu + self.gpu), "synthesize", "workers", f"{self.workers} beside --cpu-workers", "one", advice)
        require(not self.address or self.total, "synthesize", "address", self.address, "workers beside it", advice)
        require(bool(self.cpu) == bool(self.gpu), "synthesize", "cpu_workers", f"{self.cpu} with {self.gpu} gpu_workers", "both", advice)

    @property
    def total(self) -> int:
        return self.workers + self.cpu + self.gpu

    @property
    def elsewhere(self) -> bool:
        """Whether they are those of a cluster that is joined: what this machine lacks they may have."""
        return bool(self.total and address_of(Cluster(address=self.address)))

    @property
    def needs(self) -> tuple[float, float]:
        """CPUs and accelerators that all of them occupy together, as `pools` has them."""
        return self.workers + self.cpu + self.gpu * self._cpus_each, (self.workers or self.gpu) * self.gpus_each

    @property
    def _cpus_each(self) -> float:
        """CPUs that a worker which only animates occupies."""
        return 0.0 if self.gpus_each else 1.0

    @property
    def teachers(self) -> int:
        """How many animate at a time."""
        return max(1, self.gpu or self.workers)

    @property
    def first(self) -> str:
        """The pool in which every item begins."""
        return CPU if self.gpu else PAIRS

    def pools(self, context: RoundContext, make_teacher: MakeTeacher | None, make_guide: MakeGuide) -> list[Pool]:
        """`make_teacher` None: pairs are judged again only."""
        if not self.gpu:
            make = partial(PairWorker, context, make_teacher, make_guide, apart=bool(self.workers))
            return [Pool(name=PAIRS, workers=self.workers, make_worker=make, gpus=self.gpus_each if self.workers else 0.0)]
        pools = [Pool(name=CPU, workers=self.cpu, make_worker=partial(CpuWorker, context, make_guide))]
        if make_teacher is not None:
            make = partial(TeacherWorker, context, make_teacher)
            pools.append(Pool(name=TEACHER, workers=self.gpu, make_worker=make, cpus=self._cpus_each, gpus=self.gpus_each))
        return pools

    def cluster(self, grid: Grid | None) -> Cluster:
        """A store that holds what is on its way: of every item a window, a driver and as much again, two items a worker and a few.

        `grid` None: not known yet, so as large as a store gets; what is not used of it takes no memory.
        """
        most_b = _memory_b() // 3
        clip_b = grid.width * grid.height * 3 * grid.num_frames if grid else most_b
        asked_b = 4 * clip_b * (2 * self.total + 4) if self.gpu else 0
        return Cluster(address=self.address, store_b=max(_LEAST_STORE_B, min(asked_b, most_b)))


def _memory_b() -> int:
    """Main memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class PairWorker:
    """Does everything. `apart`: in a process of its own, maybe on another node."""

    def __init__(self, context: RoundContext, make_teacher: MakeTeacher | None, make_guide: MakeGuide, apart: bool) -> None:
        if apart:
            check_sight(context)
        self._context, self._guide = context, make_guide()
        self._teacher = None if make_teacher is None else make_teacher()

    def __call__(self, item: Item) -> Result:
        if isinstance(item, MakePair):
            return make_pair(self._context, item, self._teacher, self._guide)
        return _without_teacher(self._context, item)


class CpuWorker:
    """Prepares pairs, and finishes them when they come back from the teacher."""

    def __init__(self, context: RoundContext, make_guide: MakeGuide) -> None:
        check_sight(context)
        self._context, self._guide = context, make_guide()

    def __call__(self, item: Item, *steps: Prepared | Animated) -> Result | Hop:
        if not isinstance(item, MakePair):
            return _without_teacher(self._context, item)
        if steps:
            return finish_pair(self._context, item, *steps)
        try:
            return Hop(to=TEACHER, payload=prepare(self._context, item.pair, self._guide))
        except StepFailed as failure:
            return failure_report(item, failure)


class TeacherWorker:
    """Animates. Its machine needs to see neither sources nor dataset: what it is asked comes to it."""

    def __init__(self, context: RoundContext, make_teacher: MakeTeacher) -> None:
        self._context, self._teacher = context, make_teacher()

    def __call__(self, item: MakePair, prepared: Prepared) -> PairReport | Hop:
        try:
            return Hop(to=CPU, payload=animate(self._context, item.pair, prepared, self._teacher))
        except StepFailed as failure:
            return failure_report(item, failure)


def _without_teacher(context: RoundContext, item: JudgePair | SealUnit) -> Result:
    return judge_pair(context, item) if isinstance(item, JudgePair) else seal(context, item)


def noted(make_worker: Callable[[], Work], in_flight: InFlight) -> Callable[[], Work]:
    """The worker of this process, which says of every pair that it is under way."""

    def make() -> Work:
        work = make_worker()

        def noting(item: Item) -> Result:
            if not isinstance(item, MakePair):
                return work(item)
            in_flight.begin(item.key)
            try:
                result = work(item)
            except BaseException:
                in_flight.stopped(item.key)
                raise
            in_flight.end(item.key)
            return result

        return noting

    return make
