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
from typing import TYPE_CHECKING, Any, Callable

from models.artifacts import cache_folder, read_json, write_json
from models.mllm.endpoint import Endpoint
from models.mllm.errors import CostCapReached, Refused, Unparsed, Unreachable
from models.mllm.log import LOG_FILE, CallLog
from models.mllm.question import Question, messages_of, question_key
from models.mllm.reply import Reply, Usage, assumed_usage, excerpt, read_reply, repair
from models.mllm.schema import problems
from models.mllm.transport import connection, error_of, read_body, retry_after_s, without_key
from models.types import require

if TYPE_CHECKING:
    import httpx

_LONGEST_WAIT_S, _BACKOFF_CEILING_S = 300.0, 60.0
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


def default_cache() -> Path:
    """Where answers are kept when nobody says: the folder `mllm` of the cache."""
    return cache_folder() / "mllm"


class Client:
    """Asks one endpoint and keeps answers and log in the folder `cache`; several threads may share it.

    `clock`: seconds since 1970; `sleep`: waits that many seconds. Both are there for tests.
    """

    def __init__(
        self, endpoint: Endpoint, cache: str | Path, *, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.endpoint, self.cache, self.log = endpoint, Path(cache), CallLog(Path(cache) / LOG_FILE)
        self._clock, self._sleep, self._next_s = clock, sleep, -math.inf
        self._lock, self._asking = threading.Lock(), defaultdict(threading.Lock)

    def ask(self, question: Question) -> Answer:
        """The kept answer, or a fresh one. Raises Refused, Unparsed, Unreachable or CostCapReached."""
        key = question_key(question, self.endpoint)
        with self._lock:
            alone = self._asking[key]
        with alone:  # threads that ask the same wait for the one call
            return self._kept(question, key) or self._fresh(question, key)

    def _kept(self, question: Question, key: str) -> Answer | None:
        path = self.cache / f"{key}.json"
        if not path.is_file():
            return None
        record = read_json(path)
        whole = isinstance(record, dict) and _ANSWER_FIELDS <= set(record) and not next(problems(record["value"], question.schema), None)
        require(whole, str(path), "content", "something else", f"an answer to {question.name}", "delete it to ask again")
        return Answer(key=key, cached=True, **{name: record[name] for name in _ANSWER_FIELDS})

    def _fresh(self, question: Question, key: str) -> Answer:
        messages, replies = messages_of(question), []
        for _ in range(2):
            reply = self._exchange(question, messages, key)
            replies.append(reply)
            if reply.outcome == "answered":
                return self._keep(question, key, replies)
            messages = [*messages, *repair(reply)]
        raise Unparsed(_message(question, f"{reply.problem} after one repair", "JSON that fits the schema"), raw=reply.said)

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
        write_json(self.cache / f"{key}.json", {**record, "question": question.name, "version": question.version})
        return answer

    def _exchange(self, question: Question, messages: list[dict], key: str) -> Reply:
        """One request with its retries, logged whatever comes of it."""
        self._check_cap(question)
        try:
            reply = self._reply(question, json.dumps(self._payload(question, messages)).encode())
        except Unreachable as error:
            self._write_down(question, key, Reply(outcome=error.kind, said="", usage=Usage(), attempts=error.attempts))
            raise
        reply = self._priced(reply, messages)
        self._write_down(question, key, reply)
        if reply.outcome == Refused.kind:
            raise Refused(_message(question, f"a refusal ({excerpt(reply.said)})", "an answer", "the model or its policy declines this"))
        return reply

    def _reply(self, question: Question, data: bytes) -> Reply:
        """Post until something is said; between attempts wait as long as the server asks, else 1, 2, 4 ... 60 s."""
        attempts = self.endpoint.max_attempts
        for attempt in range(1, attempts + 1):
            try:
                return replace(self._post(question, data), attempts=attempt)
            except Unreachable as error:
                error.attempts, last = attempt, error
                if not error.transient:
                    raise
            if attempt < attempts:
                self._sleep(_wait_s(last, attempt))
        raise Unreachable(f"{last} (gave up after {attempts} attempts)", transient=True, attempts=attempts)

    def _payload(self, question: Question, messages: list[dict]) -> dict[str, Any]:
        asked = {"name": question.name, "schema": question.schema, "strict": True}
        payload = {
            "model": self.endpoint.model,
            "messages": messages,
            "response_format": {"type": "json_schema", "json_schema": asked},
            "seed": self.endpoint.seed,
            "max_completion_tokens": self.endpoint.max_output_tokens,
        }
        return payload if self.endpoint.temperature is None else {**payload, "temperature": self.endpoint.temperature}

    def _check_cap(self, question: Question) -> None:
        cap = self.endpoint.max_cost_usd
        spent = 0.0 if cap is None else self.log.spent_usd()
        if cap is not None and spent >= cap:
            raise CostCapReached(
                _message(question, f"{spent:.4f} USD spent", f"less than max_cost_usd {cap:g}", f"see {LOG_FILE} beside the answers")
            )

    def _priced(self, reply: Reply, messages: list[dict]) -> Reply:
        usage = reply.usage if reply.usage.reported else assumed_usage(messages, self.endpoint.max_output_tokens)
        prices = self.endpoint.usd_per_million_input, self.endpoint.usd_per_million_output
        cost = (usage.input_tokens * prices[0] + usage.output_tokens * prices[1]) / 1e6
        return replace(reply, usage=usage, cost_usd=cost)

    def _write_down(self, question: Question, key: str, reply: Reply) -> None:
        row = {
            "time": datetime.fromtimestamp(self._clock(), timezone.utc).isoformat(timespec="seconds"),
            "key": key,
            "question": question.name,
            "version": question.version,
            "model": self.endpoint.model,
            **asdict(reply.usage),
            "cost_usd": reply.cost_usd,
            "attempts": reply.attempts,
            "outcome": reply.outcome,
        }
        self.log.append(row)

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
            raise Unreachable(_message(question, got, "a reply"), transient=isinstance(error, httpx.TransportError)) from None
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


def _wait_s(error: Unreachable, attempt: int) -> float:
    return min(2.0 ** (attempt - 1), _BACKOFF_CEILING_S) if error.retry_after_s is None else error.retry_after_s
