"""The head's loop: which worker gets which item next, and what becomes of the items of workers that die, hang or fall ill.

Only workers that have answered get work; what waits for one waits here, so that no item is held by a process that never comes. The head
holds references to payloads and never reads them.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from models.types import require
from pipelines.executor.actors import QUEUED, Died, Hand, Hands, PayloadLost, last_lines
from pipelines.executor.causes import NODE_LOST, OUT_OF_MEMORY
from pipelines.executor.health import FRESH, Call, Decision, Failure, Health
from pipelines.executor.inline import timed_out
from pipelines.executor.pools import Cluster, Lost, Policy, Pool, Pull, SameCause, Tell
from pipelines.executor.recycling import Recycling
from pipelines.executor.slots import Slots
from pipelines.executor.stock import Stock
from pipelines.executor.waiting import Waiting
from pipelines.executor.worker import Header

TICK_S = 1.0
SLOW_S, SLOW_HOP_S = 1.0, 10.0
"""Calls that take longer on average are not submitted ahead: a worker that is free takes the item instead. What hops has a payload, whose
way to another machine is saved by being early."""
PAYLOADS_LOST = 10
"""So often an item is begun anew because what it had become is gone with a machine."""


def run_on_actors(pools: Sequence[Pool], pull: Pull, policy: Policy, label: str, cluster: Cluster, tell: Tell) -> Iterator[tuple[Any, Any]]:
    """Yield `(item, result)`; Ray is running. See `run_pools`."""
    loop = _Loop(pools, pull, policy, label, tell)
    try:
        yield from loop.results()
    finally:
        loop.stop()


class _Loop:
    def __init__(self, pools: Sequence[Pool], pull: Pull, policy: Policy, label: str, tell: Tell) -> None:
        self._pools, self._policy, self._label, self._tell = {pool.name: pool for pool in pools}, policy, label, tell
        self._hands = Hands()
        self._health = {pool.name: Health(policy.stop_after) for pool in pools}
        self._slots = {pool.name: Slots(pool.workers) for pool in pools}
        self._recycling = Recycling(policy, sum(pool.workers for pool in pools))
        self._waiting = Waiting(pools, label, tell)
        self._stock = Stock(pools, pull)
        self._stop = ""
        self._stillborn = dict.fromkeys(self._pools, 0)
        self._call_s = dict.fromkeys(self._pools, math.inf)

    def results(self) -> Iterator[tuple[Any, Any]]:
        while True:
            while self._stock.out:
                yield self._stock.out.popleft()
            if self._stop:
                raise SameCause(f"{self._label}: nothing comes out any more, on fresh workers too: {self._stop}")
            self._fill()
            self._assign()
            if self._is_over():
                return
            for hand in self._hands.wait(self._patience_s()):
                if hand.number in self._hands.all:  # what another hand told may have ended it
                    self._hear(hand)
            self._end_overdue()
            self._waiting.check(self._hands)

    def stop(self) -> None:
        self._hands.stop()

    def _is_over(self) -> bool:
        if not self._stock.is_empty or self._hands.are_busy:
            return False
        for hand in tuple(self._hands.all.values()):
            self._decide(hand, self._health[hand.pool.name].idle(hand.number))
        return self._stock.is_empty and not self._hands.are_busy

    def _fill(self) -> None:
        """As many workers as were asked for, but for places that are given up, while there is work."""
        if self._stock.is_empty:
            return
        for name, pool in self._pools.items():
            for slot in self._slots[name].free({hand.slot for hand in self._hands.of(pool)}):
                self._hands.start(pool, slot)

    # what is given to workers

    def _assign(self) -> None:
        self._stock.draw()
        for depth in range(QUEUED):
            for hand in tuple(self._hands.all.values()):
                line = self._stock.line(hand.pool.name)
                takes = hand.ready and not hand.leaving and not hand.probing and len(hand.calls) == depth
                if line and takes and (depth == 0 or self._goes_ahead(hand, line[0])):
                    self._hands.submit(hand, line.popleft())

    def _goes_ahead(self, hand: Hand, call: Call) -> bool:
        """Whether the call may lie ready behind the one that runs. Of a suspect it must be known that it alone ran when the worker died."""
        slow_s = SLOW_HOP_S if call.payloads else SLOW_S
        return self._call_s[hand.pool.name] < slow_s and not call.suspect and not hand.calls[0].suspect

    # what workers tell

    def _hear(self, hand: Hand) -> None:
        try:
            told = self._hands.read(hand)
        except Exception as error:
            self._cannot_work(hand, error)
            return
        if isinstance(told, Died):
            self._died(hand, told)
        elif isinstance(told, PayloadLost):
            self._payload_lost(hand)
        elif isinstance(told, tuple):
            self._called(hand, *told)
        elif hand.ready:
            self._stillborn[hand.pool.name] = 0
            self._recycling.welcome(hand, self._hands.nodes())
            self._tell("worker_started", pool=hand.pool.name, pid=hand.place.pid, node=hand.place.node)
            doubted = self._slots[hand.pool.name].is_doubted(hand.slot)
            self._decide(hand, self._health[hand.pool.name].fresh(hand.number, doubted))

    def _cannot_work(self, hand: Hand, error: Exception) -> None:
        """What is raised by work, or by making the first workers, ends the run; a later worker that cannot be made is tried again."""
        if hand.ready or not self._is_proven(hand.pool):
            raise error
        cause = f"{type(error).__name__}: {error}"
        self._tell("worker_died", pool=hand.pool.name, item="", cause=cause, attempt=0)
        self._hands.end(hand)
        self._doubt(hand, cause)

    def _is_proven(self, pool: Pool) -> bool:
        """Whether a worker of the pool could be made, and is there."""
        return any(other.ready for other in self._hands.of(pool))

    def _doubt(self, hand: Hand, cause: str) -> None:
        """The worker was ill, or could not be made: its place is given up when that happens again and again; the last one ends the run."""
        name, node = hand.pool.name, hand.place.node if hand.place else ""
        if not self._slots[name].fell_ill(hand.slot, node):
            return
        self._tell("given_up", pool=name, node=node, cause=cause)
        if self._slots[name].are_given_up:
            self._stop = self._stop or cause
        else:
            self._say(f"pool {name} goes on with one worker less: {FRESH} in a row went wrong on node {node[:8]}: {cause}")

    def _called(self, hand: Hand, header: Header, payload: Any) -> None:
        call, name = hand.calls.popleft(), hand.pool.name
        self._stillborn[name], known_s = 0, self._call_s[name]
        self._call_s[name] = header.seconds if known_s == math.inf else known_s + 0.2 * (header.seconds - known_s)
        health, number = self._health[name], hand.number
        cause = "" if header.to is not None else self._policy.cause_of(header.result)
        if call.probe:
            self._probed(hand, cause)
        elif self._policy.as_probe(call.item) is None:  # of its worker it says nothing
            self._go_on(call, header, payload)
        elif cause:
            self._stock.hold()
            self._decide(hand, health.failed(number, Failure(call=call, result=header.result, cause=cause)), cause)
        else:
            self._slots[name].managed(hand.slot)
            self._decide(hand, health.managed(number, replace(call)))
            self._go_on(call, header, payload)
        if number in self._hands.all and self._recycling.is_due(hand, header):
            hand.leaving = True
        if hand.leaving and not hand.calls and number in self._hands.all:
            self._exchange(hand, "worker_recycled", cause=f"{hand.done} calls, {header.rss_b >> 20} MiB")

    def _go_on(self, call: Call, header: Header, payload: Any) -> None:
        if header.to is None:
            self._stock.finish(call, header.result)
            return
        known = header.to in self._pools
        require(known, f"{self._label}: {self._policy.name_of(call.item)}", "hop to", header.to, f"one of {', '.join(self._pools)}")
        self._stock.go_on(call, header.to, payload)

    def _died(self, hand: Hand, died: Died) -> None:
        name, calls = hand.pool.name, list(hand.calls)
        if died.cause == NODE_LOST:
            self._tell("worker_lost", pool=name, cause=died.cause)
            self._say(f"a worker of pool {name} is gone: {died.cause}; its items are begun anew")
            self._take_back(hand, calls)
        elif not hand.ready:
            self._stillborn[name] += 1
            self._report(hand, died, None)
            self._doubt(hand, died.cause)
            if self._stillborn[name] >= FRESH and not self._is_proven(hand.pool):
                end = "; ".join([died.cause, *last_lines(died.printed, 3)])
                raise SameCause(f"{self._label}: workers of pool {name} die before their first item: {end}")
        else:
            self._charge(hand, died, calls)

    def _charge(self, hand: Hand, died: Died, calls: list[Call]) -> None:
        """The call that ran is to blame. Where it is not known which of two did, both are made again alone, without charge."""
        blamed = _blamed(hand, died, calls)
        rest = [call for call in calls if call not in blamed]
        if not blamed:
            self._report(hand, died, None)
            self._take_back(hand, rest)
            return
        call = blamed[0]
        call.attempts += len(blamed) == 1 and not call.probe
        self._report(hand, died, call)
        self._lost(hand, call, died.cause)
        self._stock.put_back(rest)
        for each in blamed:
            if not each.probe:
                self._suspect(each, died.cause)

    def _lost(self, hand: Hand, call: Call, cause: str) -> None:
        """The worker is gone, and it was the call's doing."""
        if call.probe:
            self._probed(hand, cause)
        elif self._policy.as_probe(call.item) is None:
            self._take_back(hand, [])
        else:
            self._slots[hand.pool.name].died(hand.slot)
            self._decide(hand, self._health[hand.pool.name].lost(hand.number, call, cause), cause)

    def _suspect(self, call: Call, cause: str) -> None:
        call.suspect, call.alone = True, cause == OUT_OF_MEMORY
        if call.attempts >= self._policy.attempts:
            self._stock.finish(call, Lost(reason=f"worker died ({cause}) in {call.attempts} attempts", attempts=call.attempts))
        else:
            self._stock.again(call, held=False)

    def _end_overdue(self) -> None:
        now = time.monotonic()
        for hand in tuple(self._hands.all.values()):
            if now > self._due_s(hand) and not self._hands.has_told(hand):
                self._overdue(hand)

    def _due_s(self, hand: Hand) -> float:
        """When the call that runs has taken too long."""
        limit_s = self._policy.limit_s(hand.calls[0].item) if hand.calls else None
        return math.inf if limit_s is None else hand.since_s + limit_s

    def _overdue(self, hand: Hand) -> None:
        calls, cause = list(hand.calls), timed_out(self._policy.timeout_s)
        self._hands.end(hand)
        call = calls[0]
        self._tell("timed_out", pool=hand.pool.name, item=self._policy.name_of(call.item), cause=cause)
        self._say(f"{self._policy.name_of(call.item)}: {cause}; its worker is exchanged")
        self._lost(hand, call, cause)
        if not call.probe:
            self._stock.finish(call, Lost(reason=cause, attempts=call.attempts + 1))
        self._stock.put_back(calls[1:])

    def _payload_lost(self, hand: Hand) -> None:
        call = hand.calls.popleft()
        hand.answers.popleft()
        hand.since_s, call.lost_payloads = time.monotonic(), call.lost_payloads + 1
        if call.probe:
            self._decide(hand, self._health[hand.pool.name].no_answer(hand.number))
        elif call.lost_payloads >= PAYLOADS_LOST:
            self._stock.finish(
                call, Lost(reason="what it had become was lost with a machine, again and again", attempts=call.lost_payloads)
            )
        else:
            self._stock.again(call, held=False)

    # what becomes of workers

    def _decide(self, hand: Hand, decision: Decision, cause: str = "") -> None:
        for failure in decision.release:
            self._stock.release(failure.call, failure.result)
        for call in decision.again:
            self._stock.again(call, held=True)
        hand.probing = decision.probe
        if decision.probe:
            self._probe(hand)
        if decision.exchange and hand.number in self._hands.all:
            self._say(f"a worker of pool {hand.pool.name} fails what others manage, or everything, and is exchanged: {cause}")
            self._exchange(hand, "worker_ill", cause=cause)
        self._stop = self._stop or decision.stop

    def _probed(self, hand: Hand, cause: str) -> None:
        """The worker has tried the known good item, or died over it."""
        name = hand.pool.name
        slots = self._slots[name]
        if cause:
            self._doubt(hand, cause)
        else:
            slots.managed(hand.slot)
        self._decide(hand, self._health[name].probed(hand.number, cause, slots.are_hopeless), cause)

    def _probe(self, hand: Hand) -> None:
        good = self._health[hand.pool.name].good
        item = self._policy.as_probe(good.item)
        self._hands.submit(hand, Call(item, good.start, good.pool, good.payloads, probe=True))

    def _exchange(self, hand: Hand, kind: str, **fields: Any) -> None:
        """End the worker; a fresh one comes where there is work. Calls that lay ready go to others."""
        calls = list(hand.calls)
        self._hands.end(hand)
        self._tell(kind, pool=hand.pool.name, pid=hand.place.pid, **fields)
        self._take_back(hand, calls)

    def _take_back(self, hand: Hand, calls: list[Call]) -> None:
        """The worker is gone through no fault of an item: nothing is charged."""
        for call in self._health[hand.pool.name].gone(hand.number):
            self._stock.again(call, held=True)
        self._stock.put_back(calls)

    # what is said

    def _report(self, hand: Hand, died: Died, call: Call | None) -> None:
        name = "" if call is None else self._policy.name_of(call.item)
        attempt = 0 if call is None else call.attempts
        end = last_lines(died.printed)
        self._tell("worker_died", pool=hand.pool.name, item=name, cause=died.cause, attempt=attempt, printed=end)
        about = f"{name}: " if name else ""
        tried = (
            f", attempt {attempt} of {self._policy.attempts}" if attempt else ", perhaps because of it: it is tried alone" if name else ""
        )
        self._say(f"{about}worker of pool {hand.pool.name} died ({died.cause}){tried}" + "".join(f"\n    {line}" for line in end[:5]))

    def _say(self, text: str) -> None:
        print(f"{self._label}: {text}", file=sys.stderr)

    def _patience_s(self) -> float:
        """Until something is due even if no worker says a word."""
        due_s = min(map(self._due_s, self._hands.all.values()), default=math.inf)
        return min(TICK_S, max(0.01, due_s - time.monotonic()))


def _blamed(hand: Hand, died: Died, calls: list[Call]) -> list[Call]:
    """The call that ran when the worker died; all of them where that is not known; none where it had nothing to do.

    A worker that did nothing yet is not idle: what lets it die as soon as it is given something must not go on for ever.
    """
    if died.begun is None or died.begun <= hand.done == 0:
        return [call for call in calls if not call.probe] or calls[:1]
    return calls[died.begun - hand.done - 1 :][:1] if died.begun > hand.done else []
