"""The head's loop: which worker gets which item next, and what becomes of the items of workers that die, hang or fall ill.

Only workers that have answered get work; what waits for one waits here, so that no item is held by a process that never comes. The head
holds references to payloads and never reads them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from models.types import require
from pipelines.executor.actors import QUEUED, Died, Hand, Hands, PayloadLost
from pipelines.executor.causes import NODE_LOST, OUT_OF_MEMORY
from pipelines.executor.crew import Crew
from pipelines.executor.health import Call, Failure
from pipelines.executor.inline import timed_out
from pipelines.executor.pools import Lost, Policy, Pool, Pull, SameCause, Tell
from pipelines.executor.stock import Stock
from pipelines.executor.voice import Voice
from pipelines.executor.waiting import Waiting
from pipelines.executor.worker import Header

TICK_S = 1.0
SLOW_S, SLOW_HOP_S = 1.0, 10.0
"""Calls that take longer on average are not submitted ahead: a worker that is free takes the item instead. What hops has a payload, whose
way to another machine is saved by being early."""
PAYLOADS_LOST = 10
"""So often an item is begun anew because what it had become is gone with a machine."""


def run_on_actors(pools: Sequence[Pool], pull: Pull, policy: Policy, label: str, tell: Tell) -> Iterator[tuple[Any, Any]]:
    """Yield `(item, result)`; Ray is running. See `run_pools`."""
    loop = _Loop(pools, pull, policy, Voice(label, policy, tell))
    try:
        yield from loop.results()
    finally:
        loop.stop()


class _Loop:
    def __init__(self, pools: Sequence[Pool], pull: Pull, policy: Policy, voice: Voice) -> None:
        self._pools, self._policy, self._voice = [pool.name for pool in pools], policy, voice
        self._stock = Stock(pools, pull)
        self._hands = Hands()
        self._crew = Crew(pools, policy, self._stock, voice, self._hands)
        self._waiting = Waiting(pools, voice)
        self._call_s = dict.fromkeys(self._pools, math.inf)

    def results(self) -> Iterator[tuple[Any, Any]]:
        while True:
            while self._stock.out:
                yield self._stock.out.popleft()
            if self._crew.stop:
                raise SameCause(f"{self._voice.label}: nothing comes out any more, on fresh workers too: {self._crew.stop}")
            if not self._stock.is_empty:
                self._crew.fill()
            self._assign()
            if self._is_over():
                return
            for hand in self._hands.wait(self._patience_s()):
                if hand.number in self._hands.all:  # what another hand told may have ended it
                    self._hear(hand)
            self._end_overdue()
            self._crew.end_late()
            self._waiting.check(self._hands)

    def stop(self) -> None:
        self._hands.stop()

    def _is_over(self) -> bool:
        if not self._stock.is_empty or self._hands.are_busy:
            return False
        self._crew.ask_idle()
        return self._stock.is_empty and not self._hands.are_busy

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
            if hand.ready:  # what work raises ends the run
                raise
            self._crew.cannot_be_made(hand, error)
            return
        if isinstance(told, Died):
            self._died(hand, told)
        elif isinstance(told, PayloadLost):
            self._payload_lost(hand)
        elif isinstance(told, tuple):
            self._called(hand, *told)
        elif hand.ready:
            self._crew.is_ready(hand)

    def _called(self, hand: Hand, header: Header, payload: Any) -> None:
        call, name = hand.calls.popleft(), hand.pool.name
        self._crew.came_back(hand)
        known_s = self._call_s[name]
        self._call_s[name] = header.seconds if known_s == math.inf else known_s + 0.2 * (header.seconds - known_s)
        cause = "" if header.to is not None else self._policy.cause_of(header.result)
        if call.probe:
            self._crew.probed(hand, cause)
        elif self._policy.as_probe(call.item) is None:  # of its worker it says nothing
            self._go_on(call, header, payload)
        elif cause:
            self._stock.hold()
            self._crew.failed(hand, Failure(call=call, result=header.result, cause=cause))
        else:
            self._crew.managed(hand, replace(call))
            self._go_on(call, header, payload)
        self._crew.recycle(hand, header)

    def _go_on(self, call: Call, header: Header, payload: Any) -> None:
        if header.to is None:
            self._stock.finish(call, header.result)
            return
        item = f"{self._voice.label}: {self._policy.name_of(call.item)}"
        require(header.to in self._pools, item, "hop to", header.to, f"one of {', '.join(self._pools)}")
        self._stock.go_on(call, header.to, payload)

    def _died(self, hand: Hand, died: Died) -> None:
        if died.cause == NODE_LOST:
            self._voice.tell("worker_lost", pool=hand.pool.name, cause=died.cause)
            self._voice.say(f"a worker of pool {hand.pool.name} is gone: {died.cause}; its items are begun anew")
            self._crew.take_back(hand, list(hand.calls))
        elif not hand.ready:
            self._crew.died_unready(hand, died)
        else:
            self._charge(hand, died, list(hand.calls))

    def _charge(self, hand: Hand, died: Died, calls: list[Call]) -> None:
        """The call that ran is to blame. Where it is not known which of two did, both are made again alone, without charge."""
        blamed = _blamed(hand, died, calls)
        rest = [call for call in calls if call not in blamed]
        if not blamed:
            self._voice.died(hand.pool.name, died, None)
            self._crew.take_back(hand, rest)
            return
        call = blamed[0]
        call.attempts += len(blamed) == 1 and not call.probe
        self._voice.died(hand.pool.name, died, call)
        self._crew.lost(hand, call, died.cause)
        self._stock.put_back(rest)
        for each in blamed:
            if not each.probe:
                self._suspect(each, died.cause)

    def _suspect(self, call: Call, cause: str) -> None:
        call.suspect, call.alone = True, cause == OUT_OF_MEMORY
        if call.attempts >= self._policy.attempts:
            self._stock.finish(call, Lost(reason=f"worker died ({cause}) in {call.attempts} attempts", attempts=call.attempts))
        else:
            self._stock.again(call, held=False)

    def _payload_lost(self, hand: Hand) -> None:
        call = hand.calls.popleft()
        hand.answers.popleft()
        hand.since_s, call.lost_payloads = time.monotonic(), call.lost_payloads + 1
        if call.probe:
            self._crew.cannot_probe(hand)
        elif call.lost_payloads >= PAYLOADS_LOST:
            reason = "what it had become was lost with a machine, again and again"
            self._stock.finish(call, Lost(reason=reason, attempts=call.lost_payloads))
        else:
            self._stock.again(call, held=False)

    # what takes too long

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
        self._voice.tell("timed_out", pool=hand.pool.name, item=self._policy.name_of(call.item), cause=cause)
        self._voice.say(f"{self._policy.name_of(call.item)}: {cause}; its worker is exchanged")
        self._crew.lost(hand, call, cause)
        if not call.probe:
            self._stock.finish(call, Lost(reason=cause, attempts=call.attempts + 1))
        self._stock.put_back(calls[1:])

    def _patience_s(self) -> float:
        """Until something is due even if no worker says a word."""
        due_s = min(self._crew.next_due_s(), *map(self._due_s, self._hands.all.values()), math.inf)
        return min(TICK_S, max(0.01, due_s - time.monotonic()))


def _blamed(hand: Hand, died: Died, calls: list[Call]) -> list[Call]:
    """The call that ran when the worker died; all of them where that is not known; none where it had nothing to do.

    A worker that did nothing yet is not idle: what lets it die as soon as it is given something must not go on for ever.
    """
    if died.begun is None or died.begun <= hand.done == 0:
        return [call for call in calls if not call.probe] or calls[:1]
    return calls[died.begun - hand.done - 1 :][:1] if died.begun > hand.done else []
