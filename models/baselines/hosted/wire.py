"""The bytes between us and a service: one call and its reply, bounded in size and time, and never a secret in what comes back.

Redirects are not followed: credentials go to the host that the user has named. Errors say whether a call had gone out.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from models.addresses import is_loopback
from models.backoff import retry_after_s
from models.baselines.hosted.address import without_queries
from models.baselines.hosted.outcomes import Call, Reply
from models.mllm.transport import connection as opened
from models.mllm.transport import without_key

if TYPE_CHECKING:
    import httpx

MAX_REPLY_B = 4 << 20


class NotSent(Exception):
    """No connection: the service has not heard of the call."""


class Broken(Exception):
    """The connection ended after the call had gone out."""


def connection(url: str, timeout_s: float) -> httpx.Client:
    return opened(url, timeout_s, is_local=is_loopback(url))


def unlogged(url: str) -> dict[str, Any]:
    """Arguments of a request to `url`: httpx logs URLs, and what signs one stands in its query, which goes another way."""
    import httpx

    whole = httpx.URL(url)
    return {"url": whole.copy_with(query=None, fragment=None), "extensions": {"target": whole.raw_path}}


def send(call: Call, *, timeout_s: float, secrets: tuple[str, ...] = ()) -> Reply:
    """The reply, whatever its status. Raises NotSent or Broken."""
    import httpx

    deadline_s = time.monotonic() + timeout_s
    headers = {"accept-encoding": "identity", **call.headers}
    try:
        asked = {"content": call.body, "headers": headers, **unlogged(call.url)}
        with connection(call.url, timeout_s) as http, http.stream(call.method, **asked) as response:
            text = _unescaped(_body(response, deadline_s))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol) as error:
        raise NotSent(_told(error, call)) from None  # its request holds the key: it stays here
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise Broken(_told(error, call)) from None
    signed = call.headers.get("authorization", "").split(" ", 1)[-1]
    for secret in (*secrets, signed, signed.rpartition("=")[2]):
        for written in {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}:
            text = without_key(text, written)
    wait_s = retry_after_s(response.headers.get("retry-after"), time.time())
    return Reply(status=response.status_code, text=without_queries_of_errors(text, response.status_code), retry_after_s=wait_s)


def without_queries_of_errors(text: str, status: int) -> str:
    """What an error says is written down; the URL of a result is needed whole."""
    return text if status == 200 else without_queries(text)


def _body(response: httpx.Response, deadline_s: float) -> str:
    """httpx's own time-out starts anew with every byte; the deadline does not."""
    import httpx

    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MAX_REPLY_B:
            raise httpx.ReadError(f"a reply of more than {MAX_REPLY_B >> 20} MiB")
        if time.monotonic() > deadline_s:
            raise httpx.ReadTimeout("still sending at the deadline")
    return body.decode("utf-8", "replace")


def _unescaped(text: str) -> str:
    """JSON with its letters written one way, so that a secret is found whatever escapes (\\u002b for +) an echo of it is in."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _told(error: Exception, call: Call) -> str:
    return f"{type(error).__name__} at {call.method} {without_queries(call.url)}"
