"""Pools on Ray: order, errors, deaths, hangs, poison, leaks, hops; one session for all."""

import contextlib
import os
import subprocess
import sys
import time
from functools import partial

import pytest

from pipelines.executor import actors
from pipelines.executor.pools import Hop, Lost, Policy, Pool, SameCause, Start
from pipelines.executor.run import run_items, run_pools

pytest.importorskip("ray")
GOOD = [("sleep", 0.01)] * 12


class Work:
    """What an item asks for; after a poison every item fails."""

    def __init__(self):
        self._poisoned, self._kept = False, []

    def __call__(self, item):
        kind, value = item
        if kind == "seal":  # nothing that an ill process could not do
            return "1"
        answer = getattr(self, f"_{kind}")(value)
        return "CUDA error" if self._poisoned else answer

    def _sleep(self, seconds):
        time.sleep(seconds)
        return os.environ.get("OMP_NUM_THREADS")

    def _raise(self, value):
        raise ValueError(f"item: got {value}")

    def _fail(self, value):
        return "no face found"

    def _segv(self, value):
        import ctypes

        print("the last words")
        ctypes.string_at(0)

    def _exit(self, code):
        os._exit(code)

    def _poison(self, value):
        self._poisoned = True

    def _leak(self, size_b):
        self._kept.append(bytearray(os.urandom(1) * size_b))
        return os.getpid()

    def _child(self, value):
        return subprocess.Popen(["sleep", "1000"], start_new_session=value).pid

    def _until(self, place):
        end_s = time.monotonic() + 200
        while not os.path.exists(place) and time.monotonic() < end_s:
            time.sleep(0.02)
        return "1"

    def _print(self, count):
        sys.stdout.write("x" * count)
        os.close(1)
        os.close(2)
        return "1"


def bad_worker():
    raise ValueError("weights: not found")


def dead_worker():
    os._exit(1)


def slow_worker(folder):
    """Only the first is made; the others load for ever."""
    if not _is_first(folder):
        time.sleep(600)
    return Work()


def _is_first(folder):
    try:
        (folder / "good").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def cause_of(result):
    return result if isinstance(result, str) and result != "1" else ""


def run(items, workers=2, make=Work, told=None, **policy):
    tell = (lambda kind, **fields: told.append((kind, fields))) if told is not None else (lambda kind, **fields: None)
    found = list(run_items(make, items, workers, label="test", policy=Policy(cause_of=cause_of, **policy), tell=tell))
    assert len({index for index, _ in found}) == len(found)
    return dict(found)


def test_results_come_as_they_finish_with_one_thread_each(two_workers):
    order = list(run_items(Work, [("sleep", 1.0), ("sleep", 0.01), ("sleep", 0.02)], 2, label="test"))
    assert order[-1][0] == 0 and sorted(order) == [(0, "1"), (1, "1"), (2, "1")]


def test_what_is_under_way_counts_and_is_waited_for(two_workers):
    asked = []

    def may_begin(under_way: int) -> bool:
        asked.append(under_way)
        return len(asked) <= 3

    order = list(run_items(Work, [("sleep", 0.2)] * 9, 2, label="test", may_begin=may_begin))
    assert len(order) == 3 and asked[:3] == [0, 1, 2]


def test_errors_arrive_as_themselves(two_workers, monkeypatch):
    with pytest.raises(ValueError, match="item: got 7"):
        run([("raise", 7)], 1)
    with pytest.raises(ValueError, match="weights: not found"):
        run(GOOD, 1, bad_worker)
    monkeypatch.setattr("pipelines.executor.crew.FRESH", 2)  # a start less
    with pytest.raises(SameCause, match="workers of pool test die before their first item: killed"):
        run(GOOD, 1, dead_worker)


def test_a_worker_that_never_has_loaded_is_ended_and_others_go_on_or_the_run_ends_with_that_cause(
    two_workers, tmp_path, capfd, monkeypatch
):
    monkeypatch.setattr("pipelines.executor.waiting.AFTER_S", 0.5)
    monkeypatch.setattr("pipelines.executor.slots.FRESH", 1)  # starts less
    told, make = [], partial(slow_worker, tmp_path)
    found = run([("sleep", 0.5)] * 16, make=make, told=told, load_s=3.0, timeout_s=60.0)
    assert set(found.values()) == {"1"} and [kind for kind, _ in told].count("given_up") == 1
    err = capfd.readouterr().err
    assert "test: starting 2 workers" in err and "pool test: 1 worker loading for " in err
    assert err.count("a worker of pool test was still loading after 3 s, the load timeout: it is exchanged") == 1
    monkeypatch.setattr("pipelines.executor.crew.FRESH", 1)
    with pytest.raises(SameCause, match="workers of pool test cannot be made: still loading after 1 s, the load timeout"):
        run(GOOD, 1, make, load_s=1.0)


def test_deaths_and_hangs_cost_their_items_alone(two_workers, capfd):
    told = []
    bad = [("segv", 0), ("sleep", 600.0)]
    found = run([*GOOD, *bad, *GOOD], told=told, attempts=2, timeout_s=3.0)
    lost = {index: result.reason for index, result in found.items() if isinstance(result, Lost)}
    assert lost == {
        12: "worker died (SIGSEGV) in 2 attempts",
        13: "timed out after 3 s",
    }
    assert len(found) == 26 and sum(result == "1" for result in found.values()) == 24
    died = [fields for kind, fields in told if kind == "worker_died"]
    assert sorted(fields["attempt"] for fields in died if fields["attempt"]) == [1, 2]
    assert any("Segmentation" in line for fields in died for line in fields["printed"])
    out, err = capfd.readouterr()
    assert out == "" and "('segv', 0): worker of pool test died (SIGSEGV), attempt 1 of 2" in err


