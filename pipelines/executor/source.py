"""Head and workers run one and the same source: a hash over the Python files of the four packages, compared before any work.

Ray puts the folder in which it was started first on every worker's path. A session of our own is therefore started from the source root;
a cluster that is joined gets the four packages uploaded.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.raised import PACKAGES
from models.types import require


def source_root() -> Path:
    """The folder that holds the four packages."""
    return Path(__file__).resolve().parents[2]


def source_hash(root: Path | None = None) -> str:
    """sha256 over the Python files of the four packages: paths below the root and contents."""
    root = root or source_root()
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def check_source(head_root: str, head_hash: str) -> None:
    """Raises ValueError where this process runs other source than the head."""
    here = source_hash()
    got, expected = f"{source_root()} (hash {here[:12]})", f"the head's {head_root} (hash {head_hash[:12]})"
    require(here == head_hash, "worker", "source", got, expected, "run head and workers from one unchanged source folder")
