"""Which addresses may be talked to: a service over TLS, or a server on this machine; and which a service may send us to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from models.types import require

_PLAIN = re.compile(r"https?://(?:[^/:@?#\s\[\]]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:/[^@?#\s]*)?")
_URL = re.compile(r"(https?://[^\s?#'\"<>]+)[?#][^\s'\"<>]*")


def is_loopback(url: str) -> bool:
    """Whether the host is this machine by its own word."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or bool((address := _address(host)) and address.is_loopback)


def check_base_url(item: str, field_name: str, url: str) -> str:
    """The URL without a slash at its end. Raises ValueError for credentials, a query, or plain http to another machine."""
    got = "an address with credentials or a query (not shown)" if re.search("[@?#]", url) else repr(url)
    require(bool(_PLAIN.fullmatch(url)), item, field_name, got, "https://HOST[:PORT][/PATH] without user, password or query")
    safe = url.startswith("https:") or is_loopback(url)
    require(safe, item, field_name, got, "https, or http to this machine", "keys do not travel in the clear")
    return url.rstrip("/")


def may_fetch(url: str, service: str) -> bool:
    """Whether a result of `service` may be fetched from there: the web, and this machine only for a service that runs on it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        return False
    address = _address(parts.hostname)
    inward = parts.hostname == "localhost" or bool(address and not address.is_global)
    return not inward or is_loopback(service)


def without_queries(text: str) -> str:
    """A text as it may be written down: what signs a URL stands in its query."""
    return _URL.sub(r"\1?...", text)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
