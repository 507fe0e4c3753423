"""From what Ray tells of a dead worker, and what it had printed, to a cause in few words: the same words for the same cause."""

from __future__ import annotations

import re

OUT_OF_MEMORY = "out of memory"
NODE_LOST = "its node was lost"
_PRINTED = {
    "Segmentation fault": "SIGSEGV",
    "SIGSEGV": "SIGSEGV",
    "Aborted": "SIGABRT",
    "Bus error": "SIGBUS",
    "Floating point exception": "SIGFPE",
    "Illegal instruction": "SIGILL",
}
"""What a process prints as it dies (faulthandler, which Ray turns on) and the signal it tells of."""


def cause_of_death(kind: str, told: str, printed: str) -> str:
    """`kind`: name of Ray's error; `told`: its text; `printed`: the last lines of the worker."""
    if kind == "OutOfMemoryError" or "memory monitor" in told or "due to the node running low on memory" in told:
        return OUT_OF_MEMORY
    if kind in ("NodeDiedError", "LocalRayletDiedError") or "its node has died" in told or "actor's node was" in told:
        return NODE_LOST
    for words, signal in _PRINTED.items():
        if f"Fatal Python error: {words}" in printed or f"*** {words}" in printed:
            return signal
    code = re.search(r"exit code (-?[0-9]+)", told)
    return f"exit code {code[1]}" if code else "killed, or ended by os._exit"
