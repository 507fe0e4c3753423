"""When to ask again: first when a task is likely to be done, as those before it were, then at the service's own interval.

Ideal is a client that asks at the interval `poll_s` from the submission until the task is done: ceil(duration / poll_s) calls. This one
asks less: nothing before four fifths of what the faster quarter of earlier tasks took, and a late task ever more seldom.
"""

from __future__ import annotations

import threading

from models.backoff import backoff_s

_KNOWN, _TRUSTED, _EARLY, _LATE, _LONGEST_S = 40, 10, 0.8, 0.1, 30.0


class Pace:
    """Several threads may share it. `seen_s`: how long earlier tasks took; `likely_s`: a guess where there are none, trusted
    for ten intervals at most.
    """

    def __init__(self, poll_s: float, seen_s: list[float], likely_s: float | None = None) -> None:
        self.poll_s, self._guess_s, self._seen_s = poll_s, min(likely_s or 0.0, _TRUSTED * poll_s), list(seen_s)[-_KNOWN:]
        self._lock = threading.Lock()

    def learn(self, seconds: float) -> None:
        with self._lock:
            self._seen_s = [*self._seen_s, seconds][-_KNOWN:]

    def likely_s(self) -> float:
        with self._lock:
            known = sorted(self._seen_s)
        return known[len(known) // 4] if known else self._guess_s

    def first_wait_s(self, elapsed_s: float, fresh: bool) -> float:
        """As `wait_s`, for the first poll; a task found again may be done long since."""
        return self.wait_s(elapsed_s) if fresh else max(0.0, _EARLY * self.likely_s() - max(0.0, elapsed_s))

    def wait_s(self, elapsed_s: float) -> float:
        """Seconds to wait before the next poll of a task submitted `elapsed_s` ago; less than none where the clock was set back."""
        elapsed_s = max(0.0, elapsed_s)
        first_s = _EARLY * self.likely_s()
        late_s = min(_LATE * elapsed_s, max(self.poll_s, _LONGEST_S))
        return max(self.poll_s, first_s - elapsed_s, late_s)


class Patience:
    """Waits between attempts that come to nothing: as long as the service asks, else 1, 2, 4 ... 32 times `unit_s` (`models.backoff`).

    They end after `patience_s` of waiting: what counts is how long a service is put up with, not how often it was asked.
    """

    def __init__(self, unit_s: float, patience_s: float) -> None:
        self._unit_s, self._left_s, self._attempt = unit_s, patience_s, 1

    def wait_s(self, asked_s: float | None) -> float | None:
        """Seconds to wait now; None where patience has run out, or the service asks for more of it than there is."""
        wait_s = asked_s if asked_s is not None else backoff_s(self._attempt, self._unit_s, 32 * self._unit_s)
        if wait_s > self._left_s:
            return None
        self._left_s, self._attempt = self._left_s - max(wait_s, self._unit_s / 4), self._attempt + 1
        return wait_s
