"""What a dataclass of options says of each: type, default, and words from its field or its docstring.

Read are a field's metadata["help"], a docstring's "Args:" with NAME: WORDS lines, and "`NAME`: WORDS" within its text; a class says of
its own fields before those it is made from do.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, get_type_hints

from models.option_values import told

_LINE = re.compile(r"^\s+(\w+): (.*)$")
_QUOTED = re.compile(r"(?:^|[.;]\s+)`(\w+)`: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One option. `default`: in words."""

    name: str
    kind: str
    default: str
    help: str


def described(options: type) -> list[Described]:
    """All options in their order."""
    types, words = get_type_hints(options), _documented(options)
    return [
        Described(
            name=each.name, kind=told(types[each.name]), default=_default(each), help=each.metadata.get("help") or words.get(each.name, "")
        )
        for each in fields(options)
        if each.init
    ]


def _default(each: Field) -> str:
    value: Any = each.default_factory() if each.default_factory is not MISSING else each.default
    if value is MISSING:
        return "to be given"
    if value is None or value == "":
        return "none"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)


def _documented(options: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in reversed(options.__mro__):
        text = kind.__dict__.get("__doc__") or ""
        found |= _in_args(text.partition("Args:")[2]) if "Args:" in text else _in_quotes(text)
    return found


def _in_args(text: str) -> dict[str, str]:
    found, last = dict[str, str](), ""
    for line in text.splitlines():
        if match := _LINE.match(line):
            last = match[1]
            found[last] = match[2].strip()
        elif last and line.strip():
            found[last] += f" {line.strip()}"
    return found


def _in_quotes(text: str) -> dict[str, str]:
    parts = _QUOTED.split(" ".join(text.split()))
    return {name: words.rstrip(".") for name, words in zip(parts[1::2], parts[2::2])}
