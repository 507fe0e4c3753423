"""One run at a time: a dataset folder is locked while a run plans and makes. Only local folders can be."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import sys
from pathlib import Path
from typing import Iterator

from bootstrap.ledger import WORK
from models import storage

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


@contextlib.contextmanager
def locked(out: str) -> Iterator[None]:
    """Hold the dataset at `out` for this process; the system lets go of it even after a kill.

    Where there are no locks it says so and goes on. Raises ValueError where another run holds it.
    """
    if storage.is_url(out):
        _warn(f"{storage.redacted(out)}: object storage has no locks: start one run at a time")
        yield
        return
    folder = storage.join(out, WORK)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        handle = open(Path(folder) / ".lock", "w")
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        _warn(f"{out}: cannot be written to ({error.strerror}): nothing can be made there")
        yield
        return
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise ValueError(f"{out}: in use by another synthesize; wait for it or choose another --out") from error
            _warn(f"{out}: this file system has no locks ({error.strerror}): start one run at a time")
        yield


def _warn(text: str) -> None:
    print(f"synthesize: {text}", file=sys.stderr)
