"""Files of this machine and its mounts: opened only where they are regular files, written whole or not at all, listed without circles."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Callable, Iterator
from uuid import uuid4


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a storage says of a file without reading it. `mark`: etag or the times of modification and change.

    `fault`: why it must not be opened (a pipe, a device, a link to nothing, a folder that cannot be listed), "" for a file.
    """

    size_b: int
    mark: str
    fault: str = ""


def local_facts(path: str) -> FileFacts:
    """Facts of a file, links followed. Raises FileNotFoundError, and OSError where the mount does not answer."""
    known = os.stat(path)
    fault = "" if stat.S_ISREG(known.st_mode) else "a folder" if stat.S_ISDIR(known.st_mode) else "not a regular file"
    return FileFacts(size_b=known.st_size, mark=f"{known.st_mtime_ns}.{known.st_ctime_ns}", fault=fault)


def open_regular(path: str) -> BinaryIO:
    """Open a regular file for reading. Raises OSError for anything else: opening a pipe would wait for ever."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # it may have become a pipe in between
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return os.fdopen(handle, "rb")


@contextmanager
def local_draft(path: str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path` in one rename, on an error it is removed."""
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    draft = final.with_name(f".{final.name[:200]}.{uuid4().hex[:8]}.tmp")
    try:
        yield draft
        with open(draft, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(draft, final)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # a full disk does not say which
            raise OSError(error.errno, error.strerror, path) from error
        raise
    finally:
        draft.unlink(missing_ok=True)


def walk_local(folder: str, enter: Callable[[str], bool] | None = None) -> Iterator[tuple[str, FileFacts]]:
    """Everything below `folder` that is no folder and not hidden, by its name relative to it. `enter`: which folders are looked into.

    Links to folders are followed after all others, each folder is listed once: neither circles nor nests of links have an end otherwise.
    A folder that cannot be listed is one entry with a fault. Raises NotADirectoryError and FileNotFoundError for `folder` itself.
    """
    os.scandir(folder).close()
    waiting, links, seen = [""], [], set()
    while waiting or links:
        name = waiting.pop() if waiting else links.pop(0)
        here = os.path.realpath(os.path.join(folder, name))
        if here in seen:
            continue
        seen.add(here)
        try:
            entries = sorted(os.scandir(os.path.join(folder, name)), key=lambda entry: entry.name)
        except OSError as error:
            yield name, FileFacts(size_b=0, mark="", fault=f"a folder that cannot be listed ({error.strerror})")
            continue
        for entry in entries:
            path = f"{name}/{entry.name}" if name else entry.name
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                if enter is None or enter(path):
                    (links if entry.is_symlink() else waiting).append(path)
            else:
                yield path, _facts_or_fault(entry)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _facts_or_fault(entry: os.DirEntry) -> FileFacts:
    try:
        return local_facts(entry.path)
    except OSError as error:
        fault = "a link to nothing" if entry.is_symlink() else f"{error.strerror}"
        return FileFacts(size_b=0, mark="", fault=fault)
