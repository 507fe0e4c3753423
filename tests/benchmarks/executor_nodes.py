"""The executor on a cluster of logical nodes on this machine: items that sleep, share of the ideal; memory of the head; a node that goes.

    python tests/benchmarks/executor_nodes.py nodes [--seconds 0.5] [--each 40]     1, 2, 4, 8 nodes of one worker
    python tests/benchmarks/executor_nodes.py memory [--items 10000 100000]        what the head holds afterwards, items without work
    python tests/benchmarks/executor_nodes.py lost                                 4 nodes, one is removed on the way

Ideal: items x seconds / workers, from the moment when all workers have begun.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.executor.pools import Pool, Start
from pipelines.executor.run import run_items, run_pools
from pipelines.executor.session import session
from tests.benchmarks.executor import Sleeper


def cluster_of(nodes: int) -> Any:
    import ray.cluster_utils

    cluster = ray.cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(nodes - 1):
        cluster.add_node(num_cpus=1)
    cluster.connect()
    return cluster


def share_of(nodes: int, seconds: float, each: int) -> float:
    """Share of the ideal; counted from when every worker has begun, without the last items, when workers have nothing left to do."""
    times, started = [], []

    def tell(kind: str, **fields: Any) -> None:
        if kind == "worker_started":
            started.append(time.perf_counter())

    items = nodes * each
    for _ in run_items(partial(Sleeper, seconds), range(items), nodes, label="nodes", tell=tell):
        times.append(time.perf_counter())
    counted = [moment for moment in times[:-nodes] if moment > max(started) + seconds]
    return (len(counted) - 1) * seconds / nodes / (counted[-1] - counted[0])


def nodes_line(nodes: int, seconds: float, each: int) -> None:
    import ray

    cluster = cluster_of(nodes)
    print(f"{nodes} nodes: {share_of(nodes, seconds, each):.3f} of the ideal ({nodes * each} items of {seconds:g} s)", flush=True)
    ray.shutdown()
    cluster.shutdown()


def memory_line(items: int) -> None:
    numbers, peak = iter(range(items)), 0

    def pull() -> Start | None:
        number = next(numbers, None)
        return None if number is None else Start(pool="none", item=number)

    with session(2):
        start_s, count, early = time.perf_counter(), 0, 0
        for _ in run_pools([Pool(name="none", workers=2, make_worker=partial(Sleeper, 0.0))], pull, label="memory"):
            count += 1
            peak = max(peak, rss_mib()) if count % 500 == 0 else peak
            early = rss_mib() if count == 1000 else early
        rate = count / (time.perf_counter() - start_s)
    print(f"{items} items: head {early} MiB after 1000, {peak} MiB at most, {rate:.0f} items a second", flush=True)


def rss_mib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20


def lost_line() -> None:
    import ray

    cluster = cluster_of(3)
    other = cluster.add_node(num_cpus=1)
    told: list[str] = []
    found: list[int] = []
    items, gone_s = 120, 0.0
    for index, _ in run_items(partial(Sleeper, 0.2), range(items), 4, label="lost", tell=lambda kind, **_: told.append(kind)):
        found.append(index)
        if not gone_s and told.count("worker_started") == 4:
            gone_s = time.perf_counter()
            cluster.remove_node(other, allow_graceful=False)
    lost, doubled = items - len(set(found)), len(found) - len(set(found))
    print(
        f"4 nodes, one removed: lost {lost}, doubled {doubled}, whole {time.perf_counter() - gone_s:.1f} s later; told {sorted(set(told))}"
    )
    ray.shutdown()
    cluster.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("nodes", "memory", "lost"))
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--each", type=int, default=40)
    asked = parser.parse_args()
    if asked.what == "nodes" and len(asked.nodes) == 1:
        nodes_line(asked.nodes[0], asked.seconds, asked.each)
    elif asked.what == "memory" and len(asked.items) == 1:
        memory_line(asked.items[0])
    elif asked.what == "lost":
        lost_line()
    else:  # a process each: memory of one does not show in the next
        for value in asked.nodes if asked.what == "nodes" else asked.items:
            about = [
                "--seconds",
                str(asked.seconds),
                "--each",
                str(asked.each),
                f"--{'nodes' if asked.what == 'nodes' else 'items'}",
                str(value),
            ]
            subprocess.run([sys.executable, __file__, asked.what, *about], check=True)


if __name__ == "__main__":
    main()
