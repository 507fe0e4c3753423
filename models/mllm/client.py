"""Asks one endpoint: the kept answer first, then HTTP with retries, one repair, the log and the cost cap."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Mapping, Protocol

from models.artifacts import cache_folder, read_json, sha256, write_json
from models.mllm.budget import Budget, CapReached
from models.mllm.endpoint import Endpoint
from models.mllm.errors import CostCapReached, Refused, Unparsed, Unreachable
from models.mllm.log import LOG_FILE, CallLog
from models.mllm.question import Question, messages_of, question_key
from models.mllm.reply import Reply, Usage, assumed_usage, excerpt, read_reply, repair
from models.mllm.schema import problems
from models.mllm.transport import connection, error_of, may_be_billed, read_body, retry_after_s, without_key
from models.types import require

if TYPE_CHECKING:
    import httpx

_LONGEST_WAIT_S, _BACKOFF_CEILING_S, _JITTER = 300.0, 60.0, 0.5
_MAX_SAID_CHARS = 20_000  # of a reply that is no answer
_BUSY = frozenset({408, 409, 425, 429})
_POLICY = ("content_filter", "content_policy", "policy_violation", "policyviolation", "moderation", "safety")
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
        self._clock, self._sleep, self._next_s = clock, sleep, -math.inf
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
        raise Unparsed(_message(asking.question, f"{reply.problem} after one repair", "JSON that fits the schema"), raw=reply.said)

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
            raise CostCapReached(_message(asking.question, got, expected, f"see {LOG_FILE}")) from None
        if reply.outcome == Refused.kind:
            got = f"a refusal ({excerpt(reply.said)})"
            raise Refused(_message(asking.question, got, "an answer", "the model or its policy declines this"))
        return reply

    def _logged(self, asking: _Asking, messages: list[dict], most_usd: float, may_spend: Callable[[float], bool]) -> Reply:
        start_s = self._clock()
        try:
            reply = self._reply(asking, json.dumps(self._payload(asking, messages)).encode(), most_usd, may_spend)
        except Unreachable as error:
            nothing = Reply(outcome=error.kind, said=str(error), usage=Usage(), attempts=error.attempts, cost_usd=error.lost * most_usd)
            self._write_down(asking, nothing, start_s)
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
                return replace(self._post(asking.question, data), attempts=attempt, cost_usd=lost * most_usd)
            except Unreachable as error:
                broken_off, lost = error.lost, lost + error.lost
                error.attempts, error.lost, last = attempt, lost, error
                if not error.transient:
                    raise
            if broken_off and attempt < attempts and not may_spend(most_usd):
                raise Unreachable(f"{last} (another attempt might break the cost cap)", transient=True, attempts=attempt, lost=lost)
            if attempt < attempts:
                self._sleep(_wait_s(last, attempt, asking.key))
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

    def _post(self, question: Question, data: bytes) -> Reply:
        """One HTTP request: what was said, or a refusal by policy. Raises Unreachable for everything else."""
        import httpx

        key = self._api_key(question)
        self._pace()
        deadline_s = time.monotonic() + self.endpoint.timeout_s
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        try:
            # a connection of its own for every call: nothing to close, safe in threads, and cheap beside what a model takes
            with connection(self.endpoint) as http, http.stream("POST", self.endpoint.url, content=data, headers=headers) as response:
                text = without_key(read_body(response, deadline_s), key)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # its text and its request may hold the key: both stay here
            got = f"{type(error).__name__} from {self.endpoint.base_url}"
            known = {"transient": isinstance(error, httpx.TransportError), "lost": int(may_be_billed(error))}
            raise Unreachable(_message(question, got, "a reply"), **known) from None
        return read_reply(text, question) if response.status_code == 200 else self._no_reply(question, response, text)

    def _no_reply(self, question: Question, response: httpx.Response, text: str) -> Reply:
        status, (codes, message) = response.status_code, error_of(text)
        if 400 <= status < 500 and any(word in codes.lower() for word in _POLICY):
            return Reply(outcome="refused", said=f"HTTP {status} {codes}: {message}", usage=Usage())
        got = f"HTTP {status} from {self.endpoint.base_url} ({excerpt(f'{codes} {message}'.strip()) or 'no words'})"
        if status in (401, 403):
            raise Unreachable(_message(question, got, "access", f"check the key in {self.endpoint.api_key_env or 'api_key_env (None)'}"))
        wait_s = retry_after_s(response.headers.get("retry-after"), self._clock())
        busy = status in _BUSY or status >= 500
        worth_it = "insufficient_quota" not in codes and (wait_s is None or wait_s <= _LONGEST_WAIT_S)
        advice = f"it asks to wait {wait_s:.0f} s" if wait_s is not None else ""
        raise Unreachable(_message(question, got, "HTTP 200", advice), transient=busy and worth_it, retry_after_s=wait_s)

    def _api_key(self, question: Question) -> str:
        name = self.endpoint.api_key_env
        key = os.environ.get(name, "").strip() if name else ""
        if name and not key and not self.endpoint.is_local:
            raise Unreachable(_message(question, f"no key in the environment variable {name}", "one", "set it, or api_key_env=None"))
        if not (key.isascii() and key.isprintable()):
            raise Unreachable(_message(question, f"a key in {name} that no header can carry", "printable ASCII"))
        return key

    def _pace(self) -> None:
        if self.endpoint.rpm is None:
            return
        with self._lock:
            now_s = self._clock()
            turn_s = max(self._next_s, now_s)
            self._next_s = turn_s + 60 / self.endpoint.rpm
        if turn_s > now_s:
            self._sleep(turn_s - now_s)


def _message(question: Question, got: str, expected: str, advice: str = "") -> str:
    return f"question {question.name}: reply: got {got}, expected {expected}" + (f"; {advice}" if advice else "")


def _wait_s(error: Unreachable, attempt: int, key: str) -> float:
    """Seconds; the jitter, up to half as much again, comes from the question, so that threads which failed together part."""
    if error.retry_after_s is not None:
        return error.retry_after_s
    spread = int(sha256(f"{key} {attempt}".encode())[:4], 16) / 0xFFFF
    return min(2.0 ** (attempt - 1), _BACKOFF_CEILING_S) * (1 + _JITTER * spread)
