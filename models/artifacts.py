"""What is stored, in canonical form: JSON and parquet whose equal values are equal bytes, and sha256 hex digests.

Bytes go through `models.storage`: to a local path or a URL, whole or not at all. `cache_folder` is where rendered cases and answers lie.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from models.storage import open_read, read_bytes, resolve, write_bytes


def cache_folder() -> Path:
    """Where what can be made again is kept: ACTORFORGE_CACHE, else XDG_CACHE_HOME/actorforge, else ~/.cache/actorforge."""
    own = os.environ.get("ACTORFORGE_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "actorforge"


def to_json(value: Any) -> str:
    """Canonical JSON: sorted keys, no NaN, one trailing newline, so equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(url: str | Path, value: Any) -> None:
    write_bytes(url, to_json(value).encode())


def read_json(path: str | Path) -> Any:
    """Parse a JSON file. Raises ValueError naming the file when it is not JSON."""
    data = read_bytes(resolve(path))
    try:
        return json.loads(data.decode())
    except ValueError as error:  # also what is no UTF-8, and numbers beyond Python's limit
        raise ValueError(f"{path}: not valid JSON ({error}); delete it or write it anew") from error
    except RecursionError as error:
        raise ValueError(f"{path}: not valid JSON (nested too deeply); delete it or write it anew") from error


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | Path) -> str:
    with open_read(resolve(path)) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_parquet(path: str | Path, rows: list[dict[str, Any]], schema: Any) -> None:
    """Write rows as parquet with an explicit pyarrow schema; equal rows give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression="zstd")
    write_bytes(path, sink.getvalue().to_pybytes())
