"""What a process that outlives its cases prints: whose log it is, and whether a line of it belongs into the answers' pipe."""

from __future__ import annotations

import json
import time

from models.baselines.external.processes import Log

_LINE_B = 1 << 16


class Diverted:
    """The words of a process that outlives its cases: to the log of the case at hand, between two cases to none."""

    def __init__(self, log: Log | None) -> None:
        self._log, self._rest = log, b""
        self._id: str | None = None
        self._printed: tuple[str, float] | None = None

    def divert(self, log: Log | None, id: str | None = None) -> None:
        """`id`: the request that is to be answered; None: the process is to say that it is ready."""
        self._log, self._id, self._printed = log, id, None

    def add(self, chunk: bytes) -> None:
        log = self._log
        if log is not None:
            log.add(chunk)
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[-_LINE_B:]
        said = next((line for line in lines if _answers(line, self._id)), None)
        if said is not None and self._printed is None:
            self._printed = (said.decode("utf-8", "replace"), time.monotonic())

    def misplaced(self, after_s: float) -> str:
        """A line printed so long ago that is what the answers' pipe should bring, "" where there is none."""
        printed = self._printed
        return printed[0] if printed and time.monotonic() - printed[1] >= after_s else ""


def _answers(line: bytes, id: str | None) -> bool:
    """Whether a line is what the answers' pipe should bring now; a copy of an earlier answer may be printed late."""
    if len(line) > _LINE_B or not line.lstrip().startswith(b"{"):
        return False
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if not isinstance(told, dict) or "contract" not in told:
        return False
    return "ready" in told if id is None else "status" in told and told.get("id") == id
