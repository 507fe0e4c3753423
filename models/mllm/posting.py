"""One HTTP request to the endpoint, at its pace: what was said, a refusal by policy, or why nobody serves."""

from __future__ import annotations

import math
import os
import threading
import time
from typing import TYPE_CHECKING, Callable

from models.backoff import retry_after_s
from models.mllm.endpoint import Endpoint
from models.mllm.errors import Unreachable, told
from models.mllm.question import Question
from models.mllm.reply import Reply, Usage, excerpt, read_reply
from models.mllm.transport import connection, error_of, may_be_billed, read_body, without_key

if TYPE_CHECKING:
    import httpx

_LONGEST_WAIT_S = 300.0
_BUSY = frozenset({408, 409, 425, 429})
_POLICY = ("content_filter", "content_policy", "policy_violation", "policyviolation", "moderation", "safety")


class Poster:
    """Posts to one endpoint; several threads may share it. The key is read from the environment for each request."""

    def __init__(self, endpoint: Endpoint, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._endpoint, self._clock, self._sleep = endpoint, clock, sleep
        self._lock, self._next_s = threading.Lock(), -math.inf

    def post(self, question: Question, data: bytes) -> Reply:
        """What was said, or a refusal by policy. Raises Unreachable for everything else."""
        import httpx

        endpoint, key = self._endpoint, self._api_key(question)
        self._await_turn()
        deadline_s = time.monotonic() + endpoint.timeout_s
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        try:
            # a connection of its own for every call: nothing to close, safe in threads, and cheap beside what a model takes
            opened = connection(endpoint.base_url, endpoint.timeout_s, is_local=endpoint.is_local)
            with opened as http, http.stream("POST", endpoint.url, content=data, headers=headers) as response:
                text = without_key(read_body(response, deadline_s), key)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # its text and its request may hold the key: both stay here
            got = f"{type(error).__name__} from {endpoint.base_url}"
            known = {"transient": isinstance(error, httpx.TransportError), "lost": int(may_be_billed(error))}
            raise Unreachable(told(question.name, got, "a reply"), **known) from None
        return read_reply(text, question) if response.status_code == 200 else self._no_reply(question, response, text)

    def _no_reply(self, question: Question, response: httpx.Response, text: str) -> Reply:
        status, (codes, message) = response.status_code, error_of(text)
        if 400 <= status < 500 and any(word in codes.lower() for word in _POLICY):
            return Reply(outcome="refused", said=f"HTTP {status} {codes}: {message}", usage=Usage())
        got = f"HTTP {status} from {self._endpoint.base_url} ({excerpt(f'{codes} {message}'.strip()) or 'no words'})"
        if status in (401, 403):
            advice = f"check the key in {self._endpoint.api_key_env or 'api_key_env (None)'}"
            raise Unreachable(told(question.name, got, "access", advice))
        wait_s = retry_after_s(response.headers.get("retry-after"), self._clock())
        busy = status in _BUSY or status >= 500
        worth_it = "insufficient_quota" not in codes and (wait_s is None or wait_s <= _LONGEST_WAIT_S)
        advice = f"it asks to wait {wait_s:.0f} s" if wait_s is not None else ""
        raise Unreachable(told(question.name, got, "HTTP 200", advice), transient=busy and worth_it, retry_after_s=wait_s)

    def _api_key(self, question: Question) -> str:
        name = self._endpoint.api_key_env
        key = os.environ.get(name, "").strip() if name else ""
        if name and not key and not self._endpoint.is_local:
            got = f"no key in the environment variable {name}"
            raise Unreachable(told(question.name, got, "one", "set it, or api_key_env=None"))
        if not (key.isascii() and key.isprintable()):
            raise Unreachable(told(question.name, f"a key in {name} that no header can carry", "printable ASCII"))
        return key

    def _await_turn(self) -> None:
        """Keep to the endpoint's requests a minute."""
        if self._endpoint.rpm is None:
            return
        with self._lock:
            now_s = self._clock()
            turn_s = max(self._next_s, now_s)
            self._next_s = turn_s + 60 / self._endpoint.rpm
        if turn_s > now_s:
            self._sleep(turn_s - now_s)
