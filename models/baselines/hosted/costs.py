"""`costs.jsonl`: what every task was expected to cost and what it did; no task is begun whose estimate would lead its sum beyond a cap.

A task has an `estimated` line before it is submitted, then a `settled` one, or `released` where no task came of it. The last line of a task
counts, so a line written twice, as after a crash, is no second bill. Estimates are held on disk, under a lock of the folder: the cap holds
for all threads and processes of one machine together, those that died among them. (`models.mllm.budget` holds them in memory, for calls of
seconds which end with their process, and waits for those under way to come out cheaper.)
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

from models.baselines.hosted.records import Job, try_lock
from models.mllm.budget import ROUNDING_USD, CapReached
from models.mllm.log import CallLog

COSTS_FILE = "costs.jsonl"


class Costs:
    """The log of all systems in one state folder, shared by threads and processes."""

    def __init__(self, folder: Path, sleep: Callable[[float], None]) -> None:
        self._log, self._lock, self._sleep = CallLog(folder / COSTS_FILE), folder / "locks" / "costs.lock", sleep

    def rows(self) -> list[dict[str, Any]]:
        return self._log.rows()

    def spent_usd(self) -> float:
        """The sum over tasks, those under way as estimated."""
        return sum(self._by_task().values())

    def _by_task(self) -> dict[tuple[str, str, int], float]:
        return {(row["name"], row["key"], row["attempt"]): row["cost_usd"] for row in self.rows()}

    def seconds_of(self, name: str) -> list[float]:
        """How long the finished tasks of a system took, in order."""
        return [row["seconds"] for row in self.rows() if row["name"] == name and row.get("seconds")]

    def reserve(self, name: str, job: Job, cap_usd: float | None) -> None:
        """Hold a task's estimate; one that is held since before a crash counts once. Raises CapReached."""
        while (handle := try_lock(self._lock)) is None:
            self._sleep(0.01)
        try:
            others = {task: usd for task, usd in self._by_task().items() if task != (name, job.key, job.attempt)}
            if cap_usd is not None and (spent := sum(others.values())) + (job.usd or 0.0) > cap_usd + ROUNDING_USD:
                raise CapReached(spent)
            self.note(name, job, "estimated")
        finally:
            os.close(handle)

    def note(self, name: str, job: Job, kind: str, **facts: Any) -> None:
        row = {"time": datetime.now(timezone.utc).isoformat(timespec="seconds"), "name": name, "key": job.key, "label": job.label}
        usd = 0.0 if kind == "released" else job.usd
        self._log.append(row | {"attempt": job.attempt, "kind": kind, "cost_usd": usd or 0.0, "priced": usd is not None} | facts)
