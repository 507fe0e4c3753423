"""Why there is no answer: four kinds, never mixed. They pickle, so a worker process may raise them."""

from __future__ import annotations


def told(question: str, got: str, expected: str, advice: str = "") -> str:
    """The message of one: which question, what came back, what was expected and what to do."""
    return f"question {question}: reply: got {got}, expected {expected}" + (f"; {advice}" if advice else "")


class MllmError(Exception):
    """No answer. `kind`: refused, unparsed, unreachable or cost_cap, as in the log."""

    kind = "failed"


class Refused(MllmError):
    """The model or the provider's policy declined: asking the same again would not help."""

    kind = "refused"


class Unparsed(MllmError):
    """The reply is no JSON or breaks its schema, after one repair. `raw`: what was said last."""

    kind = "unparsed"

    def __init__(self, message: str, raw: str = "") -> None:
        super().__init__(message)
        self.raw = raw


class Unreachable(MllmError):
    """The endpoint does not serve: time-outs, HTTP errors, no or a wrong key. `transient`: asking again later may help.

    `attempts` were made, `lost` of them broke off after they were sent and may be billed.
    """

    kind = "unreachable"

    def __init__(
        self, message: str, *, transient: bool = False, retry_after_s: float | None = None, attempts: int = 0, lost: int = 0
    ) -> None:
        super().__init__(message)
        self.transient, self.retry_after_s, self.attempts, self.lost = transient, retry_after_s, attempts, lost


class CostCapReached(MllmError):
    """The log's total, and what this call might cost at most, exceed `Endpoint.max_cost_usd`; no call was made."""

    kind = "cost_cap"
