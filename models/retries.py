"""What a storage refuses for a moment is tried again: which errors pass by themselves, and for how long we wait.

Transient are lost connections, time-outs, answers 429 and 5xx, stale handles of network mounts, and a folder that is gone although a file
in it was asked for (a mount that comes back). A file that is missing from a folder that is there is missing.
"""

from __future__ import annotations

import errno
import os
from typing import Callable, Iterator, ParamSpec, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_after_delay, wait_random_exponential

PATIENCE_S = 10.0
"""How long one operation is tried, and `_LEAST` times even if each takes longer; the last error is raised then."""
_LEAST = 3

_ERRNOS = frozenset(
    getattr(errno, name)
    for name in "ESTALE EIO EAGAIN EBUSY ETIMEDOUT ECONNRESET ECONNREFUSED ECONNABORTED ENOTCONN EPIPE EHOSTDOWN EHOSTUNREACH "
    "ENETDOWN ENETUNREACH EREMOTEIO".split()
)
_LIBRARY_ERRORS = frozenset(
    {
        "HTTPClientError",
        "EndpointConnectionError",
        "ClientConnectionError",
        "ClientPayloadError",
        "ResponseStreamingError",
        "IncompleteRead",
    }
)
"""Names of botocore's and aiohttp's classes for a connection that broke; neither library is needed to know them."""
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 509})

P = ParamSpec("P")
T = TypeVar("T")


def is_transient(error: BaseException) -> bool:
    """Whether the same operation may well succeed a little later."""
    return any(_passes(each) for each in _chain(error))


def retried(operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `operation(*args)`, tried for `PATIENCE_S` while its errors are transient. Raises the last one."""
    return _patient(is_transient)(operation, *args, **kwargs)


def retried_on_disk(operation: Callable[[str], T], path: str) -> T:
    """As `retried`, for a local file that is known to be there: waits also for a folder of it that has vanished.

    What was waited for in vain below a folder that is there costs no second wait below it until it is back.
    """
    folder = os.path.dirname(path)

    def passes(error: BaseException) -> bool:
        return is_transient(error) or (isinstance(error, FileNotFoundError) and _may_come_back(folder))

    try:
        found = _patient(passes)(operation, path)
    except FileNotFoundError:
        if not os.path.isdir(folder):
            _lost[folder] = _standing(folder)
        raise
    _lost.pop(folder, None)
    return found


_lost: dict[str, str] = {}
"""Folders waited for in vain -> the nearest folder above that is there."""


def _may_come_back(folder: str) -> bool:
    return not os.path.isdir(folder) and _standing(folder) not in _lost.values()


def _standing(folder: str) -> str:
    """The nearest folder above that is there."""
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder


def _patient(passes: Callable[[BaseException], bool]) -> Retrying:
    wait = wait_random_exponential(multiplier=0.2, max=2)
    return Retrying(
        retry=retry_if_exception(passes), stop=stop_after_delay(PATIENCE_S) & stop_after_attempt(_LEAST), wait=wait, reraise=True
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from; a storage library wraps what the network told it."""
    for _ in range(8):
        yield error
        if error.__cause__ is None:
            return
        error = error.__cause__


def _passes(error: BaseException) -> bool:
    if isinstance(error, (ConnectionError, TimeoutError)) or (isinstance(error, OSError) and error.errno in _ERRNOS):
        return True
    return _status(error) in _PASSING or any(kind.__name__ in _LIBRARY_ERRORS for kind in type(error).__mro__)


def _status(error: BaseException) -> int:
    """The HTTP status in an error of botocore (`response`), aiohttp (`status`) or gcsfs (`code`), 0 where there is none."""
    response = getattr(error, "response", None)
    meta = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    found = meta.get("HTTPStatusCode") or getattr(error, "status", None) or getattr(error, "code", None)
    return int(found) if str(found).isdigit() else 0
