"""What is sent to a service, and what its replies mean to whoever waits for a clip: the words between providers and the machine.

A provider makes a `Call` and reads a `Reply` into one of the outcomes; which of them may be tried again, and whether a task may have come
of it, is in their names and not in status codes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Protocol

from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request, signed. `headers` hold credentials, so its repr shows neither them nor the body."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`text` is free of our secrets; `retry_after_s`: as the service asks."""

    status: int
    text: str
    retry_after_s: float | None = None

    def json(self) -> dict[str, Any]:
        """The body as an object, {} where it is none."""
        try:
            body = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """There is a task now, and it may be billed. Raises ValueError for an id that no record or address can hold."""

    task: str

    def __post_init__(self) -> None:
        plain = self.task.isprintable() and 0 < len(self.task) <= 500
        require(plain, "reply", "task", repr(self.task)[:80], "a line of text, 1 to 500 characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The task is not done yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """`url`: where the video lies for a while; `units`, `tokens`: what the service says it took; None: it does not say."""

    url: str = field(repr=False)
    units: float | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The task came to nothing, or is gone from the service."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Nothing has happened; the same call may succeed later."""

    reason: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """The signature has run out or is not valid yet: sign anew."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing has happened, nor will it by asking again: a wrong field, a wrong key, a policy, an empty account."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """The call went out and no proper reply came back: the service may have done what it was asked."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """The answer lies behind another call, made at a moment as the first was."""

    make: Callable[[float], Call]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One page of the account's tasks: (our id, task id, made at, s since 1970); `last`: no page follows."""

    tasks: tuple[tuple[str, str, float], ...]
    last: bool


Trouble = Busy | Unsigned | Refused | Unclear


class Provider(Protocol):
    """A service's contract. Calls are made at `now_s`, s since 1970, and signed with keys read from the environment at that moment."""

    name: str
    can_look_up: bool
    key_names: tuple[str, ...]

    def submit(self, body: Mapping[str, Any], own_id: str, now_s: float) -> Call: ...
    def read_submit(self, reply: Reply) -> Accepted | Trouble: ...
    def poll(self, task: str, now_s: float) -> Call: ...
    def read_poll(self, task: str, reply: Reply) -> Running | Done | Failed | Follow | Trouble: ...
    def look_up(self, page: int, now_s: float) -> Call: ...
    def read_look_up(self, reply: Reply) -> Listed | Trouble: ...


def by_status(reply: Reply, said: str, keys: tuple[str, ...]) -> Trouble:
    """What a reply means by its HTTP status alone, for what a contract does not name."""
    told = f"HTTP {reply.status}" + (f" ({said[:300]})" if said else "")
    if reply.status in (408, 425, 429):
        return Busy(reason=told, retry_after_s=reply.retry_after_s)
    if reply.status >= 500 or 200 <= reply.status < 300:
        return Unclear(reason=told)
    if reply.status in (401, 403):
        return Refused(reason=f"{told}, expected access; check {' and '.join(keys)}")
    return Refused(reason=f"{told}, expected HTTP 200")
