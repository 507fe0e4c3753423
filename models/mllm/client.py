"""Asks one endpoint: the kept answer first, then HTTP with retries, one repair, the log and the cost cap."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Mapping, Protocol

from models.artifacts import cache_folder, read_json, write_json
from models.backoff import backoff_s
from models.mllm.budget import Budget, CapReached
from models.mllm.endpoint import Endpoint
from models.mllm.errors import CostCapReached, Refused, Unparsed, Unreachable, told
from models.mllm.log import LOG_FILE, CallLog
from models.mllm.posting import Poster
from models.mllm.question import Question, messages_of, question_key
from models.mllm.reply import Reply, Usage, assumed_usage, excerpt, repair
from models.mllm.schema import problems
from models.types import require

_BACKOFF_UNIT_S, _BACKOFF_MOST_S = 1.0, 60.0
_MAX_SAID_CHARS = 20_000  # of a reply that is no answer
_ANSWER_FIELDS = {"value", "raw", "model"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`value` fits the question's schema; `raw`: as it was said; `model`: as the server calls itself.

    `input_tokens`, `output_tokens`, `cost_usd` and `attempts` (HTTP requests) are those of this asking: all 0 when `cached`.
    """

    value: Any
    raw: str
    model: str
    key: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    attempts: int = 0
    cached: bool = False


