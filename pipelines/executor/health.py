"""Which worker of a pool is ill, and when a run is to stop: decisions only, no process is touched here.

A failure is the item's fault or the worker's. Failures of a worker are held back until it is known: the worker manages another item, and
they are the items' own; or it fails what another has managed, and they are made again elsewhere. Two in a row raise the question; a worker
that has answered it well is asked again after four, then eight. Before anything was managed there is nothing to ask with: the worker is
exchanged and the failed items wait for a fresh one; one cause for many items on several workers ends the run. Items that cannot be a probe
say nothing of a worker: they are not told of here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FRESH = 3
"""So many workers must agree before a run is stopped."""
IN_A_ROW = 2
ILL_TWICE = 2
"""An item that opened the failures of so many ill workers has made them ill."""


@dataclass(slots=True, eq=False)
class Call:
    """An item on its way through the pools: the executor's note of it, changed as it goes.

    `attempts`: calls whose worker died; `opened`: ill workers whose first failure it was; `tried`: it failed before anything was managed;
    `suspect`: it waits until nothing else is to do; `alone`: nothing else may run beside it; `probe`: its result is thrown away.
    """

    item: Any
    start: str
    pool: str
    payloads: tuple[Any, ...] = ()
    attempts: int = 0
    opened: int = 0
    lost_payloads: int = 0
    tried: bool = False
    suspect: bool = False
    alone: bool = False
    probe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A result that says why the item failed."""

    call: Call
    result: Any
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`release`: genuine, to be handed on; `again`: to be made once more, without charge; `probe`: the worker tries the known good item;
    `exchange`: a fresh worker for this one; `stop`: the cause that ends the run.
    """

    release: tuple[Failure, ...] = ()
    again: tuple[Call, ...] = ()
    probe: bool = False
    exchange: bool = False
    stop: str = ""


NOTHING = Decision()


@dataclass(slots=True)
class _State:
    held: list[Failure] = field(default_factory=list)
    threshold: int = IN_A_ROW
    probing: bool = False


@dataclass(slots=True)
class _Alike:
    """What failed for one cause since something was managed: items by identity, so they are kept alive here."""

    calls: dict[int, Call] = field(default_factory=dict)
    workers: set[int] = field(default_factory=set)


class Health:
    """Of one pool. Workers are numbers, a fresh one has a fresh number."""

    def __init__(self, stop_after: int | None) -> None:
        self._stop_after = stop_after
        self._states: dict[int, _State] = {}
        self._alike: dict[str, _Alike] = {}
        self._unproven: set[int] = set()
        self._ill: tuple[str, int] = ("", 0)
        self._managed_any = self._asks_fresh = False
        self.good: Call | None = None
        """The item that was managed last: what a probe is made of."""

    def managed(self, worker: int, call: Call) -> Decision:
        """A regular item came out, or hopped on: what the worker failed before was the items' own fault."""
        state = self._state(worker)
        released, state.held, state.threshold = tuple(state.held), [], IN_A_ROW
        self._managed_any, self.good = True, call
        self._alike.clear()
        self._ill = ("", 0)
        return Decision(release=released)

    def failed(self, worker: int, failure: Failure) -> Decision:
        """A regular item came out with the cause why it failed."""
        state = self._state(worker)
        if not self._managed_any:
            return self._failed_before_anything(worker, state, failure)
        state.held.append(failure)
        due = len(state.held) >= state.threshold or failure.call.opened > 0
        return self._ask(state) if due else NOTHING

    def probed(self, worker: int, cause: str, hopeless: bool = True) -> Decision:
        """The worker has tried the known good item: `cause` of its failure or death, "" where it managed. `hopeless`: no other may do."""
        state = self._state(worker)
        state.probing = False
        if not cause:
            self._alike.clear()
            self._ill = ("", 0)
            released, state.held = tuple(state.held), []
            state.threshold *= 2 if released else 1
            return Decision(release=released)
        return self._is_ill(worker, cause, hopeless)

    def lost(self, worker: int, call: Call, cause: str) -> Decision:
        """The worker died or hung over a regular item. What it held is made again. Many alike ask a fresh worker, or end the run."""
        many = self._is_many(worker, call, cause)
        self._asks_fresh = self._asks_fresh or many and self._managed_any
        return Decision(again=self.gone(worker), stop=cause if many and not self._managed_any else "")

    def gone(self, worker: int) -> tuple[Call, ...]:
        """The worker is no more, through no fault of an item; returns what it held."""
        state = self._states.pop(worker, _State())
        return tuple(failure.call for failure in state.held)

    def fresh(self, worker: int, doubted: bool = False) -> Decision:
        """The worker is ready for its first item: it may have to try the known good one. `doubted`: those before it went wrong."""
        if not (self._asks_fresh or doubted) or self.good is None:
            return NOTHING
        self._asks_fresh = False
        return self._ask(self._state(worker))

    def idle(self, worker: int) -> Decision:
        """Nothing else is to do: ask now, or believe where there is nothing to ask with."""
        state = self._state(worker)
        if not state.held or state.probing:
            return NOTHING
        return self._ask(state) if self.good is not None else self._believe(state)

    def no_answer(self, worker: int) -> Decision:
        """The known good item cannot be had any more (a node took its payload along): what is held is believed."""
        self.good, state = None, self._state(worker)
        state.probing = False
        return self._believe(state)

    def _state(self, worker: int) -> _State:
        return self._states.setdefault(worker, _State())

    def _ask(self, state: _State) -> Decision:
        if state.probing or self.good is None:
            return NOTHING
        state.probing = True
        return Decision(probe=True)

    def _believe(self, state: _State) -> Decision:
        released, state.held = tuple(state.held), []
        return Decision(release=released)

    def _is_ill(self, worker: int, cause: str, hopeless: bool) -> Decision:
        held = self._states.pop(worker).held
        self._ill = (cause, self._ill[1] + 1 if cause == self._ill[0] else 1)
        if hopeless and self._ill[1] >= FRESH:
            return Decision(release=tuple(held), exchange=True, stop=cause)
        self._asks_fresh = True
        if held:
            held[0].call.opened += 1
            held[0].call.suspect = True
        genuine = tuple(failure for failure in held if failure.call.opened >= ILL_TWICE)
        again = tuple(failure.call for failure in held if failure not in genuine)
        return Decision(release=genuine, again=again, exchange=True)

    def _failed_before_anything(self, worker: int, state: _State, failure: Failure) -> Decision:
        call = failure.call
        self._unproven.add(worker)
        if self._is_many(worker, call, failure.cause):
            held = tuple(held for each in self._states.values() for held in each.held)
            return Decision(release=(*held, failure), stop=failure.cause)
        if call.tried or self._stop_after is None and len(self._unproven) >= FRESH:
            return Decision(release=(failure,))
        state.held.append(failure)
        if len(state.held) < IN_A_ROW:
            return NOTHING
        for each in state.held:
            each.call.tried = each.call.suspect = True
        again, state.held = tuple(each.call for each in state.held), []
        exchange = len(self._unproven) < FRESH
        if exchange:
            del self._states[worker]
        return Decision(again=again, exchange=exchange)

    def _is_many(self, worker: int, call: Call, cause: str) -> bool:
        """Whether so many items have gone wrong for this cause, on several workers, that the run should not go on."""
        if self._stop_after is None:
            return False
        alike = self._alike.setdefault(cause, _Alike())
        alike.calls[id(call)] = call
        alike.workers.add(worker)
        return len(alike.calls) >= self._stop_after and len(alike.workers) >= FRESH
