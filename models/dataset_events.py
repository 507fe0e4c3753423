"""The diary of a dataset as it can be read again: `work/events.jsonl`, or `work/events-*.jsonl` where storage cannot append.

A line is {time, event, host, pid, ...}. Of a pair that was made: {event: pair, key, status, attempts, worker: host:pid, seconds: {step:
s}}. The last line of a killed run may be cut; what is no line of ours is passed over. Nothing published depends on any of it.
"""

from __future__ import annotations

import json
from datetime import datetime
from fnmatch import fnmatch
from statistics import fmean
from typing import Any, Iterable, Iterator, Mapping

from models import storage

PAIR, STARTED = "pair", "started"
STEPS = ("sources", "guidance", "target", "teacher", "driver", "filters", "record")
"""The steps of a pair in their order."""


def read_events(folder: str) -> list[dict[str, Any]]:
    """The lines of the dataset at a location, by their time."""
    work = storage.join(folder, "work")
    names = [name for name, _ in storage.walk(work, lambda _: False)] if storage.is_folder(work) else []
    found = [event for name in sorted(names) if fnmatch(name, "events*.jsonl") for event in _lines(storage.join(work, name))]
    return sorted(found, key=lambda event: event["time"])


def pairs_made(events: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The lines of pairs."""
    return (event for event in events if event.get("event") == PAIR)


def moment(event: Mapping[str, Any]) -> datetime:
    """When a line was written."""
    return datetime.fromisoformat(event["time"])


def host_of(event: Mapping[str, Any]) -> str:
    """Where the work of a line was done: of its worker, else of who wrote it."""
    return str(event.get("worker") or "").rpartition(":")[0] or str(event.get("host") or "")


def seconds_by_step(events: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Step -> mean seconds a pair took in it, over the pairs that went through it."""
    steps: dict[str, list[float]] = {}
    for event in pairs_made(events):
        for step, spent_s in (event.get("seconds") or {}).items():
            if isinstance(spent_s, (int, float)):
                steps.setdefault(step, []).append(float(spent_s))
    return in_order({step: fmean(found) for step, found in steps.items()})


def in_order(seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds by step in the order of the steps, what is none of them last."""
    return {step: seconds[step] for step in sorted(seconds, key=lambda step: (STEPS.index(step) if step in STEPS else len(STEPS), step))}


def _lines(location: str) -> Iterator[dict[str, Any]]:
    try:
        data = storage.read_bytes(location)
    except OSError:
        return
    for line in data.splitlines():
        try:
            event = json.loads(line)
            if moment(event).tzinfo is None:
                continue
        except (ValueError, KeyError, TypeError):
            continue
        yield event
