"""What is asked of the machine, within which bounds, and what it hands back or why not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

from models.baselines.hosted.outcomes import Done
from models.baselines.hosted.records import Job


class HostedError(ValueError):
    """Why there is no answer. `kind`: refused, failed, unknown, unreachable, late or cost."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`poll_s`: the service's interval; `patience_s`: how long trouble is put up with; `timeout_s`: the most one asking waits for a task.

    `expires_s`: after which a service has forgotten a task.
    """

    concurrency: int
    poll_s: float
    patience_s: float
    timeout_s: float
    expires_s: float
    max_cost_usd: float | None = None
    resubmit: str = "never"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """`body`: makes the submit's fields, uploads included; `usd`: what it may cost; `usd_of`: what it did, by the service's word.

    `check`: raises ValueError where a video is none.
    """

    key: str
    label: str
    body: Callable[[], Mapping[str, Any]]
    usd: float | None
    usd_of: Callable[[Done], float | None]
    check: Callable[[Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The kept video and its job."""

    video: Path
    job: Job
