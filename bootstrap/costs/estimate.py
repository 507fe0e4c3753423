"""Pairs x rates -> hours, bytes and money, per stage.

In: counts, rates, workers and prices. Out: an `Estimate`; what no rate is known of is None, never 0. With a pool for the teacher and one
for the rest the slower of both decides how long it takes, and what is held that long is paid, busy or not; workers that do everything
take their seconds one after another.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.costs.pairs import Counts
from bootstrap.costs.rates import Rates
from models.types import require

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """`gpu` and `cpu`: two pools; else `each`: workers that do everything. `gpus_each`: accelerators a worker of the teacher holds."""

    each: int = 1
    gpu: int = 0
    cpu: int = 0
    gpus_each: float = 1.0

    def __post_init__(self) -> None:
        for flag, value in (("--workers", self.each), ("--gpu-workers", self.gpu), ("--cpu-workers", self.cpu)):
            require(value >= 0, "plan", flag, value, "a whole number >= 0")
        require(bool(self.gpu) == bool(self.cpu), "plan", "--gpu-workers, --cpu-workers", f"{self.gpu}, {self.cpu}", "both or none")
        require(self.gpus_each >= 0, "plan", "--gpus-per-worker", self.gpus_each, "a number >= 0")

    @property
    def pooled(self) -> bool:
        return self.gpu > 0

    @property
    def gpus(self) -> float:
        """Accelerators that are held."""
        return (self.gpu if self.pooled else max(1, self.each)) * self.gpus_each

    @property
    def cpus(self) -> int:
        return self.cpu if self.pooled else max(1, self.each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`gpu_h`, `cpu_h`: hours of work; `wall_h`: until the last pair; `cost`: of what is held that long, None without a price.

    `stored_tb`: of the kept pairs, 10^12 bytes; `shared_tb`: what one target for all pairs of a window would save.
    """

    gpu_h: float | None
    cpu_h: float | None
    wall_h: float | None
    cost: float | None
    stored_tb: float | None
    shared_tb: float | None


def estimate(counts: Counts, rates: Rates, workers: Workers, gpu_price: float | None = None, cpu_price: float | None = None) -> Estimate:
    """The sums. Prices are of an hour of one accelerator and of one processor."""
    gpu_h, cpu_h = (None if one is None else one * counts.pairs / HOUR_S for one in (rates.teacher_s, rates.cpu_s))
    wall_h = _wall(gpu_h, cpu_h, workers)
    kept = counts.pairs * rates.kept
    stored = None if rates.bytes_kept is None else kept * rates.bytes_kept / 1e12
    used = min(kept, counts.windows_used)
    return Estimate(
        gpu_h=gpu_h,
        cpu_h=cpu_h,
        wall_h=wall_h,
        cost=_cost(wall_h, workers, gpu_price, cpu_price),
        stored_tb=stored,
        shared_tb=None if stored is None or not kept else stored * rates.target * (1 - used / kept),
    )


def _wall(gpu_h: float | None, cpu_h: float | None, workers: Workers) -> float | None:
    if gpu_h is None or cpu_h is None:
        return None
    return max(gpu_h / workers.gpu, cpu_h / workers.cpu) if workers.pooled else (gpu_h + cpu_h) / max(1, workers.each)


def _cost(wall_h: float | None, workers: Workers, gpu_price: float | None, cpu_price: float | None) -> float | None:
    if wall_h is None or (gpu_price is None and cpu_price is None):
        return None
    return wall_h * (workers.gpus * (gpu_price or 0.0) + workers.cpus * (cpu_price or 0.0))
