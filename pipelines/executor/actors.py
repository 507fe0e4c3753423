"""Worker processes as the head sees them: Ray actors that start, answer, are given calls and are ended.

An actor has at most two calls: the second lies ready when the first ends. Only the first of each is waited for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from pipelines.executor.causes import NODE_LOST, cause_of_death
from pipelines.executor.health import Call
from pipelines.executor.pools import Pool
from pipelines.executor.source import source_hash, source_root
from pipelines.executor.worker import Header, Place, Worker, last_words

QUEUED = 2
TAIL_S = 3.0
"""So long another machine may take to hand over what a dead worker had printed."""


@dataclass(slots=True, eq=False)
class Hand:
    """One worker, in the place `slot` of its pool.

    `place`: None until its process runs; `ready`: it has made what it works with; `leaving`: gets no more calls. `since_s`:
    when its first call began, it began to load, or it was asked for; `calls` are in the order in which it makes them.
    """

    number: int
    pool: Pool
    slot: int
    actor: Any
    answer: Any
    since_s: float
    submit: Any = None
    place: Place | None = None
    ready: bool = False
    leaving: bool = False
    probing: bool = False
    calls: deque[Call] = field(default_factory=deque)
    answers: deque[tuple[Any, Any]] = field(default_factory=deque)
    done: int = 0
    first_rss_b: int = 0

    @property
    def awaited(self) -> Any:
        """The reference that tells of it next, None where nothing does."""
        if not self.ready:
            return self.answer
        return self.answers[0][0] if self.answers else None


@dataclass(frozen=True, slots=True)
class Died:
    """In place of an answer. `printed`: the last of what the worker had printed; `begun`: calls it had begun, None: not known."""

    cause: str
    printed: str
    begun: int | None = None


@dataclass(frozen=True, slots=True)
class PayloadLost:
    """In place of an answer: what an earlier pool had made is gone with its machine."""


_SPARE: list[tuple[str, Hand]] = []
"""Spotless workers of the last run, and the node that names its session."""


class Hands:
    """All workers of a run; `stop` ends them all, also those an exception's traceback still holds."""

    def __init__(self, head: tuple[str, str] | None = None) -> None:
        import ray

        self._ray = ray
        self._head = head or (str(source_root()), source_hash())
        self._node = ray.get_runtime_context().get_node_id()
        self._actor = ray.remote(max_restarts=0, max_task_retries=0)(Worker)
        self._numbers = 0
        self.all: dict[int, Hand] = {}

    def of(self, pool: Pool) -> list[Hand]:
        return [hand for hand in self.all.values() if hand.pool is pool]

    @property
    def are_busy(self) -> bool:
        return any(hand.calls for hand in self.all.values())

    def has_told(self, hand: Hand) -> bool:
        """Whether there is an answer that has not been read yet."""
        return bool(self._ray.wait([hand.awaited], num_returns=1, timeout=0)[0])

    def start(self, pool: Pool, slot: int) -> Hand:
        actor = self._spared(pool) or self._actor.options(num_cpus=pool.cpus, num_gpus=pool.gpus).remote(self._head)
        hand = Hand(number=self._numbers, pool=pool, slot=slot, actor=actor, answer=actor.where.remote(), since_s=time.monotonic())
        self.all[hand.number] = hand
        self._numbers += 1
        return hand

    def submit(self, hand: Hand, call: Call) -> None:
        if not hand.calls:
            hand.since_s = time.monotonic()
        hand.calls.append(call)
        hand.answers.append(tuple(hand.submit.remote(call.item, *call.payloads)))

    def wait(self, most_s: float) -> list[Hand]:
        """Hands that have something to tell, at least one unless `most_s` goes by before."""
        awaited = {ref: hand for hand in self.all.values() if (ref := hand.awaited) is not None}
        if not awaited:
            time.sleep(min(most_s, 0.05))
            return []
        some, rest = self._ray.wait(list(awaited), num_returns=1, timeout=most_s)
        if some and rest:
            more, _ = self._ray.wait(rest, num_returns=len(rest), timeout=0)
            some += more
        return [awaited[ref] for ref in some]

    def read(self, hand: Hand) -> Any:
        """What the worker tells: a `Place`, None once it is ready, (`Header`, reference to the payload); `Died` or `PayloadLost` instead.

        Raises what the pool's work or its making raised.
        """
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(hand.awaited)
        except errors.RayTaskError as error:
            if isinstance(error.cause, errors.ObjectLostError):
                return PayloadLost()
            raise (error.cause or error) from error
        except errors.ObjectLostError:
            return PayloadLost()
        except (errors.RuntimeEnvSetupError, errors.ActorUnschedulableError) as error:
            raise ValueError(f"pool {hand.pool.name}: workers cannot start: {' '.join(str(error).split())[:500]}") from error
        except errors.RayError as error:
            return self._death(hand, error)
        return self._step(hand, answer)

    def _step(self, hand: Hand, answer: Any) -> Any:
        if isinstance(answer, Header):
            _, payload = hand.answers.popleft()
            hand.since_s = time.monotonic()
            return answer, payload
        if isinstance(answer, Place):
            hand.place, hand.answer, hand.since_s = answer, hand.actor.make.remote(hand.pool.make_worker), time.monotonic()
        else:
            hand.ready, hand.submit = True, hand.actor.call.options(num_returns=2)
        return answer

    def end(self, hand: Hand) -> None:
        """Kill the worker; a process that cannot hear Ray any more is killed where that is possible."""
        self.all.pop(hand.number, None)
        with contextlib.suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(hand.actor)
        if hand.place and hand.place.node == self._node and (hand.calls or not hand.ready):
            with contextlib.suppress(OSError):
                os.kill(hand.place.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End them all; spotless ones that have nothing to do are spared for the next run of the session."""
        if not self._ray.is_initialized():
            _SPARE.clear()
            return
        self._dismiss()
        for hand in tuple(self.all.values()):
            if hand.pool.spotless and hand.ready and not hand.calls and not hand.leaving:
                _SPARE.append((self._node, self.all.pop(hand.number)))
            else:
                self.end(hand)

    def _spared(self, pool: Pool) -> Any | None:
        """A worker of the run before that occupies as much, accelerators none; where there is none, what others occupy is given back."""
        if _SPARE and _SPARE[-1][0] == self._node and (pool.cpus, pool.gpus) == (_SPARE[-1][1].pool.cpus, 0):
            return _SPARE.pop()[1].actor
        self._dismiss()
        return None

    def _dismiss(self) -> None:
        for node, hand in _SPARE:
            if node == self._node:  # else its session is over, and so is it
                self.end(hand)
        _SPARE.clear()

    @property
    def are_cut_off(self) -> bool:
        """Whether this machine's own Ray processes are gone: nothing comes of calls any more."""
        return self._node not in {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}

    def nodes(self) -> int:
        """Machines that take part."""
        return max(1, sum(node["Alive"] for node in self._ray.nodes()))

    def resources(self) -> dict[str, float]:
        """What all machines have together."""
        return self._ray.cluster_resources()

    def _death(self, hand: Hand, error: Exception) -> Died:
        self.all.pop(hand.number, None)
        with contextlib.suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(hand.actor)  # one that is only out of reach must not come back
        begun, printed = self._last_words(hand.place) if hand.place else (None, "")
        if printed is None or hand.place and hand.place.node not in {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}:
            return Died(NODE_LOST, "")
        return Died(cause_of_death(type(error).__name__, str(error), printed), printed, begun)

    def _last_words(self, place: Place) -> tuple[int | None, str | None]:
        """Nothing at all where the machine does not answer."""
        if not place.printed or place.node == self._node:
            return last_words(place.printed)
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(node_id=place.node, soft=False)
        try:
            return self._ray.get(self._ray.remote(num_cpus=0, scheduling_strategy=there)(last_words).remote(place.printed), timeout=TAIL_S)
        except self._ray.exceptions.RayError:
            return None, None


def last_lines(printed: str, most: int = 8) -> list[str]:
    """The lines that say most, for a person: where the process died by a signal, where in the code it was; else the last ones."""
    lines = [line[:300] for line in printed.splitlines() if line.strip()]
    fatal = [place for place, line in enumerate(lines) if line.startswith("Fatal Python error")]
    if not fatal:
        return lines[-most:]
    own = [line for line in lines[fatal[-1] :] if "/ray/" not in line and not line.startswith("Extension modules")]
    return own[:most]
