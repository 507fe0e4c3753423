"""A result's video onto this disk, whole: bounded in bytes and time, taken up where it broke off, and without any credentials."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable
from urllib.parse import urljoin

from models.backoff import backoff_s
from models.baselines.hosted.address import may_fetch
from models.baselines.hosted.wire import connection, unlogged

if TYPE_CHECKING:
    import httpx

MAX_VIDEO_B = 2 << 30
_TRIES, _HOPS, _TIMEOUT_S = 6, 4, 600.0
_DEAD = (401, 403, 404, 410)


class DeadLink(Exception):
    """The link serves nothing any more, or nothing that may be fetched; the service may give another one."""


class NotFetched(Exception):
    """The video did not come in spite of retries."""


def fetch(url: str, target: Path, service: str, sleep: Callable[[float], None], max_b: int = MAX_VIDEO_B) -> None:
    """Write what `url` serves to `target`, under that name only when it is whole. Raises DeadLink or NotFetched."""
    import httpx

    draft, deadline_s, mark, told = target.with_name(f"{target.name}.part"), time.monotonic() + _TIMEOUT_S, "", ""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.unlink(missing_ok=True)
    try:
        for attempt in range(1, _TRIES + 1):
            try:
                _continue(url, draft, service, mark, max_b, deadline_s)
                return _publish(draft, target)
            except _Cut as cut:
                mark, told = cut.mark, cut.reason
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # its text may hold the link: it stays here
                told = type(error).__name__
            if time.monotonic() > deadline_s:
                break
            sleep(backoff_s(attempt, 0.25, 8.0))
    finally:
        draft.unlink(missing_ok=True)
    raise NotFetched(f"{told} after {attempt} attempts")


class _Cut(Exception):
    """It broke off; what came of it is good where `mark` says of which version of the file it is."""

    def __init__(self, reason: str, mark: str = "") -> None:
        super().__init__(reason)
        self.reason, self.mark = reason, mark


def _continue(url: str, draft: Path, service: str, mark: str, max_b: int, deadline_s: float) -> None:
    import httpx

    have_b = draft.stat().st_size if mark and draft.is_file() else 0
    headers = {"accept-encoding": "identity"} | ({"range": f"bytes={have_b}-", "if-range": mark} if have_b else {})
    for _ in range(_HOPS):
        if not may_fetch(url, service):
            raise DeadLink("a link that leads elsewhere than to the web")
        with connection(url, 60.0) as http, http.stream("GET", headers=headers, **unlogged(url)) as response:
            if response.is_redirect:
                url = urljoin(url, response.headers.get("location", ""))
                continue
            _check_status(response, mark)
            mark = _mark(response)
            try:
                _write(response, draft, have_b, max_b, deadline_s)
            except httpx.HTTPError as error:
                raise _Cut(type(error).__name__, mark) from None
            return
    raise DeadLink("too many redirects")


def _check_status(response: httpx.Response, mark: str) -> None:
    """What came before is good still after a stumble (`mark`), and nothing of it where the range does not exist."""
    if response.status_code in _DEAD:
        raise DeadLink(f"HTTP {response.status_code}")
    if response.status_code not in (200, 206):
        raise _Cut(f"HTTP {response.status_code}", "" if response.status_code == 416 else mark)


def _mark(response: httpx.Response) -> str:
    """What a range may be asked under: a strong entity tag."""
    tag = response.headers.get("etag", "")
    return "" if tag.startswith("W/") else tag


def _write(response: httpx.Response, draft: Path, have_b: int, max_b: int, deadline_s: float) -> None:
    follows = response.status_code == 206 and re.match(rf"bytes {have_b}-", response.headers.get("content-range", ""))
    if response.status_code == 206 and not follows:
        raise _Cut("another range than asked")
    size_b = have_b if follows else 0
    promised = response.headers.get("content-length", "")
    if promised.isdigit() and size_b + int(promised[:18]) > max_b:
        raise NotFetched(f"a file of more than {max_b >> 20} MiB")
    with open(draft, "ab" if follows else "wb") as file:
        for chunk in response.iter_raw():
            size_b += len(chunk)
            if size_b > max_b:
                raise NotFetched(f"more than {max_b >> 20} MiB")
            if time.monotonic() > deadline_s:
                raise NotFetched(f"still sending after {_TIMEOUT_S:g} s")
            file.write(chunk)
    if size_b == 0:
        raise _Cut("an empty file")


def _publish(draft: Path, target: Path) -> None:
    with open(draft, "rb") as file:
        os.fsync(file.fileno())
    os.replace(draft, target)
