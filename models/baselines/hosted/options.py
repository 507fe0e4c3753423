"""What may be said of any hosted system beside its own settings. None of it decides a pixel: `identity` False."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from models.artifacts import cache_folder
from models.baselines.hosted.address import check_base_url
from models.types import require


def aside(default: Any, help_text: str, place: bool = False) -> Any:
    """A field that does not count as identity of what is made. `place`: it holds a path."""
    return field(default=default, metadata={"identity": False, "help": help_text, "place": place})


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedOptions:
    """Where, how many at a time, how patiently and for how much."""

    base_url: str = aside("", "another address of the service, or a server on this machine; empty: the official one")
    state: str = aside("", "folder of job records, answers and costs.jsonl; empty: `hosted` in the cache", place=True)
    upload: str = aside("", "where the service may fetch files from: s3://BUCKET/PREFIX, or an https address that takes PUT and serves GET")
    concurrency: int = aside(1, "tasks at a time over all processes of this machine")
    poll_s: float = aside(10.0, "the interval at which a task is asked for")
    patience_s: float = aside(900.0, "how long a busy or silent service is put up with")
    timeout_s: float = aside(3600.0, "the most one call waits for a task; the task is kept")
    resubmit: Literal["never", "failed", "unknown", "any"] = aside(
        "never", "which jobs that came to nothing are submitted, and billed, anew"
    )
    max_cost_usd: float | None = aside(None, "the most costs.jsonl of the state folder may come to; needs a price")
    usd_per_s: float | None = aside(None, "price of a second of video")

    @property
    def folder(self) -> Path:
        """Where job records, answers and costs.jsonl lie."""
        return Path(self.state).expanduser() if self.state else cache_folder() / "hosted"

    def __post_init__(self) -> None:
        if self.base_url:
            check_base_url("option", "base_url", self.base_url)
        require(1 <= self.concurrency <= 64, "option", "concurrency", self.concurrency, "1 to 64")
        for name in ("poll_s", "patience_s", "timeout_s"):
            require(getattr(self, name) > 0, "option", name, getattr(self, name), "> 0 s")
        for name in ("max_cost_usd", "usd_per_s"):
            value = getattr(self, name)
            require(value is None or value >= 0, "option", name, value, ">= 0 USD")
        for name, kind in get_type_hints(type(self)).items():
            if get_origin(kind) is Literal:
                words = get_args(kind)
                require(getattr(self, name) in words, "option", name, repr(getattr(self, name)), f"one of {', '.join(words)}")