class Log(Protocol):
    """Where calls are written down; `CallLog` is one."""

    def append(self, row: Mapping[str, Any]) -> None: ...
    def spent_usd(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """A question under way. `seed`: the endpoint's, moved on by the sample; `about`: the caller's own note for the log."""

    question: Question
    key: str
    seed: int
    about: Mapping[str, Any]


def default_cache() -> Path:
    """Where answers are kept when nobody says: the folder `mllm` of the cache."""
    return cache_folder() / "mllm"


class Client:
    """Asks one endpoint and keeps answers and log in the folder `cache`; several threads may share it.

    `cache` None: answers are kept by whoever reads `log`, and asking again is a new call. `log`: another place for the lines.
    `clock`: seconds since 1970; `sleep`: waits that many seconds. Both are there for tests.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        cache: str | Path | None,
        *,
        log: Log | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        require(cache is not None or log is not None, "client", "cache", None, "a folder, or a log of the caller's")
        self.endpoint, self.cache = endpoint, None if cache is None else Path(cache)
        self.log: Log = CallLog(Path(cache) / LOG_FILE) if log is None else log
        self._budget = Budget(endpoint.max_cost_usd, self.log.spent_usd)
        self._clock, self._sleep, self._poster = clock, sleep, Poster(endpoint, clock, sleep)
        self._lock, self._asking = threading.Lock(), defaultdict(threading.Lock)

    def ask(self, question: Question, *, sample: int = 0, about: Mapping[str, Any] | None = None) -> Answer:
        """The kept answer, or a fresh one. Raises Refused, Unparsed, Unreachable or CostCapReached.

        `sample`: which of several answers to one question, each with a seed of its own; `about`: goes into the log with the call.
        """
        seed = self.endpoint.seed + sample
        key = question_key(question, replace(self.endpoint, seed=seed))
        asking = _Asking(question=question, key=key, seed=seed, about=about or {})
        with self._lock:
            alone = self._asking[key]
        with alone:  # threads that ask the same wait for the one call
            return self._kept(question, key) or self._fresh(asking)

    def _kept(self, question: Question, key: str) -> Answer | None:
        path = None if self.cache is None else self.cache / f"{key}.json"
        if path is None or not path.is_file():
            return None
        record = read_json(path)
        whole = isinstance(record, dict) and _ANSWER_FIELDS <= set(record) and not next(problems(record["value"], question.schema), None)
        require(whole, str(path), "content", "something else", f"an answer to {question.name}", "delete it to ask again")
        return Answer(key=key, cached=True, **{name: record[name] for name in _ANSWER_FIELDS})

    def _fresh(self, asking: _Asking) -> Answer:
        messages, replies = messages_of(asking.question), []
        for _ in range(2):
            reply = self._exchange(asking, messages)
            replies.append(reply)
            if reply.outcome == "answered":
                return self._keep(asking.question, asking.key, replies)
            messages = [*messages, *repair(reply)]
        raise Unparsed(told(asking.question.name, f"{reply.problem} after one repair", "JSON that fits the schema"), raw=reply.said)

    def _keep(self, question: Question, key: str, replies: list[Reply]) -> Answer:
        last = replies[-1]
        answer = Answer(
            value=last.value,
            raw=last.said,
            model=last.model or self.endpoint.model,
            key=key,
            input_tokens=sum(reply.usage.input_tokens for reply in replies),
            output_tokens=sum(reply.usage.output_tokens for reply in replies),
            cost_usd=sum(reply.cost_usd for reply in replies),
            attempts=sum(reply.attempts for reply in replies),
        )
        record = {name: value for name, value in asdict(answer).items() if name not in ("key", "cached")}
        if self.cache is not None:
            write_json(self.cache / f"{key}.json", {**record, "question": question.name, "version": question.version})
        return answer

    def _exchange(self, asking: _Asking, messages: list[dict]) -> Reply:
        """One request with its retries, within the cap and logged whatever comes of it."""
        most_usd = self._price(assumed_usage(messages, self.endpoint.max_output_tokens))
        try:
            with self._budget.holding(most_usd) as may_spend:
                reply = self._logged(asking, messages, most_usd, may_spend)
        except CapReached as reached:
            got = f"{reached.spent_usd:.4f} USD spent and up to {most_usd:.4f} for this call"
            expected = f"at most max_cost_usd {self.endpoint.max_cost_usd:g}"
            raise CostCapReached(told(asking.question.name, got, expected, f"see {LOG_FILE}")) from None
        if reply.outcome == Refused.kind:
            got = f"a refusal ({excerpt(reply.said)})"
            raise Refused(told(asking.question.name, got, "an answer", "the model or its policy declines this"))
        return reply

    def _logged(self, asking: _Asking, messages: list[dict], most_usd: float, may_spend: Callable[[float], bool]) -> Reply:
        start_s = self._clock()
        try:
            reply = self._reply(asking, json.dumps(self._payload(asking, messages)).encode(), most_usd, may_spend)
        except Unreachable as error:
            nothing = Reply(outcome=error.kind, said=str(error), usage=Usage(), attempts=error.attempts, cost_usd=error.lost * most_usd)
            self._write_down(asking, nothing, start_s)
            raise
        except BaseException as error:  # Ctrl-C as a rule: what was sent may be billed
            broken_off = f"broke off ({type(error).__name__})"
            self._write_down(asking, Reply(outcome=Unreachable.kind, said=broken_off, usage=Usage(), cost_usd=most_usd), start_s)
            raise
        usage = reply.usage if reply.usage.reported else assumed_usage(messages, self.endpoint.max_output_tokens)
        reply = replace(reply, usage=usage, cost_usd=self._price(usage) + reply.cost_usd)
        self._write_down(asking, reply, start_s)
        return reply

    def _reply(self, asking: _Asking, data: bytes, most_usd: float, may_spend: Callable[[float], bool]) -> Reply:
        """Post until something is said; between attempts wait as long as the server asks, else 1, 2, 4 ... 60 s and some jitter.

        Attempts that broke off after they were sent may be billed: each counts as `most_usd` in the reply's cost.
        """
        attempts, lost = self.endpoint.max_attempts, 0
        for attempt in range(1, attempts + 1):
            try:
                return replace(self._poster.post(asking.question, data), attempts=attempt, cost_usd=lost * most_usd)
            except Unreachable as error:
                broken_off, lost = error.lost, lost + error.lost
                error.attempts, error.lost, last = attempt, lost, error
                if not error.transient:
                    raise
            if broken_off and attempt < attempts and not may_spend(most_usd):
                raise Unreachable(f"{last} (another attempt might break the cost cap)", transient=True, attempts=attempt, lost=lost)
            if attempt < attempts:
                asked_s = last.retry_after_s
                self._sleep(backoff_s(attempt, _BACKOFF_UNIT_S, _BACKOFF_MOST_S) if asked_s is None else asked_s)
        raise Unreachable(f"{last} (gave up after {attempts} attempts)", transient=True, attempts=attempts, lost=lost)

    def _payload(self, asking: _Asking, messages: list[dict]) -> dict[str, Any]:
        asked = {"name": asking.question.name, "schema": asking.question.schema, "strict": True}
        payload = {
            "model": self.endpoint.model,
            "messages": messages,
            "response_format": {"type": "json_schema", "json_schema": asked},
            "seed": asking.seed,
            "max_completion_tokens": self.endpoint.max_output_tokens,
        }
        return payload if self.endpoint.temperature is None else {**payload, "temperature": self.endpoint.temperature}

    def _price(self, usage: Usage) -> float:
        prices = self.endpoint.usd_per_million_input, self.endpoint.usd_per_million_output
        return (usage.input_tokens * prices[0] + usage.output_tokens * prices[1]) / 1e6

    def _write_down(self, asking: _Asking, reply: Reply, start_s: float) -> None:
        row = {
            "time": datetime.fromtimestamp(self._clock(), timezone.utc).isoformat(timespec="seconds"),
            "key": asking.key,
            "question": asking.question.name,
            "version": asking.question.version,
            "model": self.endpoint.model,
            "served": reply.model,
            "seed": asking.seed,
            **asdict(reply.usage),
            "cost_usd": reply.cost_usd,
            "attempts": reply.attempts,
            "seconds": round(self._clock() - start_s, 3),
            "outcome": reply.outcome,
            "problem": reply.problem,
            "said": reply.said if reply.outcome == "answered" else reply.said[:_MAX_SAID_CHARS],
        }
        self.log.append(row | ({"about": dict(asking.about)} if asking.about else {}))
