"""What the executor costs: items that sleep, a bare loop beside one worker, beside Ray Data; ratios in steady state, in one run.

    python tests/benchmarks/executor.py [--seconds 0.025 0.25] [--workers 1] [--items 200]

Ideal: items x seconds / workers. Counted from the first item done to the last, so that starting does not count; that is told on its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from functools import partial

from pipelines.executor.run import run_items
from pipelines.executor.session import session


class Sleeper:
    """Sleeps, as a teacher on an accelerator does for its process."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, item: int) -> float:
        """The moment when the item was done."""
        time.sleep(self._seconds)
        return time.time()


class BatchSleeper(Sleeper):
    """The same for a batch of Ray Data."""

    def __call__(self, batch: dict) -> dict:
        time.sleep(self._seconds * len(batch["id"]))
        return {"done": [time.time()] * len(batch["id"])}


def steady(moments: Iterable[float], seconds: float, workers: int, at_once: int = 1) -> tuple[float, float]:
    """(share of the ideal, seconds until the first item was done). `at_once`: so many items are done at the same moment."""
    start_s, done = time.time(), sorted(moments)
    return (len(done) - at_once) * seconds / workers / (done[-1] - done[0]), done[0] - start_s


def ray_data(items: int, seconds: float, workers: int, batch: int) -> Iterable[float]:
    import ray

    rows = ray.data.range(items, override_num_blocks=max(1, items // batch))
    pool = ray.data.ActorPoolStrategy(size=workers)
    made = rows.map_batches(BatchSleeper, fn_constructor_args=(seconds,), batch_size=batch, compute=pool)
    return (row["done"] for row in made.iter_rows())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.025, 0.25])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--items", type=int, default=200)
    asked = parser.parse_args()
    with session(asked.workers + 1):
        for seconds in asked.seconds:
            items = max(40, int(asked.items * min(1.0, 0.05 / seconds)) // 8 * 8)
            lines = {
                "bare loop": map(Sleeper(seconds), range(items)),
                "executor": (done for _, done in run_items(partial(Sleeper, seconds), range(items), asked.workers, label="benchmark")),
                "Ray Data, batch 1": ray_data(items, seconds, asked.workers, 1),
                "Ray Data, batch 8": ray_data(items, seconds, asked.workers, 8),
            }
            for name, results in lines.items():
                workers, at_once = 1 if name == "bare loop" else asked.workers, 8 if name.endswith("8") else 1
                share, start_s = steady(results, seconds, workers, at_once)
                print(f"{seconds * 1000:5.0f} ms  {name:18s} {share:.3f} of ideal, first done after {start_s:.1f} s", flush=True)


if __name__ == "__main__":
    main()
