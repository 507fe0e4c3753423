"""What one look at a file tells, independent of any grid: small enough to be remembered for every file of a large collection.

`inspection` makes facts, `catalog` remembers them as JSON; `windows`, `doubles` and `selection` decide by them. About 10 kB a minute.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

INSPECTION_VERSION = "4"
"""Changes when the same file would be told differently; facts of another version are made anew."""
PRINTS_PER_S, MOTION_PER_S, PEOPLE_PER_S = 2, 5, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A stretch nobody should learn from: moments between `start_s` and `stop_s` show its frames. `why`: fade, flash, black or empty."""

    start_s: float
    stop_s: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFacts:
    """A clip that decodes to its end. Times are s from its first frame on.

    `size`: (W,H) px as shown; `fps`: its own median rate; `end_s`: when the last frame stops being shown; `cuts_s`: moments midway between
    two shots: the frame nearest to an earlier moment belongs to the shot before, to a later one to the shot after; `bars`: the box
    (x, y, w, h) px that black bars leave, or none; `motion`: for every 1/MOTION_PER_S s the change of the picture, for `motion_levels`;
    `prints`, `colours`: for every 1/PRINTS_PER_S s a perceptual hash (8 bytes) and the mean colours of 4x4 cells (48 bytes).
    """

    sha256: str
    size: tuple[int, int]
    frames: int
    fps: float
    end_s: float
    cuts_s: tuple[float, ...] = ()
    unfit: tuple[Unfit, ...] = ()
    bars: tuple[int, int, int, int] | None = None
    motion: bytes = b""
    prints: bytes = b""
    colours: bytes = b""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """A picture. `size`: (W,H) px as shown; `prints`, `colours`: as of one moment of a clip; `flaw`: "", "black" or "empty"."""

    sha256: str
    size: tuple[int, int]
    prints: bytes = b""
    colours: bytes = b""
    flaw: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFacts:
    """`people`: how many a pose estimator finds in a clip every 1/PEOPLE_PER_S s, one byte each."""

    people: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A picture of one frame under an ending that moving ones have, among clips: no fault, but media of the other kind."""

    reason: str = "a still picture among clips"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A file that could not be looked at, and why. `transient`: it may be there, or read well, the next time."""

    reason: str
    transient: bool = False


Facts = ClipFacts | ImageFacts | PeopleFacts | Still | Unread
_KINDS: dict[str, type] = {"clip": ClipFacts, "image": ImageFacts, "people": PeopleFacts, "still": Still, "unread": Unread}
_NAMES = {made: name for name, made in _KINDS.items()}
_BYTES = frozenset({"motion", "prints", "colours", "people"})


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Facts as plain JSON values, `kind` among them; fields that hold nothing are left out."""
    shown = {name: getattr(facts, name) for name in facts.__slots__}
    return {"kind": _NAMES[type(facts)]} | {name: _plain(value) for name, value in shown.items() if value not in ((), b"", "", None)}


def facts_from_json(record: dict[str, Any]) -> Facts:
    """What `facts_to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    known = {name: value for name, value in record.items() if name != "kind"}
    for name, value in known.items():
        if name in _BYTES:
            known[name] = b64decode(value, validate=True)
        elif name == "unfit":
            known[name] = tuple(Unfit(**one) for one in value)
        elif isinstance(value, list):
            known[name] = tuple(value)
    return _KINDS[record["kind"]](**known)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return {name: getattr(value, name) for name in value.__slots__} if isinstance(value, Unfit) else value