def test_an_item_that_poisons_its_process_costs_no_other_and_items_without_a_probe_do_not_hide_it(two_workers):
    told = []
    after = [each for _ in range(12) for each in (("sleep", 0.01), ("seal", 0))]
    found = run([*GOOD, ("poison", 0), *after], told=told, as_probe=lambda item: None if item[0] == "seal" else item)
    assert found.pop(12) == "CUDA error" and set(found.values()) == {"1"} and len(found) == 36
    assert 1 <= [kind for kind, _ in told].count("worker_ill") <= 3


class OneGood:
    """Of all workers only the first is well."""

    def __init__(self, folder):
        self._folder = folder

    def __call__(self):
        return Work() if _is_first(self._folder) else lambda item: "no device"


def test_a_place_in_which_every_worker_falls_ill_is_given_up_and_others_go_on(two_workers, tmp_path, capfd):
    given_up = tmp_path / "given up"

    class Told(list):
        def append(self, entry):
            super().append(entry)
            if entry[0] == "given_up":
                given_up.touch()

    told = Told()
    found = run([("sleep", 0.01)] * 6 + [("until", str(given_up))] * 20, make=OneGood(tmp_path), told=told)
    kinds = [kind for kind, _ in told]
    assert set(found.values()) == {"1"} and kinds.count("given_up") == 1 and kinds.count("worker_ill") <= 6
    assert capfd.readouterr().err.count("goes on with one worker less") == 1


def test_genuine_failures_stay_what_they_are(two_workers):
    found = run([("fail", 0), *GOOD, ("fail", 1), ("fail", 2), ("fail", 3), *GOOD, ("fail", 4)])
    assert sorted(index for index, result in found.items() if result != "1") == [0, 13, 14, 15, 28]


def test_where_every_item_fails_alike_the_run_stops(two_workers):
    with pytest.raises(SameCause, match="on fresh workers too: no face found"):
        run([("fail", n) for n in range(40)], stop_after=8)
    assert set(run([("fail", n) for n in range(5)], stop_after=8).values()) == {"no face found"}


def test_workers_are_exchanged_before_a_leak_fills_the_machine(two_workers):
    told = []
    pids = run([("leak", 40 << 20)] * 10, 1, told=told, memory_b=300 << 20).values()
    assert len(set(pids)) > 1 and "worker_recycled" in [kind for kind, _ in told]


def test_more_workers_than_cpus_wait_and_it_is_said(two_workers, capfd, monkeypatch):
    monkeypatch.setattr("pipelines.executor.waiting.AFTER_S", 0.5)
    assert len(run([("sleep", 0.2)] * 12, 4)) == 12
    assert "asked 4 workers of 1 CPU, the cluster has 2 CPU: " in capfd.readouterr().err


def test_children_die_with_their_worker_and_prints_are_bounded(two_workers):
    found = run([("child", False), ("child", True), ("print", 5 << 20), ("sleep", 0.6)], 1)
    deadline = time.monotonic() + 10
    while any(_runs(found[n]) for n in (0, 1)) and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = [n for n in (0, 1) if _runs(found[n])]
    for n in alive:
        with contextlib.suppress(OSError):
            os.kill(found[n], 9)
    assert not alive and found[2] == found[3] == "1"


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split()[2] != "Z"
    except OSError:
        return False


def prepare_and_finish():
    def work(item, *parts):
        if parts:
            return item, os.getpid(), *parts
        return Hop(to="teacher", payload=(os.getpid(), b"x" * (1 << 20)))

    return work


def teach():
    def work(item, prepared):
        if item == 3:
            os._exit(1)
        return Hop(to="cpu", payload=(os.getpid(), len(prepared[1])))

    return work


def test_an_item_hops_across_pools_and_its_payloads_come_along(two_workers):
    pools = [Pool(name="cpu", workers=1, make_worker=prepare_and_finish), Pool(name="teacher", workers=1, make_worker=teach)]
    todo = iter(range(8))

    def pull():
        item = next(todo, None)
        return None if item is None else Start(pool="cpu", item=item)

    found = dict(run_pools(pools, pull, Policy(attempts=2), label="test"))
    assert sorted(found) == list(range(8)) and found.pop(3).reason == "worker died (killed, or ended by os._exit) in 2 attempts"
    for item, result in found.items():
        assert result[0] == item and result[2][0] == result[1] != result[3][0] and result[3][1] == 1 << 20


def test_a_worker_with_other_source_stops_the_run(two_workers, monkeypatch):
    monkeypatch.setattr(actors, "source_hash", lambda root=None: "0" * 64)
    with pytest.raises(ValueError, match="worker: source: got .*expected the head's"):
        run(GOOD, 1)


def test_a_worker_that_dies_idle_costs_no_item_and_closing_the_iterator_stops_the_workers(two_workers):
    results = run_items(Work, [("leak", 1), ("child", False), *[("sleep", 600.0)] * 3], 1, label="test", policy=Policy(attempts=1))
    pid = next(results)[1]
    os.kill(pid, 9)
    while _runs(pid):
        time.sleep(0.02)
    pid = next(results)[1]
    assert not isinstance(pid, Lost)
    results.close()
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(pid)
