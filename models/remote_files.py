"""Files behind a URL, by fsspec: s3://, gs://, memory://, ... One request a range, tried again while the storage stumbles.

Object stores show an object when its upload is complete, so it is written under its own name; every other file system is given a draft
that is moved. Credentials and endpoints are taken from the environment by the storage's own library and are never written anywhere.
"""

from __future__ import annotations

import errno
import io
import re
from functools import partial
from typing import Any, BinaryIO, Callable, Iterator
from uuid import uuid4

from models.local_files import FileFacts
from models.retries import is_transient, retried

_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "oci", "oss", "r2", "memory"})
_MARKS = ("ETag", "etag", "generation", "md5Hash", "content_md5", "LastModified", "last_modified", "updated", "mtime", "created")
"""What storages call the thing that changes with a file, the surest first."""
_LONGEST_B = 64 << 20
"""The most that one request asks for: a lost connection costs no more."""
_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"]+")


def redacted(url: str) -> str:
    """A URL as it may be told: without user, password and query, which may sign it."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it. Raises ValueError where fsspec does not know it, or lacks its package."""
    if "::" in url:
        raise ValueError(f"{redacted(url)}: chained URLs are not taken; give the address of the file itself")
    import fsspec

    try:
        return fsspec.core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        advice = "or pip install 'actorforge[s3]' for s3, [gcs] for gs"
        raise ValueError(f"{redacted(url)}: {' '.join(str(error).split())}; {advice}") from error
    except ValueError as error:
        raise ValueError(f"{redacted(url)}: {' '.join(str(error).split())}") from error


def remote_info(url: str) -> dict[str, Any]:
    """What the storage says of a file or folder. Raises FileNotFoundError, or OSError where it does not answer."""
    fs, path = file_system(url)
    return _asked(url, fs.info, path)


def remote_facts(url: str) -> FileFacts:
    """Facts of a file. Raises FileNotFoundError, or OSError where the storage does not answer."""
    return _facts(remote_info(url))


def _facts(info: dict[str, Any]) -> FileFacts:
    mark = next((str(info[name]).strip('"') for name in _MARKS if info.get(name)), "")
    return FileFacts(size_b=int(info.get("size") or 0), mark=mark, fault="" if info.get("type", "file") == "file" else "a folder")


def walk_remote(url: str, enter: Callable[[str], bool] | None = None) -> Iterator[tuple[str, FileFacts]]:
    """Every object below `url` that is not hidden, by its name relative to it; placeholders of folders are none.

    `enter`: which folders, by their names, are looked into; without it all is listed in one go.
    """
    fs, path = file_system(url)
    path = path.rstrip("/")
    files = _asked(url, fs.find, path, detail=True) if enter is None else dict(_level_by_level(url, fs, path, enter))
    for name, info in sorted(files.items()):
        name = name.removeprefix(path).lstrip("/")
        if name and not name.endswith("/") and not any(part.startswith(".") for part in name.split("/")):
            yield name, _facts(info)


def _level_by_level(url: str, fs: Any, path: str, enter: Callable[[str], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    waiting = [path]
    while waiting:
        for info in _asked(url, fs.ls, waiting.pop(), detail=True):
            name = info["name"].rstrip("/")
            if info.get("type") != "directory":
                yield info["name"], info
            elif name != path and enter(name.removeprefix(path).lstrip("/")):
                waiting.append(name)


def read_range(url: str, start_b: int, end_b: int) -> bytes:
    """Bytes `start_b` to `end_b` of an object. Raises OSError where the storage gives fewer in spite of retries."""
    fs, path = file_system(url)
    return _asked(url, partial(_exactly, fs, path), start_b, end_b)


def _exactly(fs: Any, path: str, start_b: int, end_b: int) -> bytes:
    data = fs.cat_file(path, start=start_b, end=end_b) if end_b > start_b else b""
    if len(data) != end_b - start_b:
        raise OSError(errno.EIO, f"got {len(data)} of {end_b - start_b} bytes")
    return data


class RemoteFile(io.RawIOBase):
    """A seekable object: every read is one range request, tried again by itself, so a stream outlives a lost connection."""

    def __init__(self, url: str) -> None:
        self._url, self._size_b, self._at = url, remote_facts(url).size_b, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_b}[whence]
        if base + offset < 0:
            raise ValueError(f"seek: got position {base + offset}, expected >= 0")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """The rest; the inherited one would ask for 8 KiB at a time."""
        pieces = []
        while piece := self._next(_LONGEST_B):
            pieces.append(piece)
        return b"".join(pieces)

    def _next(self, count_b: int) -> bytes:
        data = read_range(self._url, self._at, max(self._at, min(self._at + count_b, self._size_b)))
        self._at += len(data)
        return data


def open_remote(url: str, block_b: int) -> BinaryIO:
    """A seekable stream that asks for `block_b` bytes at a time."""
    return io.BufferedReader(RemoteFile(url), block_b)


def write_remote(url: str, data: bytes) -> None:
    """Write an object; it is seen when it is whole."""
    fs, path = file_system(url)
    if url.partition("://")[0].lower() in _OBJECT_STORES:
        _asked(url, fs.pipe_file, path, data)
        return
    draft = f"{path}.{uuid4().hex[:8]}.tmp"
    _asked(url, fs.makedirs, fs._parent(path), exist_ok=True)
    try:
        _asked(url, fs.pipe_file, draft, data)
        _asked(url, fs.mv, draft, path)
    except BaseException:
        fs.rm_file(draft)
        raise


def delete_remote(url: str) -> None:
    fs, path = file_system(url)
    try:
        _asked(url, fs.rm_file, path)
    except FileNotFoundError:
        return


def _asked(url: str, operation: Any, *args: Any, **kwargs: Any) -> Any:
    """The storage's answer; its libraries' own exceptions become OSErrors that name the location and hold no secret."""
    try:
        return retried(operation, *args, **kwargs)
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "no such file", redacted(url)) from error
    except Exception as error:
        kind = PermissionError if isinstance(error, PermissionError) or "Credentials" in type(error).__name__ else OSError
        number = getattr(error, "errno", None) or (errno.EIO if is_transient(error) else errno.EACCES if kind is PermissionError else 0)
        said = _URL.sub(lambda found: redacted(found[0]), " ".join(str(error).split()))
        raise kind(number, f"{type(error).__name__}: {said[:300]}", redacted(url)) from error
