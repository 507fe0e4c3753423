"""The words of the executor: pools of workers, items that hop from pool to pool, what happens to those that go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Protocol

from models.types import require

LOAD_S = 1800.0
"""Weights of tens of GB over a network take minutes; a worker that is not ready after so long hangs."""
Work = Callable[..., Any]
"""`work(item, *payloads)`: `payloads` are those of the hops so far. Returns the item's result, or a `Hop`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Worker processes of one kind. `make_worker` is picklable and runs once in each, where what is costly is loaded.

    `cpus`, `gpus`: what each worker occupies, fractions allowed. A worker that occupies accelerators sees those and no other; one that
    occupies none sees what its machine has. Paths in `make_worker` are absolute: a worker has another working folder.
    `spotless`: the work leaves nothing in its process, so that the next run of the session goes on with it.
    """

    name: str
    workers: int
    make_worker: Callable[[], Work]
    cpus: float = 1.0
    gpus: float = 0.0
    spotless: bool = False

    def __post_init__(self) -> None:
        whole = isinstance(self.workers, int) and self.workers >= 0
        require(whole, f"pool {self.name}", "workers", self.workers, "a whole number >= 0", "0 runs in this process")
        require(not (self.spotless and self.gpus), f"pool {self.name}", "gpus", self.gpus, "0 where workers are spotless")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """In place of a result: the item goes on in the pool `to`. `payload` stays where it is until it is read there, never in the head."""

    to: str
    payload: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """In place of a result: no worker brought the item to an end.

    `reason` is fit for a row, the same on every machine: "timed out after 60 s", "worker died (SIGSEGV) in 3 attempts".
    """

    reason: str
    attempts: int


def no_cause(result: Any) -> str:
    """Nothing that returns is a failure."""
    return ""


def itself(item: Any) -> Any:
    """An item whose work can be done once more, its result thrown away, without harm."""
    return item


def every(item: Any) -> bool:
    """All items are alike."""
    return True


def short_name(item: Any) -> str:
    """What an item is called in messages."""
    text = " ".join(str(item).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is borne with. `timeout_s`: the most one call may take (None: no limit); `attempts`: calls an item gets whose worker dies.
    `hurried(item)`: whether the limit holds for it; `load_s`: the most that the making of a worker may take.

    `cause_of(result)`: why an item failed, "" where it did not, the same words for the same cause: tells an ill worker from a bad item. It
    runs in the head and is cheap. Items that failed on a worker found ill are made once more: an item's work can be done twice.
    `as_probe(item)`: the item as a test for a worker that fails: its result is thrown away, so that it should leave nothing behind. None:
    not fit for it, and what comes of the item says nothing of its worker. `name_of(item)`: what messages call it.
    `memory_b`: a worker is exchanged after a call that left it with more than this (None: its share of the machine).
    `stop_after`: so many items that failed for one cause on several fresh workers, before anything came out, end the run (None: never).
    """

    timeout_s: float | None = None
    load_s: float | None = LOAD_S
    hurried: Callable[[Any], bool] = every
    attempts: int = 3
    cause_of: Callable[[Any], str] = no_cause
    as_probe: Callable[[Any], Any | None] = itself
    name_of: Callable[[Any], str] = short_name
    memory_b: int | None = None
    stop_after: int | None = 32

    def limit_s(self, item: Any) -> float | None:
        """The most a call with the item may take."""
        return self.timeout_s if self.timeout_s is not None and self.hurried(item) else None

    def __post_init__(self) -> None:
        fit = self.timeout_s is None or self.timeout_s > 0
        require(fit, "policy", "timeout_s", self.timeout_s, "seconds > 0, or none for no limit")
        require(self.load_s is None or self.load_s > 0, "policy", "load_s", self.load_s, "seconds > 0, or none for no limit")
        require(self.attempts >= 1, "policy", "attempts", self.attempts, "a whole number >= 1")


class Tell(Protocol):
    """Is told what happens to workers, for the diary: `tell("worker_died", pool="teacher", item="...", cause="SIGSEGV", attempt=1)`.

    Kinds: worker_started, worker_died, worker_lost (its node went), timed_out, worker_ill, given_up (a place in which every worker falls
    ill), worker_recycled, waiting.
    """

    def __call__(self, kind: str, **fields: Any) -> None: ...


def silent(kind: str, **fields: Any) -> None:
    """Nobody keeps a diary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An item and the pool in which it begins."""

    pool: str
    item: Any


Pull = Callable[[], Start | None]
"""The next item; None: nothing now. Asked again after every result, so that results may bring work; all is done when none is left."""


class SameCause(ValueError):
    """The run was stopped: one cause failed everything, on fresh workers too."""


class SessionLost(SameCause):
    """The run was stopped: this machine's part of Ray is gone, and no worker can come any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where the pools live. `address`: HOST:PORT of a cluster to join, or auto ("": RAY_ADDRESS, else a session of our own).

    `store_b`: size of our own session's object store, which holds payloads; `env`: environment variables of all workers.
    """

    address: str = ""
    store_b: int = 128 << 20
    env: dict[str, str] = field(default_factory=dict)
