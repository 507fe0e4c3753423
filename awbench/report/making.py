"""How far a dataset in the making is: pairs done of those planned, the rate of late, how long the rest takes at it, where the time goes.

In: the location of a dataset, how many pairs it has and how many are planned. Out: a `Making` as sentences. Rates are of the run that wrote
last, by its diary, so that a night in which nothing ran counts for nothing; the moment is the diary's last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from models.dataset_events import STARTED, host_of, moment, pairs_made, read_events, seconds_by_step

_LATELY = 200
"""Pairs over which a rate is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """`planned`: None where it is not known; `per_hour`: pairs, None before two are there; `lines`: what else to tell."""

    done: int
    planned: int | None
    per_hour: float | None
    told: str
    lines: tuple[str, ...] = ()

    @property
    def left_s(self) -> float | None:
        """How long the rest takes at that rate."""
        if not self.per_hour or self.planned is None:
            return None
        return max(0, self.planned - self.done) / self.per_hour * 3600


def read_making(folder: str, *, done: int, planned: int | None) -> Making:
    """How far the dataset at `folder` is."""
    events = read_events(folder)
    last_run = _last_run(events)
    rate = pairs_per_hour(last_run)
    plain = Making(done=done, planned=planned, per_hour=rate, told="")
    share = f" ({100 * done / planned:.0f} %)" if planned else ""
    told = [f"{done} of {planned} planned pairs{share}" if planned is not None else f"{done} pairs"]
    told += [f"{rate:.0f} pairs an hour" if rate >= 10 else f"{rate:.2g} pairs an hour"] if rate else []
    told += [f"about {_span(plain.left_s)} left"] if plain.left_s else []
    return Making(done=done, planned=planned, per_hour=rate, told=", ".join(told), lines=tuple(_lines(events, last_run)))


def pairs_per_hour(events: Sequence[Mapping[str, Any]]) -> float | None:
    """The rate over the last pairs made."""
    made = list(pairs_made(events))[-_LATELY:]
    spent_s = (moment(made[-1]) - moment(made[0])).total_seconds() if len(made) > 1 else 0.0
    return (len(made) - 1) / spent_s * 3600 if spent_s > 0 else None


def _last_run(events: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    starts = [place for place, event in enumerate(events) if event.get("event") == STARTED]
    return events[starts[-1] :] if starts else events


def _lines(events: Sequence[Mapping[str, Any]], last_run: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    steps = seconds_by_step(last_run)
    if steps:
        yield "seconds a pair: " + ", ".join(f"{step} {spent_s:.2g}" for step, spent_s in steps.items())
    hosts = {host_of(event) for event in pairs_made(last_run)} - {""}
    if hosts:
        yield f"made on {len(hosts)} host{'s' * (len(hosts) > 1)}"
    if events:
        yield f"last sign of life {moment(events[-1]):%Y-%m-%d %H:%M:%S} UTC"


def _span(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} h" if hours >= 2 else f"{max(1, round(seconds / 60))} min"
