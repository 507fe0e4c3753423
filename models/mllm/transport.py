"""What goes over the wire: a connection, a body read in bounded time and size, what an error body and its headers say."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from models.mllm.reply import MAX_REPLY_BYTES

if TYPE_CHECKING:
    import httpx


def connection(url: str, timeout_s: float, *, is_local: bool) -> httpx.Client:
    """A client for one call, which follows no redirect: credentials go to the host that the user has named. This machine (`is_local`) is
    asked past any proxy; certificates, 25 ms to load, are loaded where there are some to check.
    """
    import httpx

    return httpx.Client(timeout=timeout_s, trust_env=not is_local, verify=url.startswith("https:"), follow_redirects=False)


def read_body(response: httpx.Response, deadline_s: float) -> str:
    """The body, cut at MAX_REPLY_BYTES. httpx's own time-out starts anew with every byte; the deadline does not."""
    import httpx

    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            break
        if time.monotonic() > deadline_s:
            raise httpx.ReadTimeout("still sending at the deadline")
    return body[: MAX_REPLY_BYTES + 1].decode("utf-8", "replace")


def may_be_billed(error: Exception) -> bool:
    """Whether a call broke off after it was sent: the server may have answered, and bill it."""
    import httpx

    return isinstance(error, (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError))


def error_of(text: str) -> tuple[str, str]:
    """(codes, message) of an error body: `{"error": {"code", "type", "message"}}` and what else servers make of it."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return "", text
    body = body[0] if isinstance(body, list) and body else body
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return "", str(error)
    inner = error.get("innererror")
    codes = [error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None]
    return " ".join(str(code) for code in codes if code), str(error.get("message", ""))


def without_key(text: str, key: str) -> str:
    """Servers that echo headers or name a wrong key must not bring it into a log; short ones ("EMPTY") are no secrets."""
    if len(key) < 8:
        return text
    return text.replace(key, "[key]").replace(key.replace("/", "\\/"), "[key]")  # JSON may write a slash with a backslash
