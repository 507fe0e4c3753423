"""Versions of Python and of installed packages, for the records of runs and datasets."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Iterable


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """ "python" and every package that is installed -> its version; one that is not has none to record."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
