"""Is a source still the content it was planned by? A record that names another content than the pixels show is worse than no pair.

A file is hashed once for every mark its storage gives it (in every worker), and its mark is asked again after it was read: footage that is
exchanged while a round runs, or behind an old memory of it, fails its pairs.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import Iterator

from bootstrap.sources.source import Source
from models import storage
from models.artifacts import sha256_file
from models.storage import FileFacts


class Away(OSError):
    """A source that is not there at the moment."""


class Changed(Away):
    """A source that has another content than the one it was looked at with."""


@contextmanager
def as_planned(*sources: Source) -> Iterator[None]:
    """Hold that the sources have their contents, before and after what is done with them. Raises Changed, and OSError where one is away."""
    before = [_checked(source) for source in sources]
    yield
    for source, facts in zip(sources, before):
        if storage.facts_of(source.location) != facts:
            raise _changed(source)


def _checked(source: Source) -> FileFacts:
    facts = storage.facts_of(source.location)
    if _hash(source.location, facts) != source.sha256:
        raise _changed(source)
    return facts


def _changed(source: Source) -> Changed:
    return Changed(f"{source.id} has changed since it was looked at")


@lru_cache(maxsize=1 << 14)
def _hash(location: str, facts: FileFacts) -> str:
    """By mark as well: another mark is another content until it is read."""
    return sha256_file(location)
