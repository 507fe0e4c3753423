"""Which pair the only process of a run has under way: one that takes the process with it must not stop every later run.

    work/in_flight.json    {key: starts}: pairs whose making was begun so often and never came back
Workers of their own need none of this: their death is seen by the head.
"""

from __future__ import annotations

import json
from pathlib import Path

from models import storage

DEATHS = 3
"""So often may the process die on one pair before the pair is failed for it."""
REASON = f"the process died {DEATHS} times while this pair was made"


class InFlight:
    """The note of the dataset whose `work/` folder is `folder`, with what earlier runs left in it."""

    def __init__(self, folder: str) -> None:
        self._folder, self._location = folder, storage.join(folder, "in_flight.json")
        self._starts = self._read()

    def _read(self) -> dict[str, int]:
        try:
            return {str(key): int(starts) for key, starts in json.loads(storage.read_bytes(self._location)).items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return {}

    def is_deadly(self, key: str) -> bool:
        """Whether the process died on that pair too often."""
        return self._starts.get(key, 0) >= DEATHS

    def begin(self, key: str) -> None:
        """Say that a pair is under way."""
        self._starts[key] = self._starts.get(key, 0) + 1
        self._write()

    def end(self, key: str) -> None:
        """It came back."""
        self._starts.pop(key, None)
        self._write()

    def stopped(self, key: str) -> None:
        """It was stopped by whoever watches: that is not its fault."""
        self._starts[key] -= 1
        self._write()

    def _write(self) -> None:
        left = {key: starts for key, starts in self._starts.items() if starts}
        if not left:
            storage.delete(self._location)
        elif storage.is_url(self._folder):
            storage.write_bytes(self._location, json.dumps(left).encode())
        else:
            Path(self._location).write_text(json.dumps(left))  # for every pair: must outlive the process, not the machine
