"""What a plug-in is by its code: a digest of the modules that make it, part of the identity of a run as of a dataset.

An animator of ours has none: it is known by its name and weights. Of a plug-in the modules of its factory and of its class are read, not
what they import: what else decides pixels belongs into its `weights_hash`.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from pathlib import Path
from typing import Iterator

from models.catalog import Catalog
from models.protocols import Animator
from models.raised import PACKAGES
from models.stated import named


def code_of(loaded: Animator, asked: str, catalog: Catalog) -> str:
    """sha256 of the files of its modules, names and contents; "" for one of ours, and for what was made by hand, in no file.

    `asked`: the name it was loaded by.
    """
    found = named(asked, catalog)
    names = {type(loaded).__module__, *([found.module] if found else [])}
    files = list(_files_of(sorted(name for name in names if name.partition(".")[0] not in PACKAGES)))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest() if files else ""


def _files_of(modules: list[str]) -> Iterator[Path]:
    for name in modules:
        try:
            yield Path(inspect.getfile(sys.modules[name]))
        except (KeyError, TypeError):  # made by hand, in no file
            continue
