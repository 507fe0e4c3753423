"""Clips and identities that the factory can use, and files that it cannot, each with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A usable file. `id`: its name below what was pointed at, the same wherever that lies; `location`: where it lies now.

    `starts_s`: first moments of its windows on the round's grid, s (empty for identities). `tags`: what tables say of it, the prompt among
    them. `notes`: what reading it changes. `size`: (W,H) px as shown.
    """

    id: str
    location: str
    sha256: str
    size: tuple[int, int] = (0, 0)
    starts_s: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A file that gives nothing, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Everything found behind one flag, each part sorted by id. `notes`: what else to tell."""

    usable: tuple[Source, ...]
    unusable: tuple[Unusable, ...] = ()
    notes: tuple[str, ...] = ()
