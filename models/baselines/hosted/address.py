"""Which addresses may be talked to: a service over TLS, or a server on this machine; and which a service may send us to."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from models.addresses import address_of, is_loopback, is_plain
from models.types import require

_URL = re.compile(r"(https?://[^\s?#'\"<>]+)[?#][^\s'\"<>]*")


def check_base_url(item: str, field_name: str, url: str) -> str:
    """The URL without a slash at its end. Raises ValueError for credentials, a query, or plain http to another machine."""
    got = "an address with credentials or a query (not shown)" if re.search("[@?#]", url) else repr(url)
    require(is_plain(url), item, field_name, got, "https://HOST[:PORT][/PATH] without user, password or query")
    safe = url.startswith("https:") or is_loopback(url)
    require(safe, item, field_name, got, "https, or http to this machine", "keys do not travel in the clear")
    return url.rstrip("/")


def may_fetch(url: str, service: str) -> bool:
    """Whether a result of `service` may be fetched from there: the web, and this machine only for a service that runs on it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        return False
    inward = _inward(parts.hostname)
    return not inward or (inward == "private" and is_loopback(service))


def _inward(host: str) -> str:
    """ "" for the web; "private": this machine or its neighbours, by its own word or, for a name that leads home, by what it stands for;
    "link": its cloud's metadata and the like. A name may stand for a private address, as proxies and clouds have it.
    """
    if address := address_of(host):
        return "" if address.is_global else "link" if address.is_link_local else "private"
    try:
        found = {ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):  # a proxy may know it
        found = set()
    if any(address.is_link_local for address in found):
        return "link"
    named = f".{host.rstrip('.')}".endswith(".localhost")
    return "private" if named or any(address.is_loopback or address.is_unspecified for address in found) else ""


def without_queries(text: str) -> str:
    """A text as it may be written down: what signs a URL stands in its query."""
    return _URL.sub(r"\1?...", text)


def publishable(text: str) -> str:
    """Words of a service as they may stand in a record and on a terminal: one line, no queries, and no codes that move its cursor."""
    line = " ".join(without_queries(text).split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)
