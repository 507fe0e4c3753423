"""The part of JSON Schema that strict structured output knows, checked here again: of a schema, and of a reply against it."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Iterator, Mapping

from models.types import require


def strict_json(text: str) -> Any:
    """JSON in which no key appears twice; NaN and Infinity, which are none, fail as numbers out of range."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            raise ValueError("a key appears twice")
        return table

    return json.loads(text, object_pairs_hook=unique)


def unwrapped(said: str) -> str:
    """A reply without what models put around all of it: thoughts before it, a fence of ``` around it. Nothing is searched for within."""
    text = re.sub(r"\A\s*<think>.*?</think>", "", said, count=1, flags=re.DOTALL).strip()
    fenced = re.fullmatch(r"```[A-Za-z]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*```", text, flags=re.DOTALL)
    return fenced[1] if fenced and "```" not in fenced[1] else text


_KEYWORDS: dict[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"enum"}),
    "number": frozenset({"enum", "minimum", "maximum"}),
    "integer": frozenset({"enum", "minimum", "maximum"}),
    "boolean": frozenset(),
}


def check_schema(schema: Mapping[str, Any], item: str) -> None:
    """Refuse what `problems` would not check: a keyword ignored is a promise broken."""
    kind = schema.get("type")
    require(kind in _KEYWORDS, item, "type", kind, f"one of {', '.join(_KEYWORDS)}")
    unknown = set(schema) - _KEYWORDS[kind] - {"type", "description"}
    require(not unknown, item, f"keywords of {kind}", sorted(unknown), f"some of {sorted(_KEYWORDS[kind] | {'description'})}")
    if kind == "array":
        require("items" in schema, item, "items", "none", "a schema")
        check_schema(schema["items"], f"{item}[]")
    if kind == "object":
        properties = schema.get("properties", {})
        closed = schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)
        require(closed, item, "object", "an open one", "additionalProperties false and every property required (strict)")
        for name, inner in properties.items():
            check_schema(inner, f"{item}.{name}")


def problems(value: Any, schema: Mapping[str, Any], where: str = "reply") -> Iterator[str]:
    """What keeps `value` from fitting `schema`, a sentence each; nothing when it fits."""
    types: dict[str, tuple[type, ...]] = {"object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,)}
    kind = schema["type"]
    if type(value) not in types.get(kind, (int, float)):
        yield f"{where} is {json.dumps(value)[:60]}, not of type {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {json.dumps(value)[:60]}, not one of {json.dumps(schema['enum'])}"
    elif kind == "object":
        yield from _object_problems(value, schema, where)
    elif kind == "array":
        yield from _array_problems(value, schema, where)
    elif kind == "string":
        yield from _string_problems(value, where)
    elif kind in ("number", "integer"):
        yield from _number_problems(value, schema, where)


def _object_problems(value: dict, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{where} lacks {name!r}" for name in properties if name not in value)
    yield from (f"{where} has {name!r}, which is not in the schema" for name in value if name not in properties)
    for name in properties:
        if name in value:
            yield from problems(value[name], properties[name], f"{where}.{name}")


def _array_problems(value: list, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    low, high = schema.get("minItems", 0), schema.get("maxItems", math.inf)
    if not low <= len(value) <= high:
        yield f"{where} has {len(value)} items, not {low} to {high}"
    for place, inner in enumerate(value):
        yield from problems(inner, schema["items"], f"{where}[{place}]")


def _string_problems(value: str, where: str) -> Iterator[str]:
    if not value.strip():
        yield f"{where} is blank"
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        yield f"{where} holds half a character (a lone surrogate)"


def _number_problems(value: float, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if not (math.isfinite(value) and low <= value <= high):
        yield f"{where} is {value}, not from {low} to {high}"
