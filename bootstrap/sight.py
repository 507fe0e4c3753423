"""Does this worker see what it needs? Asked before its first pair, so that a blind node stops a run instead of failing its pairs."""

from __future__ import annotations

import socket
from typing import Iterable

from bootstrap.ledger import plan_digest
from bootstrap.round_config import RoundContext
from models import storage
from models.types import require

_ADVICE = "every node needs a mount of it under the same path, or give an address on an object store (s3://...)"


def check_sight(context: RoundContext) -> None:
    """Raise ValueError naming host and path where the dataset folder, or one source of each kind, is not seen from here."""
    host, told = f"worker on {socket.gethostname()}", storage.redacted(context.ledger.plan_file)
    try:
        found, why = context.ledger.plan(), "no such file"
    except (OSError, ValueError) as error:
        found, why = None, f"{type(error).__name__}: {error}"
    require(found is not None, host, told, why, "the dataset folder of the head", _ADVICE)
    require(plan_digest(found) == context.plan, host, told, "another plan", "that of the head", _ADVICE)
    see(context.seen, "a source")


def see(locations: Iterable[str], what: str) -> None:
    """Raise ValueError naming host and path where one of the files that the head sees is not seen from here."""
    for location in locations:
        try:
            storage.facts_of(location)
        except OSError as error:
            host, got = socket.gethostname(), error.strerror or type(error).__name__
            path, expected = storage.redacted(location), f"{what} that the head sees"
            raise ValueError(f"worker on {host}: {path}: got {got}, expected {expected}; {_ADVICE}") from error
