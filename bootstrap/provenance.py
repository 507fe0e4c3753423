"""What made a dataset: versions of what touches pixels, and digests of resolved settings."""

from __future__ import annotations

import hashlib
from typing import Any

from models.artifacts import sha256, to_json
from models.versions import installed_versions

_PACKAGES = ("actorforge", "numpy", "opencv-python-headless", "av", "pyarrow")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that touch pixels or tables."""
    return installed_versions(_PACKAGES)


def digest(value: Any) -> str:
    """sha256 of the canonical JSON of `value`."""
    return sha256(to_json(value).encode())


def sample_key(*parts: object) -> str:
    """A shard key from its parts: 20 hex digits, no dots."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()[:20]
