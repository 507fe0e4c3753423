"""Work on pools of workers: items in, `(item, result | Lost)` out as they finish; in this process where no pool has workers.

An exception of `work` is raised here as itself: what a single item may suffer is a result, and `Policy.cause_of` reads it. A worker that
dies or hangs costs its item, never its neighbours. Results do not depend on the order in which they arrive.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Iterator, Sequence

from models.types import require
from pipelines.executor.inline import run_here
from pipelines.executor.pools import Cluster, Lost, Policy, Pool, Pull, Start, Tell, silent


def run_pools(
    pools: Sequence[Pool],
    pull: Pull,
    policy: Policy = Policy(),
    *,
    label: str,
    cluster: Cluster = Cluster(),
    tell: Tell = silent,
) -> Iterator[tuple[Any, Any | Lost]]:
    """Yield `(item, result)` for all that `pull` brings. All pools have workers, or none has and everything runs here.

    The first pool is where items should begin: others are fed ahead of need. Closing the iterator early stops the workers.
    Raises SameCause where one cause fails everything, and ValueError where workers cannot be made.
    """
    names = [pool.name for pool in pools]
    require(len(set(names)) == len(names) > 0, label, "pools", names, "one or more of different names")
    idle = [pool.name for pool in pools if pool.workers == 0]
    require(len(idle) in (0, len(pools)), label, "workers", f"0 in {', '.join(idle)}", "0 in all pools, or in none")
    if idle:
        yield from run_here(pools, pull, policy, label)
        return
    from pipelines.executor.loop import run_on_actors
    from pipelines.executor.session import needs, session

    first = pull()  # nothing to do starts nothing
    if first is None:
        return
    begun = iter((first,))
    print(f"{label}: starting {started(pools)}", file=sys.stderr, flush=True)
    with session(*needs(pools), cluster):
        yield from run_on_actors(pools, lambda: next(begun, None) or pull(), policy, label, tell)


def started(pools: Sequence[Pool]) -> str:
    """In words: "2 workers", or of several pools "workers: 2 cpu, 1 teacher"."""
    if len(pools) == 1:
        return f"{pools[0].workers} worker{'' if pools[0].workers == 1 else 's'}"
    return f"workers: {', '.join(f'{pool.workers} {pool.name}' for pool in pools)}"


def run_items(
    make_worker: Callable[[], Callable[[Any], Any]],
    items: Sequence[Any],
    workers: int,
    *,
    label: str,
    policy: Policy = Policy(),
    cluster: Cluster = Cluster(),
    tell: Tell = silent,
    cpus: float = 1.0,
    gpus: float = 0.0,
    spotless: bool = False,
    may_begin: Callable[[int], bool] = lambda under_way: True,
) -> Iterator[tuple[int, Any | Lost]]:
    """Yield `(index, result)` for every one of `items`, on one pool. `items` need a length and an index only: made when asked for.

    `may_begin(under_way)`: asked before every item, with how many are under way; False begins no more until a result comes.
    `spotless`: see `Pool`.
    """
    fit = isinstance(workers, int) and workers >= 0
    require(fit, label, "workers", workers, "a whole number >= 0", "0 runs in this process")
    if not len(items):
        return
    staff = {"workers": min(workers, len(items)), "cpus": cpus, "gpus": gpus, "spotless": spotless}
    pool = Pool(name=label, make_worker=_Numbered(make_worker), **staff)
    begun, done = 0, 0

    def pull() -> Start | None:
        nonlocal begun
        if begun == len(items) or not may_begin(begun - done):
            return None
        begun += 1
        return Start(pool=label, item=(begun - 1, items[begun - 1]))

    policy = _of_numbered(policy)
    for (number, _), result in run_pools([pool], pull, policy, label=label, cluster=cluster, tell=tell):
        done += 1
        yield number, result


class _Numbered:
    """Makes a worker that is given `(number, item)`."""

    def __init__(self, make_worker: Callable[[], Callable[[Any], Any]]) -> None:
        self._make_worker = make_worker

    def __call__(self) -> Callable[[tuple[int, Any]], Any]:
        work = self._make_worker()
        return lambda numbered: work(numbered[1])


def _of_numbered(policy: Policy) -> Policy:
    """The policy for items, for `(number, item)`."""
    from dataclasses import replace

    def as_probe(numbered: tuple[int, Any]) -> tuple[int, Any] | None:
        item = policy.as_probe(numbered[1])
        return None if item is None else (numbered[0], item)

    of_item = {"name_of": lambda numbered: policy.name_of(numbered[1]), "hurried": lambda numbered: policy.hurried(numbered[1])}
    return replace(policy, as_probe=as_probe, **of_item)
