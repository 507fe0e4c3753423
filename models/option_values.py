"""Words of `--set key=value` as values of a dataclass' fields, and those values as a record.

Read are int, float, bool, str, Path, Literal, Optional and tuples (comma-separated).
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import MISSING, Field, fields
from math import isfinite
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Callable, Literal, Mapping, Union, get_args, get_origin, get_type_hints

from models.placeless import placeless
from models.types import require

_BOOLS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def read_fields(kind: type, given: Mapping[str, str], item: str) -> dict[str, Any]:
    """The values of what was given, each read as its field's type. Raises ValueError naming option, got and expected."""
    known, types = {each.name: each for each in fields(kind) if each.init}, get_type_hints(kind)
    for name in given:
        near = difflib.get_close_matches(name, known, n=2)
        expected = f"one of {', '.join(known)}" if known else "none, it takes no options"
        require(name in known, item, "option", repr(name), expected, f"did you mean {' or '.join(near)}?" if near else "")
    for name, each in known.items():
        require(name in given or not _is_required(each), item, f"option {name}", "nothing", told(types[name]), f"--set {name}=VALUE")
    return {name: _read(types[name], text, item, name) for name, text in given.items()}


def record_options(options: Any) -> dict[str, Any]:
    """Options as a JSON record, folders by their name alone: records are published. {} for None.

    Fields with metadata `identity: False` say where things lie or how long to wait; they are no part of an identity, nor recorded.
    """
    if options is None:
        return {}
    told_of = [each for each in fields(options) if each.metadata.get("identity", True)]
    return {each.name: _recorded(getattr(options, each.name)) for each in told_of}


def absolute_options(given: Mapping[str, str], kind: type | None = None) -> dict[str, str]:
    """Options with the paths in them made absolute: a worker has another working folder. Links stay: an environment's python is one.

    Paths are what is there under `FOLDER/...` or `name:FOLDER`, and what stands in fields of `kind` with metadata `place: True`,
    there or not yet.
    """
    places = {each.name for each in fields(kind) if each.metadata.get("place") or each.type in (Path, "Path")} if kind else set()
    return {name: _placed(text) if name in places else _absolute(text) for name, text in given.items()}


def parse_settings(texts: tuple[str, ...]) -> dict[str, str]:
    """`key=value` words -> a table. Raises ValueError for one without a name, or named twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        require(bool(sign and name.strip()), "--set", "option", repr(text), "KEY=VALUE, such as steps=20")
        name = name.strip().replace("-", "_")
        require(name not in found, "--set", name, "two values", "one")
        found[name] = value
    return found


def told(kind: Any) -> str:
    """What a value of that type is called in a message."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in (Union, UnionType):
        return " or ".join("none" if each is NoneType else told(each) for each in inner)
    if origin is tuple:
        return "values between commas, each " + " / ".join(dict.fromkeys(told(each) for each in inner if each is not Ellipsis))
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}.get(kind, str(kind))


def _is_required(each: Field) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _read(kind: Any, text: str, item: str, name: str) -> Any:
    try:
        return _value(kind, text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{item}: option {name}: got {text!r}, expected {told(kind)}") from error


def _value(kind: Any, text: str) -> Any:
    """Raises ValueError for a text that is no value of the type."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _choice_of({str(choice): choice for choice in inner}, text)
    if origin in (Union, UnionType):
        return _first_of(inner, text)
    if origin is tuple:
        return _tuple(inner, text)
    readers: dict[Any, Callable[[str], Any]] = {int: _int, float: _float, bool: _bool, str: str, Path: _path}
    if kind not in readers:
        raise ValueError(f"options of type {kind} cannot be set")
    return readers[kind](text)


def _choice_of(table: Mapping[str, Any], text: str) -> Any:
    if text.strip() not in table:
        raise ValueError(text)
    return table[text.strip()]


def _bool(text: str) -> bool:
    return _choice_of(_BOOLS, text.lower())


def _int(text: str) -> int:
    """Python reads 1_0 as 10, and numbers beyond what any record or library holds."""
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text):
        raise ValueError(text)
    return int(text)


def _float(text: str) -> float:
    """A record holds no NaN and nothing endless."""
    value = float(text)
    if not isfinite(value) or "_" in text:
        raise ValueError(text)
    return value


def _first_of(kinds: tuple[Any, ...], text: str) -> Any:
    if NoneType in kinds and text.strip().lower() in ("none", ""):
        return None
    for kind in kinds:
        if kind is not NoneType:
            try:
                return _value(kind, text)
            except ValueError:
                continue
    raise ValueError(text)


def _tuple(kinds: tuple[Any, ...], text: str) -> tuple[Any, ...]:
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_value(kinds[0], word) for word in words)
    if len(words) != len(kinds):
        raise ValueError(text)
    return tuple(_value(kind, word) for kind, word in zip(kinds, words))


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _recorded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_recorded(each) for each in value]
    if isinstance(value, Path):
        return value.name if value.is_absolute() else str(value)
    return placeless(value) if isinstance(value, str) and "://" not in value and "\n" not in value else value


def _absolute(text: str) -> str:
    head, colon, argument = text.partition(":")
    path = argument if colon else head
    if "://" in text or not path or not (colon or "/" in head) or not _is_there(path):
        return text
    return f"{head}:{os.path.abspath(path)}" if colon else os.path.abspath(path)


def _placed(text: str) -> str:
    return os.path.abspath(os.path.expanduser(text)) if text and "://" not in text else text


def _is_there(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:  # a null character
        return False
