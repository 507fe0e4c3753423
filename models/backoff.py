"""When to make the same HTTP call again: as long as the server asks, else after 1, 2, 4 ... units and up to half as much again.

How often, or how long, is the caller's own bound: attempts of a question (`models.mllm`), patience with a service, tries for a file
(`models.baselines.hosted`). Storage waits otherwise (`models.retries`): its libraries hand on no header, and errors tell what passes.
"""

from __future__ import annotations

import random
import re
from email.utils import parsedate_to_datetime


def backoff_s(attempt: int, unit_s: float, most_s: float) -> float:
    """Seconds to wait after attempt number `attempt`, from 1 on, came to nothing; the jitter parts callers which failed together."""
    return min(unit_s * 2.0 ** min(attempt - 1, 60), most_s) * random.uniform(1.0, 1.5)


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """Seconds to wait by a Retry-After header, which holds seconds or a date; None without or with an unreadable one."""
    if header is None or re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", header):
        return None if header is None else float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now_s)
    except (TypeError, ValueError, OverflowError):
        return None
