"""Every writer goes through here: bytes appear under their final name whole or not at all.

A local file is written under a temporary name, flushed to disk and renamed; other file systems (any fsspec URL) are
written under a temporary name and moved. Hashes are sha256 hex digests. `cache_folder` is where rendered cases and answers lie.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator
from uuid import uuid4


def _is_local(url: str | Path) -> bool:
    return isinstance(url, Path) or "://" not in str(url) or str(url).startswith("file://")


def cache_folder() -> Path:
    """Where what can be made again is kept: ACTORFORGE_CACHE, else XDG_CACHE_HOME/actorforge, else ~/.cache/actorforge."""
    own = os.environ.get("ACTORFORGE_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "actorforge"


@contextmanager
def publish(path: str | Path) -> Iterator[Path]:
    """Yield a temporary local path; on success it becomes `path` in one rename, on an error it is removed."""
    final = Path(str(path).removeprefix("file://"))
    final.parent.mkdir(parents=True, exist_ok=True)
    draft = final.with_name(f".{final.name}.{uuid4().hex[:8]}.tmp")
    try:
        yield draft
        with open(draft, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(draft, final)
    finally:
        draft.unlink(missing_ok=True)


def write_bytes(url: str | Path, data: bytes) -> None:
    """Write `data` to a local path or any fsspec URL, whole or not at all."""
    if _is_local(url):
        with publish(url) as draft:
            draft.write_bytes(data)
        return
    import fsspec

    fs, path = fsspec.core.url_to_fs(str(url))
    draft = f"{path}.{uuid4().hex[:8]}.tmp"
    fs.pipe_file(draft, data)
    fs.mv(draft, path)


def to_json(value: Any) -> str:
    """Canonical JSON: sorted keys, no NaN, one trailing newline, so equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(url: str | Path, value: Any) -> None:
    write_bytes(url, to_json(value).encode())


def read_json(path: str | Path) -> Any:
    """Parse a JSON file. Raises ValueError naming the file when it is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not valid JSON ({error}); delete it or write it anew") from error


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_parquet(path: str | Path, rows: list[dict[str, Any]], schema: Any) -> None:
    """Write rows as parquet with an explicit pyarrow schema; equal rows give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression="zstd")
    write_bytes(path, sink.getvalue().to_pybytes())
