"""Where bytes lie: a local path or any fsspec URL (s3://, gs://, memory://), read and written by one road.

A location is a string: an absolute local path without a scheme, or a URL. Files are listed with facts that change when they do. What is
written appears under its name whole or not at all; what a storage refuses for a moment is tried again (`models.retries`).
Credentials and endpoints come from the environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS, ...).
"""

from __future__ import annotations

import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Callable, Iterator, Sequence, TypeVar

from models import remote_files as remote
from models.local_files import FileFacts, local_draft, local_facts, open_regular, walk_local
from models.retries import retried_on_disk
from models.types import require

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_BROKEN_URL = re.compile(r"(s3a?|gs|gcs|az|abfs|https?|memory):/(?!/)")
BLOCK_B = 1 << 20
"""Bytes asked of a remote storage at a time."""
_ASKERS = 16

T = TypeVar("T")


def is_url(location: str | Path) -> bool:
    """Whether `location` has a scheme other than file://."""
    scheme = _SCHEME.match(str(location))
    return scheme is not None and scheme[1].lower() not in ("file", "local")


def resolve(location: str | Path) -> str:
    """An absolute local path, or the URL; file:// is a path. Raises ValueError for a scheme without a file system here."""
    text = str(location)
    require(bool(text.strip()) and "\0" not in text, "location", "text", repr(text), "a path or a URL")
    if is_url(text):
        remote.file_system(text)
        return text.rstrip("/")
    broken = _BROKEN_URL.match(text)
    require(broken is None, "location", "scheme", text, "two slashes after it", f"write {broken and broken[1]}://...")
    return os.path.abspath(os.path.expanduser(_SCHEME.sub("", text, count=1)))


def join(folder: str, *parts: str) -> str:
    """A location below `folder`."""
    return "/".join([folder.rstrip("/"), *parts])


def name_of(location: str) -> str:
    """The last part of a location, without what signs a URL."""
    return redacted(location).rstrip("/").rpartition("/")[2]


def redacted(location: str) -> str:
    """A location as it may be told: a URL without user, password and query."""
    return remote.redacted(location) if is_url(location) else location


def facts_of(location: str) -> FileFacts:
    """Size and mark. Raises FileNotFoundError, and OSError where the storage does not answer in spite of retries."""
    return remote.remote_facts(location) if is_url(location) else retried_on_disk(local_facts, location)


def exists(location: str) -> bool:
    """Whether there is a file or folder of that name, now."""
    if not is_url(location):
        return os.path.exists(location)
    try:
        remote.remote_info(location)
    except FileNotFoundError:
        return False
    return True


def is_folder(location: str) -> bool:
    """Whether it is a folder; of an object store, whether anything lies below it."""
    if not is_url(location):
        return os.path.isdir(location)
    try:
        return remote.remote_info(location).get("type") == "directory"
    except FileNotFoundError:
        return False


def walk(folder: str, enter: Callable[[str], bool] | None = None) -> Iterator[tuple[str, FileFacts]]:
    """Every file below `folder` that is not hidden, with its name relative to it (`/` between parts).

    `enter`: which folders, by such names, are looked into; without it all of them. Pipes, devices, links to nothing and folders that cannot
    be listed come with a `fault`. Raises OSError for `folder` itself.
    """
    return remote.walk_remote(folder, enter) if is_url(folder) else walk_local(folder, enter)


def open_read(location: str, *, block_b: int = BLOCK_B) -> BinaryIO:
    """A seekable binary stream. Raises OSError, also for a pipe or device, which are never opened."""
    return remote.open_remote(location, block_b) if is_url(location) else retried_on_disk(open_regular, location)


def read_bytes(location: str) -> bytes:
    """The whole file."""
    with open_read(location, block_b=8 * BLOCK_B) as file:
        return file.read()


def read_range(location: str, start_b: int, end_b: int) -> bytes:
    """Bytes `start_b` to `end_b`, in one request; fewer at the end of a local file."""
    if is_url(location):
        return remote.read_range(location, start_b, end_b)
    with open_read(location) as file:
        file.seek(start_b)
        return file.read(end_b - start_b)


def ask_each(ask: Callable[[str], T], locations: Sequence[str]) -> Iterator[T]:
    """`ask(location)` of each, in order; where URLs are among them, many at a time: a storage answers slowly, but to many."""
    if not any(map(is_url, locations)):
        yield from map(ask, locations)
        return
    with ThreadPoolExecutor(_ASKERS) as pool:
        yield from pool.map(ask, locations)


@contextmanager
def publish(location: str | Path) -> Iterator[Path]:
    """Yield a temporary local path; on success it appears as `location` whole, on an error nothing does."""
    if not is_url(location):
        with local_draft(resolve(location)) as draft:
            yield draft
        return
    with tempfile.TemporaryDirectory(prefix="af-") as folder:
        draft = Path(folder) / name_of(str(location))
        yield draft
        remote.write_remote(str(location), draft.read_bytes())


def write_bytes(location: str | Path, data: bytes) -> None:
    """Whole or not at all."""
    if is_url(location):
        remote.write_remote(str(location), data)
        return
    with local_draft(resolve(location)) as draft:
        draft.write_bytes(data)


def delete(location: str) -> None:
    """Remove a file; nothing where there is none."""
    if is_url(location):
        remote.delete_remote(location)
    else:
        Path(location).unlink(missing_ok=True)
