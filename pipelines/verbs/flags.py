"""Flags that several verbs share: text of the command line -> values, refused by the flag's name."""

from __future__ import annotations

import re
from typing import Annotated

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from models.option_values import parse_settings
from models.retry_failed import RetryFailed

Many = Annotated[tuple[tuple[str, ...], ...], tyro.conf.UseAppendAction]
"""Several values, after one flag or after several of the same name; read them by `all_of`."""


Reason = Annotated[
    str | None,
    PrimitiveConstructorSpec(
        nargs="*",
        metavar="[REASON]",
        instance_from_str=" ".join,
        is_instance=lambda value: value is None or isinstance(value, str),
        str_from_instance=lambda value: ["none"] if value is None else value.split(),
    ),
]
"""A flag with or without words behind it: `--retry-failed`, `--retry-failed CUDA error`; read it by `retry_of`."""


def parse_size(text: str) -> tuple[int, int]:
    """`WxH` in px -> (W, H)."""
    match = re.fullmatch(r"([0-9]{1,5})[xX×]([0-9]{1,5})", text)
    if not match or 0 in (int(match[1]), int(match[2])):
        raise ValueError(f"--size: got {text!r}, expected WxH in px, such as 64x48")
    return int(match[1]), int(match[2])


def names(text: str | None) -> tuple[str, ...]:
    """Comma-separated words -> words."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def from_zero(flag: str, value: float | None) -> None:
    """Refuse a negative number."""
    if value is not None and not value >= 0:
        raise ValueError(f"{flag}: got {value}, expected a {'whole ' * isinstance(value, int)}number >= 0")


def from_one(flag: str, value: int | None) -> None:
    """Refuse what is no count of things."""
    if value is not None and value < 1:
        raise ValueError(f"{flag}: got {value}, expected a whole number >= 1")


def options_of_teacher(given: Many, teacher: str | None) -> dict[str, str]:
    """What `--set` says. Raises ValueError where there is no teacher to take it."""
    options = parse_settings(all_of(given))
    if options and teacher is None:
        raise ValueError(f"--set: got {', '.join(options)} without --teacher, expected the teacher that takes them")
    return options


def all_of(given: tuple[tuple[str, ...], ...], required: str = "") -> tuple[str, ...]:
    """The values of a `Many` flag. Raises ValueError where there is none for a flag that is `required`."""
    values = tuple(value for each in given for value in each)
    if required and not values:
        raise ValueError(f"{required}: got none, expected at least one")
    return values


def retry_of(retry_failed: str | None, keep_failed: bool) -> RetryFailed:
    """What `--retry-failed [REASON]` and `--keep-failed` ask for. Raises ValueError where both are given."""
    if keep_failed and retry_failed is not None:
        raise ValueError("--keep-failed: got it beside --retry-failed, expected one of them")
    return RetryFailed(reason=retry_failed or "", keep=keep_failed)


def over_zero(flag: str, value: float | None) -> None:
    """Refuse what is no length of time."""
    if value is not None and not value > 0:
        raise ValueError(f"{flag}: got {value:g}, expected seconds > 0")
