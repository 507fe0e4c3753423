"""Which failed items a later run tries again: one policy for pairs, cases and scores.

RetryFailed()                    all of them, as by default
RetryFailed(reason="CUDA")       those whose reason contains it
RetryFailed(keep=True)           none
"""

from __future__ import annotations

from dataclasses import dataclass

from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryFailed:
    """`reason`: a part of the reasons that are tried again, "" for all; `keep`: failed items stay as they are."""

    reason: str = ""
    keep: bool = False

    def __post_init__(self) -> None:
        both = self.keep and bool(self.reason)
        require(not both, "retry", "keep_failed", f"it beside retry_failed {self.reason!r}", "one of them")

    def wants(self, reason: str) -> bool:
        """Whether an item that failed for `reason` is tried again."""
        return not self.keep and self.reason in reason
