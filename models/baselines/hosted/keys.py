"""Keys of services: read from the environment when a call is made, and nowhere else."""

from __future__ import annotations

import os

from models.types import require


def missing_keys(names: tuple[str, ...]) -> list[str]:
    """One line for each that is not set."""
    advice = f"export {' and '.join(names)}"
    return [f"{name}: not set in the environment; {advice}" for name in names if not os.environ.get(name, "").strip()]


def read_keys(item: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The values of these environment variables. Raises ValueError naming the one that is missing."""
    found = tuple(os.environ.get(name, "").strip() for name in names)
    for name, value in zip(names, found):
        require(bool(value), item, f"environment variable {name}", "nothing", "a key of the service", f"export {' and '.join(names)}")
        plain = value.isascii() and value.isprintable() and " " not in value
        require(plain, item, f"environment variable {name}", "what no header can carry", "printable ASCII")
    return found
