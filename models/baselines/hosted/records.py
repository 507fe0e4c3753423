"""A job on disk: what was asked of a service and how far it has come, under the hash of what was asked.

    new ──intent──▶ asked ──task id──▶ running ──video──▶ finished        failed, unknown: come to nothing

`asked` is on disk before a call that may be billed, `running` before the first poll: a client killed at any moment finds what it did. No
record holds a key or a link.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Callable, Iterator, Literal

from models.artifacts import read_json, sha256_file, write_json
from models.types import require

State = Literal["new", "asked", "running", "finished", "failed", "unknown"]
_LOCK_WAIT_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`key`: hash of what was asked; `label`: the request that asked first; `attempt`: how often a task was wanted of the service.

    `polls`, `seconds`: of the task that finished; `usd`: as estimated, then as settled; None where no price is known.
    """

    key: str
    label: str = ""
    state: State = "new"
    attempt: int = 0
    task: str = ""
    asked_s: float = 0.0
    submitted_s: float = 0.0
    polls: int = 0
    seconds: float = 0.0
    usd: float | None = None
    reason: str = ""
    sha256: str = ""
    size_b: int = 0

    @property
    def own_id(self) -> str:
        """What the service is told to call the task, anew with every attempt."""
        return f"af-{self.key[:32]}-{self.attempt}"

    @property
    def in_flight(self) -> bool:
        """Whether the service may be at work on it."""
        return self.state in ("asked", "running")


class Jobs:
    """The jobs of one system in its folder, shared by threads and processes of one machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        return self.folder / "jobs" / f"{key}.json"

    def video(self, key: str) -> Path:
        return self.folder / "results" / f"{key}.mp4"

    def read(self, key: str, label: str = "") -> Job:
        """The record, or a new job. Raises ValueError for a damaged one: behind it may stand a task that was paid for."""
        path = self.path(key)
        if not path.is_file():
            return Job(key=key, label=label)
        known = read_json(path)
        whole = isinstance(known, dict) and set(known) <= {field.name for field in fields(Job)} and known.get("key") == key
        require(whole, str(path), "content", "something else", "the record of a job", "delete it to submit anew")
        return Job(**known)

    def write(self, job: Job) -> Job:
        write_json(self.path(job.key), asdict(job))
        return job

    def answered(self) -> set[str]:
        """Labels of the requests whose video lies here by the records; what is damaged answers none."""
        found = set[str]()
        for path in (self.folder / "jobs").glob("*.json"):
            try:
                job = self.read(path.stem)
            except (ValueError, OSError):
                continue
            if job.state == "finished" and self.video(job.key).is_file():
                found.add(job.label)
        return found

    def delivered(self, job: Job) -> bool:
        """Whether its video lies here, byte for byte."""
        path = self.video(job.key)
        return job.state == "finished" and path.is_file() and path.stat().st_size == job.size_b and sha256_file(path) == job.sha256

    @contextmanager
    def alone(self, key: str, sleep: Callable[[float], None]) -> Iterator[None]:
        """Hold the job: of several askers one submits, and the others find its answer."""
        lock = self.folder / "locks" / f"{key}.lock"
        while (handle := try_lock(lock)) is None:
            sleep(_LOCK_WAIT_S)
        with os.fdopen(handle, "rb"):
            yield


def try_lock(path: Path) -> int | None:
    """An open file descriptor that holds the lock until it is closed or its process ends; None where another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def age_s(job: Job) -> float:
    """How long ago it was asked for."""
    return time.time() - max(job.asked_s, job.submitted_s)
