"""Puts calls on threads, shows progress, and stops where going on is useless: at the cost cap, or when nobody answers.

Every reply is in the log when it is here, so a stop or a kill loses at most the calls under way.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Sequence

from awbench.judging.outputs import Outputs
from awbench.judging.protocols import Ask, question_of
from models.mllm.client import Client
from models.mllm.errors import CostCapReached, MllmError, Unreachable
from models.progress import Progress

MOST_UNREACHABLE = 10
"""So many calls in a row without any reply, after all their retries, and the endpoint is given up."""
_END = object()


@dataclass(slots=True, kw_only=True)
class Session:
    """What came of one go. `outcomes`: answered, refused, unparsed, unreachable, unshown; `stopped`: why before the end, or ""."""

    outcomes: Counter[str] = field(default_factory=Counter)
    stopped: str = ""
    _silent: int = 0

    def note(self, result: str | Exception) -> None:
        """Count one result and decide whether to go on."""
        kind = result if isinstance(result, str) else result.kind if isinstance(result, MllmError) else "unshown"
        if isinstance(result, CostCapReached):
            self.stopped = self.stopped or str(result)
            return
        self.outcomes[kind] += 1
        self._silent = self._silent + 1 if isinstance(result, Unreachable) else 0
        if self._silent >= MOST_UNREACHABLE:
            self.stopped = self.stopped or f"{self._silent} calls in a row reached nobody, the last: {result}"


def ask_all(client: Client, asks: Sequence[Ask], outputs: Outputs, *, workers: int, done: int = 0) -> Session:
    """Ask everything, `workers` at a time. `done`: calls of an earlier go, for the progress line."""
    session = Session()
    with Progress("judge", total=done + len(asks), already=done) as progress:
        for result in _on_threads(lambda ask: _ask(client, ask, outputs), asks, workers, lambda: bool(session.stopped)):
            session.note(result)
            progress.step(failed=result != "answered")
    return session


def _ask(client: Client, ask: Ask, outputs: Outputs) -> str | Exception:
    try:
        question = question_of(ask, outputs)
    except ValueError as error:  # this case cannot be shown; its row will say why
        return error
    try:
        client.ask(question, sample=ask.sample, about={"to": [(target, ask.facts(target, outputs)) for target in ask.targets]})
        return "answered"
    except MllmError as error:
        return error


def _on_threads(work: Callable[[Any], Any], items: Iterable[Any], workers: int, enough: Callable[[], bool]) -> Iterable[Any]:
    """Results as they come. Once `enough` no item is begun, but those under way are finished; Ctrl-C waits for nobody."""
    waiting, results, stop = iter(items), queue.SimpleQueue(), threading.Event()
    lock = threading.Lock()

    def take() -> Any:
        with lock:
            return _END if stop.is_set() else next(waiting, _END)

    def loop() -> None:
        while (item := take()) is not _END:
            try:
                results.put((work(item), None))
            except BaseException as error:  # a mistake of ours: raised where it is seen
                results.put((None, error))
        results.put(_END)

    for _ in range(workers):
        threading.Thread(target=loop, daemon=True).start()
    running = workers
    try:
        while running:
            result = results.get()
            running -= result is _END
            if result is not _END and result[1] is not None:
                raise result[1]
            if result is not _END:
                yield result[0]
            if enough():
                stop.set()
    finally:
        stop.set()
