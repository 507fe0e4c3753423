"""An estimate as a small table and as plain values."""

from __future__ import annotations

import dataclasses
from typing import Any, Iterator, Mapping, Sequence

from bootstrap.costs.estimate import Estimate, Workers
from bootstrap.costs.pairs import Counts
from bootstrap.costs.rates import TEACHER, YUV420P, Rates
from bootstrap.costs.tokens import Strides
from models.estimate import Estimate as Stated
from models.types import Grid

_UNKNOWN = "–"
Row = tuple[str, str, str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Everything a plan says. `stated`: what the teacher's module says of one pair, None where it says nothing.

    `unknown`: files nobody has looked at yet, `unusable`: why files give nothing -> how many.

    `needs_no_gpu`: the teacher is weightless, or a service.
    """

    grid: Grid
    pix_fmt: str
    counts: Counts
    rates: Rates
    workers: Workers
    estimate: Estimate
    strides: Strides | None = None
    family: str = ""
    stated: Stated | None = None
    unknown: int = 0
    needs_no_gpu: bool = False
    unusable: Mapping[str, int] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


def lines(plan: Planned) -> list[str]:
    """The table and the lines below it."""
    return [*_table(list(_rows(plan))), "", *_below(plan)]


def values(plan: Planned) -> dict[str, Any]:
    """The same as plain values."""
    fields = {name: dataclasses.asdict(getattr(plan, name)) for name in ("grid", "counts", "rates", "workers", "estimate")}
    tokens = None if plan.strides is None else plan.strides.tokens(plan.grid)
    context = None if tokens is None else 2 * tokens
    rest = {"pix_fmt": plan.pix_fmt, "family": plan.family, "tokens_per_clip": tokens, "tokens_in_context": context}
    looked = {"not_looked_at": plan.unknown, "unusable": dict(plan.unusable), "notes": list(plan.notes)}
    teacher = None if plan.stated is None else dataclasses.asdict(plan.stated)
    return {**fields, **rest, **looked, "teacher_states": teacher, "pairs_a_window": plan.counts.pairs_a_window}


def _rows(plan: Planned) -> Iterator[Row]:
    counts, rates, done = plan.counts, plan.rates, plan.estimate
    yield "stage", "count", "each", "together"
    if not counts.pairs and plan.unknown:
        yield "pairs", _UNKNOWN, "", f"{plan.unknown} files not looked at yet: run with --look"
        return
    yield "sources", f"{counts.clips} clips, {counts.identities} identities", "", ""
    yield "windows", f"{counts.windows}", f"{plan.grid.width}x{plan.grid.height}, {plan.grid.num_frames} frames", ""
    yield "pairs", f"{counts.all_pairs} possible", f"{counts.pairs_a_window:.1f} a window", f"{counts.pairs} to make"
    if plan.strides is not None:
        tokens = plan.strides.tokens(plan.grid)
        yield "tokens", f"{counts.pairs} pairs", f"{2 * tokens} in context", f"{2 * tokens * counts.pairs:.3g}"
    if plan.stated is not None and plan.stated.usd is not None:
        yield "service", f"{counts.pairs} pairs", f"{plan.stated.usd:,.4g} USD", f"{plan.stated.usd * counts.pairs:,.2f} USD"
    unit = "hours" if plan.needs_no_gpu else "GPU-hours"
    yield "teacher", f"{counts.pairs} pairs", _seconds(rates.teacher_s), _hours(done.gpu_h, unit)
    for step, spent_s in (rates.steps or {}).items():
        if step != TEACHER:
            yield f"  {step}", "", _seconds(spent_s), ""
    yield "the rest", f"{counts.pairs} pairs", _seconds(rates.cpu_s), _hours(done.cpu_h, "CPU-hours")
    kept = f"{rates.kept * counts.pairs:.0f} kept pairs"
    yield "shards", kept, _UNKNOWN if rates.bytes_kept is None else f"{rates.bytes_kept / 1e6:.3g} MB", _stored(done.stored_tb)
    yield "wall time", _workers(plan.workers), "", _wall(done.wall_h)
    gpus = "" if plan.needs_no_gpu else f"{plan.workers.gpus:g} GPU, "
    yield "cost", f"{gpus}{plan.workers.cpus} CPU held", "", _UNKNOWN if done.cost is None else f"{done.cost:,.2f}"


def _below(plan: Planned) -> Iterator[str]:
    counts, rates, done = plan.counts, plan.rates, plan.estimate
    if plan.strides is not None:
        tokens = plan.strides.tokens(plan.grid)
        yield f"tokens: {tokens} a clip ({plan.family}: {plan.strides.told}); in context reference and driver share a canvas, twice that"
    if rates.bytes_kept is not None:
        other = "yuv420p" if plan.pix_fmt == "yuv444p" else "yuv444p"
        ratio = YUV420P if other == "yuv420p" else 1 / YUV420P
        yield f"colour: {plan.pix_fmt}; {other} would be {_stored(done.stored_tb and done.stored_tb * ratio)}, {_PRICE[other]}"
    if done.shared_tb is not None:
        saved = f"one target for all pairs of a window would save {_stored(done.shared_tb)}"
        each = f"{counts.windows_used} windows, {counts.pairs_a_window:.1f} pairs each on average"
        yield f"targets: {each}: {saved} (not built: each sample is whole)"
    if plan.stated is not None:
        yield f"teacher: {_said(plan.stated)}"
    yield from (f"rates: {line}" for line in rates.told)
    if None in (rates.teacher_s, rates.cpu_s, rates.bytes_kept):
        yield "rates: what shows – needs --measured DATASET, or --teacher-seconds, --cpu-seconds, --mb-per-pair"
    if not rates.counted:
        yield "kept: all, as no measured dataset says what the filters turn down"
    if plan.unknown:
        yield f"not looked at yet: {plan.unknown} files, left out of every number; run with --look"
    yield from (f"unusable: {count} files: {why}" for why, count in plan.unusable.items())
    yield from plan.notes


def _said(one: Stated) -> str:
    units = {"tokens": "tokens a pass", "passes": "passes a pair", "seconds": "s a pair", "usd": "USD a pair"}
    work = [f"{value:g} {unit}" for name, unit in units.items() if (value := getattr(one, name)) is not None]
    return ", ".join(work) + (f" ({one.basis})" if one.basis else "")


_PRICE = {"yuv420p": "plays everywhere and blurs edges of colour", "yuv444p": "keeps edges of colour"}


def _table(rows: Sequence[Row]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]


def _seconds(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.3g} s"


def _hours(value: float | None, unit: str) -> str:
    return _UNKNOWN if value is None else f"{value:,.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"


def _stored(terabytes: float | None) -> str:
    if terabytes is None:
        return _UNKNOWN
    return f"{terabytes:.3g} TB" if terabytes >= 1 else f"{terabytes * 1e3:.3g} GB" if terabytes >= 1e-3 else f"{terabytes * 1e6:.3g} MB"


def _wall(hours: float | None) -> str:
    if hours is None:
        return _UNKNOWN
    return f"{hours / 24:.3g} days" if hours >= 48 else f"{hours:.3g} h" if hours >= 1 else f"{hours * 60:.3g} min"


def _workers(workers: Workers) -> str:
    return f"{workers.gpu} teachers, {workers.cpu} CPU workers" if workers.pooled else f"{max(1, workers.each)} workers that do it all"
