"""How `--help` names the values of flags: in words of the command line, not of Python, once for all verbs.

`REGISTRY` goes to tyro: TEXT, N and NUMBER for str, int and float; a flag that may be left out is shown by what it takes when it is given,
and its default, where there is none, as none.
"""

from __future__ import annotations

from types import NoneType
from typing import get_args

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo, UnsupportedTypeAnnotationError

REGISTRY = ConstructorRegistry()
_WORDS = {str: ("TEXT", "a text"), int: ("N", "a whole number"), float: ("NUMBER", "a number")}

Spec = PrimitiveConstructorSpec | UnsupportedTypeAnnotationError | None


@REGISTRY.primitive_rule
def plain(type_info: PrimitiveTypeInfo) -> Spec:
    """Texts and numbers."""
    kind = type_info.type
    if kind not in _WORDS:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=_WORDS[kind][0],
        instance_from_str=lambda words: _read(kind, words[0]),
        is_instance=lambda value: isinstance(value, (int, float) if kind is float else kind),
        str_from_instance=lambda value: [f"{value:g}" if kind is float else str(value)],
    )


def _read(kind: type, word: str) -> str | int | float:
    try:
        return kind(word)
    except ValueError:
        raise ValueError(f"got {word!r}, expected {_WORDS[kind][1]}") from None


@REGISTRY.primitive_rule
def optional(type_info: PrimitiveTypeInfo) -> Spec:
    """`X | None`: None is what nobody can say, only leave out."""
    kinds = get_args(type_info.type)
    rest = [kind for kind in kinds if kind is not NoneType]
    if len(rest) == len(kinds) or len(rest) != 1:
        return None
    inner = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(rest[0], type_info.markers))
    if not isinstance(inner, PrimitiveConstructorSpec):
        return inner
    return PrimitiveConstructorSpec(
        nargs=inner.nargs,
        metavar=inner.metavar,
        choices=inner.choices,
        instance_from_str=inner.instance_from_str,
        is_instance=lambda value: value is None or inner.is_instance(value),
        str_from_instance=lambda value: ["none"] if value is None else inner.str_from_instance(value),
    )
