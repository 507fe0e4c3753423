"""The workers of all pools and what becomes of them: asked for, tried, exchanged, given up. Which item they get is the loop's business."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pipelines.executor.actors import Died, Hand, Hands, last_lines
from pipelines.executor.health import FRESH, Call, Decision, Failure, Health
from pipelines.executor.pools import Policy, Pool, SameCause
from pipelines.executor.recycling import Recycling
from pipelines.executor.slots import Slots
from pipelines.executor.stock import Stock
from pipelines.executor.voice import Voice
from pipelines.executor.worker import Header


class Crew:
    """`stop`: the cause that ends the run, "" while nothing does."""

    def __init__(self, pools: Sequence[Pool], policy: Policy, stock: Stock, voice: Voice, hands: Hands) -> None:
        self.hands, self.stop = hands, ""
        self._pools, self._policy, self._stock, self._voice = pools, policy, stock, voice
        self._health = {pool.name: Health(policy.stop_after) for pool in pools}
        self._slots = {pool.name: Slots(pool.workers) for pool in pools}
        self._recycling = Recycling(policy, sum(pool.workers for pool in pools))
        self._stillborn = {pool.name: 0 for pool in pools}

    def fill(self) -> None:
        """As many workers as were asked for, but for places that are given up."""
        for pool in self._pools:
            for slot in self._slots[pool.name].free({hand.slot for hand in self.hands.of(pool)}):
                self.hands.start(pool, slot)

    # those that do not come to work yet

    def is_ready(self, hand: Hand) -> None:
        """It has made what it works with: it may have to show that it is well before it gets an item."""
        name = hand.pool.name
        self._stillborn[name] = 0
        self._recycling.welcome(hand, self.hands.nodes())
        self._voice.tell("worker_started", pool=name, pid=hand.place.pid, node=hand.place.node)
        self._decide(hand, self._health[name].fresh(hand.number, self._slots[name].is_doubted(hand.slot)))

    def cannot_be_made(self, hand: Hand, error: Exception) -> None:
        """What the making of the first workers raises ends the run; a later worker that cannot be made is tried again."""
        if not self._is_proven(hand.pool):
            raise error
        cause = f"{type(error).__name__}: {error}"
        self._voice.tell("worker_died", pool=hand.pool.name, item="", cause=cause, attempt=0)
        self.hands.end(hand)
        self._doubt(hand, cause)

    def died_unready(self, hand: Hand, died: Died) -> None:
        """Raises SameCause where that happens to one after the other and none of the pool is there."""
        self._voice.died(hand.pool.name, died, None)
        self._is_stillborn(hand, died.cause, "die before their first item", last_lines(died.printed, 3))

    def end_late(self) -> None:
        """End workers that have been loading for too long. Raises SameCause as `died_unready` does."""
        now = time.monotonic()
        for hand in tuple(self.hands.all.values()):
            if now > self._due_s(hand) and not self.hands.has_told(hand):
                cause, name = still_loading(self._policy.load_s), hand.pool.name
                self.hands.end(hand)
                self._voice.tell("worker_died", pool=name, item="", cause=cause, attempt=0)
                self._voice.say(f"a worker of pool {name} was {cause}: it is exchanged")
                self._is_stillborn(hand, cause, "cannot be made", [])

    def next_due_s(self) -> float:
        """When the next of them has been loading for too long."""
        return min(map(self._due_s, self.hands.all.values()), default=float("inf"))

    def _due_s(self, hand: Hand) -> float:
        limit_s = self._policy.load_s if hand.place is not None and not hand.ready else None
        return float("inf") if limit_s is None else hand.since_s + limit_s

    def _is_stillborn(self, hand: Hand, cause: str, what: str, printed: list[str]) -> None:
        name = hand.pool.name
        self._stillborn[name] += 1
        self._doubt(hand, cause)
        if self._stillborn[name] >= FRESH and not self._is_proven(hand.pool):
            raise SameCause(f"{self._voice.label}: workers of pool {name} {what}: {'; '.join([cause, *printed])}")

    def _is_proven(self, pool: Pool) -> bool:
        """Whether a worker of the pool could be made, and is there."""
        return any(other.ready for other in self.hands.of(pool))

    # those that work

    def came_back(self, hand: Hand) -> None:
        """It has answered a call, whatever the answer is."""
        self._stillborn[hand.pool.name] = 0

    def managed(self, hand: Hand, call: Call) -> None:
        self._slots[hand.pool.name].managed(hand.slot)
        self._decide(hand, self._health[hand.pool.name].managed(hand.number, call))

    def failed(self, hand: Hand, failure: Failure) -> None:
        self._decide(hand, self._health[hand.pool.name].failed(hand.number, failure), failure.cause)

    def probed(self, hand: Hand, cause: str) -> None:
        """The worker has tried the known good item: `cause` of its failure or death, "" where it managed."""
        name = hand.pool.name
        slots = self._slots[name]
        if cause:
            self._doubt(hand, cause)
        else:
            slots.managed(hand.slot)
        self._decide(hand, self._health[name].probed(hand.number, cause, slots.are_hopeless), cause)

    def cannot_probe(self, hand: Hand) -> None:
        """The known good item is gone."""
        self._decide(hand, self._health[hand.pool.name].no_answer(hand.number))

    def lost(self, hand: Hand, call: Call, cause: str) -> None:
        """The worker is gone, and it was the call's doing."""
        if call.probe:
            self.probed(hand, cause)
        elif self._policy.as_probe(call.item) is None:
            self.take_back(hand, [])
        else:
            self._slots[hand.pool.name].died(hand.slot)
            self._decide(hand, self._health[hand.pool.name].lost(hand.number, call, cause), cause)

    def ask_idle(self) -> None:
        """Nothing else is to do: failures that are held back are asked about now."""
        for hand in tuple(self.hands.all.values()):
            self._decide(hand, self._health[hand.pool.name].idle(hand.number))

    def recycle(self, hand: Hand, header: Header) -> None:
        """Count a call; exchange a worker that has grown too large once nothing lies ready for it."""
        if hand.number not in self.hands.all:
            return
        hand.leaving = self._recycling.is_due(hand, header) or hand.leaving
        if hand.leaving and not hand.calls:
            self._exchange(hand, "worker_recycled", cause=f"{hand.done} calls, {header.rss_b >> 20} MiB")

    def take_back(self, hand: Hand, calls: list[Call]) -> None:
        """The worker is gone through no fault of an item: nothing is charged."""
        for call in self._health[hand.pool.name].gone(hand.number):
            self._stock.again(call, held=True)
        self._stock.put_back(calls)

    def _decide(self, hand: Hand, decision: Decision, cause: str = "") -> None:
        for failure in decision.release:
            self._stock.release(failure.call, failure.result)
        for call in decision.again:
            self._stock.again(call, held=True)
        hand.probing = decision.probe
        if decision.probe:
            self._probe(hand)
        if decision.exchange and hand.number in self.hands.all:
            self._voice.say(f"a worker of pool {hand.pool.name} fails what others manage, or everything, and is exchanged: {cause}")
            self._exchange(hand, "worker_ill", cause=cause)
        self.stop = self.stop or decision.stop

    def _probe(self, hand: Hand) -> None:
        good = self._health[hand.pool.name].good
        item = self._policy.as_probe(good.item)
        self.hands.submit(hand, Call(item, good.start, good.pool, good.payloads, probe=True))

    def _exchange(self, hand: Hand, kind: str, **fields: Any) -> None:
        """End the worker; a fresh one comes where there is work. Calls that lay ready go to others."""
        calls = list(hand.calls)
        self.hands.end(hand)
        self._voice.tell(kind, pool=hand.pool.name, pid=hand.place.pid, **fields)
        self.take_back(hand, calls)

    def _doubt(self, hand: Hand, cause: str) -> None:
        """The worker was ill, or could not be made: its place is given up when that happens again and again; the last one ends the run."""
        name, node = hand.pool.name, hand.place.node if hand.place else ""
        if not self._slots[name].fell_ill(hand.slot, node):
            return
        self._voice.tell("given_up", pool=name, node=node, cause=cause)
        if self._slots[name].are_given_up:
            self.stop = self.stop or cause
        else:
            self._voice.say(f"pool {name} goes on with one worker less: {FRESH} in a row went wrong on node {node[:8]}: {cause}")


def still_loading(load_s: float | None) -> str:
    """The cause of a worker that does not come to an end with its loading."""
    return f"still loading after {load_s:g} s, the load timeout"
