"""Addresses of servers that a user names: whether one is written plainly, and whether it is this machine."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

_PLAIN = re.compile(r"https?://(?:[^/:@?#\s\[\]]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:/[^@?#\s]*)?")


def is_plain(url: str) -> bool:
    """Whether it is http(s)://HOST[:PORT][/PATH] without user, password or query, in which keys might stand."""
    return bool(_PLAIN.fullmatch(url))


def is_loopback(url: str) -> bool:
    """Whether the host is this machine by its own word; not a name that only looks like it (127.example.org)."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or bool((address := address_of(host)) and address.is_loopback)


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address written as one, the ways of old among them that a connection would read: 127.1, 2130706433, 0x7f000001."""
    for read in (ipaddress.ip_address, lambda text: ipaddress.IPv4Address(socket.inet_aton(text))):
        try:
            return read(host.rstrip("."))
        except (ValueError, OSError):
            continue
    return None
