"""Pools in this process, without Ray: order, hops, time limits, what stops a run."""

import sys
import time
from types import SimpleNamespace

import pytest

from pipelines.executor.pools import Cluster, Hop, Lost, Policy, Pool, SameCause, Start
from pipelines.executor.run import run_items, run_pools

REASON = Policy(cause_of=lambda result: result if isinstance(result, str) else "")


@pytest.fixture(autouse=True)
def no_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)


def numbers():
    return lambda item: item * 2


def test_items_come_in_their_order():
    assert list(run_items(numbers, [1, 2, 3], 0, label="test")) == [(0, 2), (1, 4), (2, 6)]


def test_no_item_is_begun_that_may_not_be():
    asked = []

    def may_begin(under_way: int) -> bool:
        asked.append(under_way)
        return len(asked) < 3

    assert list(run_items(numbers, [1, 2, 3], 0, label="test", may_begin=may_begin)) == [(0, 2), (1, 4)] and asked == [0, 0, 0]


def test_nothing_to_do_makes_no_worker():
    assert list(run_items(None, [], 3, label="test")) == []


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="test: workers: got -1, expected a whole number >= 0"):
        list(run_items(numbers, [1], -1, label="test"))
    with pytest.raises(ValueError, match="workers: got 1, expected 0 where ray is not installed"):
        list(run_items(numbers, [1], 1, label="test"))
    pools = [Pool(name=name, workers=workers, make_worker=numbers) for name, workers in (("cpu", 0), ("gpu", 1))]
    with pytest.raises(ValueError, match="workers: got 0 in cpu, expected 0 in all pools, or in none"):
        list(run_pools(pools, lambda: None, label="test"))
    with pytest.raises(ValueError, match="timeout_s: got 0"):
        Policy(timeout_s=0)


def test_the_limit_holds_for_items_that_are_hurried_alone():
    policy = Policy(timeout_s=0.1, hurried=lambda item: item == "pair")
    results = dict(run_items(lambda: lambda item: time.sleep(0.3) or item, ["pair", "seal"], 0, label="test", policy=policy))
    assert results == {0: Lost(reason="timed out after 0.1 s", attempts=1), 1: "seal"}


def test_an_item_hops_with_its_payloads_and_results_may_bring_items():
    pools = [
        Pool(
            name="cpu",
            workers=0,
            make_worker=lambda: lambda item, *parts: Hop(to="teacher", payload=item + 1) if not parts else (item, *parts),
        ),
        Pool(name="teacher", workers=0, make_worker=lambda: lambda item, part: Hop(to="cpu", payload=part * 10)),
    ]
    todo, seen = [1, 2], []

    def pull():
        if not todo and len(seen) == 2:
            todo.append(3)
        return Start(pool="cpu", item=todo.pop(0)) if todo else None

    for item, result in run_pools(pools, pull, label="test"):
        seen.append((item, result))
    assert seen == [(1, (1, 2, 20)), (2, (2, 3, 30)), (3, (3, 4, 40))]


def test_workers_are_made_when_they_are_needed_with_one_thread(monkeypatch):
    calls: list[int] = []
    monkeypatch.delitem(sys.modules, "torch", raising=False)

    def make_worker():
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(set_num_threads=calls.append))
        return lambda item: list(calls)

    assert list(run_items(make_worker, ["item"], 0, label="test")) == [(0, [1])]


def sleeper():
    def work(item):
        try:
            time.sleep(item)
        except Exception:
            return "swallowed"
        return item

    return work


def test_what_takes_too_long_is_lost_and_the_rest_is_done():
    results = dict(run_items(sleeper, [0.0, 30.0, 0.0], 0, label="test", policy=Policy(timeout_s=0.1)))
    assert results == {0: 0.0, 1: Lost(reason="timed out after 0.1 s", attempts=1), 2: 0.0}


def test_an_interrupt_and_an_error_of_work_pass():
    def make(error):
        def work(item):
            raise error

        return lambda: work

    with pytest.raises(KeyboardInterrupt):
        list(run_items(make(KeyboardInterrupt()), [1], 0, label="test", policy=Policy(timeout_s=5)))
    with pytest.raises(ValueError, match="unit: got 7"):
        list(run_items(make(ValueError("unit: got 7")), [1], 0, label="test"))


def test_one_cause_for_the_first_items_stops_the_run_unless_something_came_out():
    def run(items, policy):
        out = []
        try:
            for _, result in run_items(lambda: lambda item: item, items, 0, label="test", policy=policy):
                out.append(result)
        except SameCause as error:
            return out, str(error)
        return out, ""

    policy = Policy(cause_of=REASON.cause_of, stop_after=3)
    assert run(["bad"] * 9, policy) == (["bad"] * 3, "test: 3 items in a row failed: bad")
    assert run([1, *["bad"] * 9], policy)[1] == "" and run(["bad", "other"] * 5, policy)[1] == ""
    assert run(["bad"] * 9, Policy(cause_of=REASON.cause_of, stop_after=None))[1] == ""


def closer():
    import os

    def work(item):
        print("noise")
        os.close(1)
        os.close(2)
        return item

    return work


def test_standard_output_is_the_callers(capfd):
    for _, result in run_items(closer, [1, 2], 0, label="test"):
        print(f"result {result}")
    out, err = capfd.readouterr()
    assert out == "result 1\nresult 2\n" and err.count("noise") == 2


def test_a_cluster_is_our_own_unless_it_is_named():
    assert Cluster().address == "" and Cluster().store_b < 1 << 30
