"""A YAML file -> `Spec`, strictly: an unknown field, a missing one and one of the wrong kind are said, with the one that may be meant."""

from __future__ import annotations

import dataclasses
import difflib
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from models.animators.registry import ANIMATORS
from models.baselines.external.spec import Cost, Option, Output, Repository, Spec, Step, Weights
from models.capabilities import FrameRule, SizeRule
from models.types import require

SYSTEMS = Path(__file__).parent / "systems"
_MAX_BYTES = 1 << 20
_PARTS = {
    "repository": Repository,
    "output": Output,
    "weights": Weights,
    "size": SizeRule,
    "frames": FrameRule,
    "cost": Cost,
    "serve": Step,
}

T = TypeVar("T")


def read_spec(name: str) -> Spec:
    """The spec of a shipped name (`scail2`) or of `external:FILE.yaml`. Raises ValueError naming file and field.

    A file may not call itself as another system is called: results of both would stand under one name.
    """
    head, colon, argument = name.partition(":")
    if head != "external":
        return _read(SYSTEMS / f"{head}.yaml", 0)
    require(bool(argument), "animator external", "argument", repr(argument), "a YAML file", "write external:FILE.yaml")
    path = Path(argument).expanduser()
    require(path.is_file(), "animator external", "argument", argument, "an existing YAML file")
    spec = _read(path.resolve(), path.stat().st_mtime_ns)
    advice = "write one of its own; results are called so"
    require(spec.name not in ANIMATORS.table(), path.name, "name", f"{spec.name}, which is another system's", "a free name", advice)
    return spec


def shipped() -> list[str]:
    return sorted(path.stem for path in SYSTEMS.glob("*.yaml"))


@lru_cache(maxsize=16)
def _read(path: Path, changed_ns: int) -> Spec:
    import yaml

    require(path.stat().st_size <= _MAX_BYTES, path.name, "size", f"{path.stat().st_size} bytes", f"at most {_MAX_BYTES}")
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_strict_loader())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path.name}: not valid YAML ({' '.join(str(error).split())[:200]})") from error
    return parse_spec(raw, path.name)


def _strict_loader() -> type:
    """Plain YAML that refuses a key given twice."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
            if twice is not None:
                raise yaml.YAMLError(f"{twice!r} is given twice, line {node.start_mark.line + 1}")
            return super().construct_mapping(node, deep)

    return Loader


def parse_spec(raw: Any, item: str) -> Spec:
    """A parsed YAML as a spec; `item` is named in errors."""
    require(isinstance(raw, dict), item, "content", type(raw).__name__, "a mapping of fields")
    raw = dict(raw)
    for name, kind in _PARTS.items():
        if raw.get(name) is not None:
            raw[name] = _built(kind, raw[name], f"{item}: {name}")
    if "steps" in raw:
        require(isinstance(raw["steps"], list), item, "steps", type(raw["steps"]).__name__, "a list of commands")
        raw["steps"] = tuple(_built(Step, step, f"{item}: step {at}") for at, step in enumerate(raw["steps"], 1))
    for name in ("options", "links"):
        require(isinstance(raw.get(name, {}), dict), item, name, type(raw.get(name)).__name__, "a mapping")
    raw["options"] = {name: _built(Option, each, f"{item}: option {name}") for name, each in raw.get("options", {}).items()}
    return _built(Spec, raw, item)


def _built(kind: type[T], raw: Any, item: str) -> T:
    require(isinstance(raw, dict), item, "content", type(raw).__name__, "a mapping of fields")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in raw:
        near = difflib.get_close_matches(str(name), fields, n=1)
        advice = f"did you mean {near[0]}?" if near else ""
        require(name in fields, item, "field", repr(name), f"one of {', '.join(fields)}", advice)
    for name, field in fields.items():
        wanted = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        require(not wanted or name in raw, item, name, "no such field", "one", "every field: docs/external_contract.md")
    values = {name: _tupled(value) for name, value in raw.items()}
    for name, value in values.items():
        _check_kind(fields[name], value, item)
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{item}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{item}: {error}") from error


_SHAPES = {"str": str, "int": int, "tuple": tuple, "Mapping": (dict,), "float": (int, float)}


def _check_kind(field: dataclasses.Field, value: Any, item: str) -> None:
    """By the outermost word of the annotation: `tuple[str, ...]` is a tuple."""
    words = [word.strip().partition("[")[0] for word in str(field.type).split("|")]
    kinds = [_SHAPES[word] for word in words if word in _SHAPES]
    if not kinds or (value is None and "None" in words):
        return
    flat = tuple(kind for each in kinds for kind in (each if isinstance(each, tuple) else (each,)))
    fits = isinstance(value, flat) and (not isinstance(value, bool) or bool in flat)
    require(fits, item, field.name, f"{value!r}"[:80], str(field.type).replace("tuple", "list"))
    if str(field.type).startswith("tuple[str"):
        odd = next((part for part in value if not isinstance(part, str)), None)
        require(odd is None, item, field.name, repr(odd)[:80], "a list of words")


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
