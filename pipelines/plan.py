"""`actorforge plan`: what a dataset will cost before it is made. Nothing is written to it, no teacher is loaded.

In: the flags of `synthesize` that decide which pairs there are, and rates: of a dataset that was made, or stated. Out: a table, or plain
values. What was found out about files is read from the catalog; `look` looks at the others and remembers them, as `synthesize` would.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping, Sequence

from awbench.media.kinds import Kind
from awbench.media.listing import Entry
from bootstrap.costs.estimate import Workers, estimate
from bootstrap.costs.pairs import Counts, count_pairs
from bootstrap.costs.rates import Rates, measured, stated
from bootstrap.costs.tokens import FAMILIES, strides_of
from bootstrap.costs.told import Planned, lines, values
from bootstrap.pair_rules import PairRules
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.facts import Facts, Unread
from bootstrap.survey import Footage, Surveyed, survey
from models import storage
from models.animators.load import checkpoint_folder
from models.animators.registry import ANIMATORS
from models.artifacts import read_json, to_json
from models.estimate import Estimate, Workload
from models.stated import capabilities_of
from models.types import Grid
from pipelines.factory import refuse_nothing
from pipelines.synthesize import GridFlags
from pipelines.teachers import Asked as Teacher

NOT_LOOKED = "not looked at yet"
_CAUSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The flags. `options`: of the teacher, as text; `family`: of its backbone where no checkpoint tells it.

    `measured`: a dataset whose rates count.
    """

    footage: Footage
    grid: GridFlags = field(default_factory=GridFlags)
    teacher: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    family: str | None = None
    rules: PairRules = field(default_factory=PairRules)
    limit: int | None = None
    pix_fmt: str = "yuv444p"
    look: bool = False
    measured: str | None = None
    teacher_s: float | None = None
    cpu_s: float | None = None
    mb_per_pair: float | None = None
    workers: Workers = field(default_factory=Workers)
    gpu_hour: float | None = None
    cpu_hour: float | None = None


class Remembered(Catalog):
    """What the catalog knows, without a word of its own: nothing is written, and one that is not there is not begun."""

    def known(self, entries: Iterable[Entry], kind: Kind) -> dict[str, Facts]:
        return super().known(entries, kind) if self._path.is_file() else {}

    def put(self, found: Iterable[tuple[Entry, Facts]], kind: Kind) -> None:
        pass


def plan(asked: Asked, *, as_json: bool = False, catalog: Path | None = None) -> str:
    """What to print. `catalog`: the file to remember in, default the one in the cache folder.

    Raises ValueError where a source is not there, or a rate cannot be had.
    """
    made = planned(asked, catalog)
    return to_json(values(made)).rstrip() if as_json else "\n".join(lines(made))


def planned(asked: Asked, catalog: Path | None = None) -> Planned:
    """The numbers behind it."""
    card = _card(asked.teacher)
    grid, family = asked.grid.resolve(_Own(grid=_grid(card))), asked.family or (card.get("backbone") or {}).get("family", "")
    strides = strides_of(family) if asked.family or family in FAMILIES else None
    rates = measured(storage.resolve(asked.measured), grid, asked.pix_fmt) if asked.measured else Rates()
    teacher = None if asked.teacher is None else Teacher.of(asked.teacher, asked.options)
    said = None if teacher is None else _said_by(teacher, grid)
    needs_no_gpu = teacher is not None and _needs_no_gpu(teacher)
    rates = _as_teacher_says(stated(rates, asked.teacher_s, asked.cpu_s, asked.mb_per_pair), said)
    workers = replace(asked.workers, gpus_each=0.0) if needs_no_gpu else asked.workers
    found = _surveyed(asked, grid, catalog)
    refuse_nothing(asked.footage, found)
    counts = count_pairs(found.driving.usable, found.references.usable, asked.rules, asked.limit, found.apart)
    causes = Counter(item.reason for listing in (found.driving, found.references) for item in listing.unusable)
    unknown = causes.pop(NOT_LOOKED, 0)
    return Planned(
        grid=grid,
        pix_fmt=asked.pix_fmt,
        counts=counts,
        rates=rates,
        workers=workers,
        estimate=estimate(counts, rates, workers, asked.gpu_hour, asked.cpu_hour),
        needs_no_gpu=needs_no_gpu,
        strides=strides,
        family=family,
        stated=said,
        unknown=unknown,
        unusable=dict(causes.most_common(_CAUSES)),
        notes=(*_beyond(asked.limit, counts), *_notes(asked, grid, card), *_missing(teacher)),
    )


def _as_teacher_says(rates: Rates, said: Estimate | None) -> Rates:
    """`rates` with the seconds that the teacher's module states, where nobody measured or gave any."""
    if rates.teacher_s is not None or said is None or said.seconds is None:
        return rates
    return replace(rates, teacher_s=said.seconds, told=(*rates.told, f"teacher: {said.seconds:g} s a pair, as its module states"))


def _needs_no_gpu(teacher: Teacher) -> bool:
    """Whether it is weightless, or a service: it holds no accelerator."""
    stated = capabilities_of(teacher.name, ANIMATORS)
    return stated is not None and stated.kind in ("weightless", "hosted")


def _surveyed(asked: Asked, grid: Grid, catalog: Path | None) -> Surveyed:
    if not asked.look:
        return survey(asked.footage, grid, _not_looking, Remembered(catalog))
    from pipelines.inspection import inspected

    with ExitStack() as held:
        return survey(asked.footage, grid, partial(inspected, workers=asked.workers.each, held=held), Catalog(catalog))


def _not_looking(files: Sequence[tuple[str, Kind]]) -> Iterator[tuple[str, Facts]]:
    return ((location, Unread(reason=NOT_LOOKED, transient=True)) for location, _ in files)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """Stands for the teacher where only its grid is asked."""

    grid: Grid | None


def _card(teacher: str | None) -> dict[str, Any]:
    """What a checkpoint says of itself; {} for a teacher that is none."""
    try:
        return read_json(checkpoint_folder(teacher) / "animator.json") if teacher else {}
    except ValueError:  # an animator by name: it is not loaded for this
        return {}


def _said_by(teacher: Teacher, grid: Grid) -> Estimate | None:
    """What the module behind the teacher's name says of one pair; no weight is loaded. Raises ValueError for options it does not take."""
    found = teacher.estimate(Workload(size=grid.size, num_frames=grid.num_frames, fps=grid.fps))
    return found if any(getattr(found, one) is not None for one in ("tokens", "passes", "seconds", "usd")) else None


def _grid(card: dict[str, Any]) -> Grid | None:
    return Grid(**card["grid"]) if card.get("grid") else None


def _beyond(limit: int | None, counts: Counts) -> Iterator[str]:
    if limit is not None and limit > counts.all_pairs:
        yield f"limit: {limit} asked, {counts.all_pairs} possible: all are counted; more clips, identities or other rules give more"


def _missing(teacher: Teacher | None) -> Iterator[str]:
    """What the teacher cannot do without and this machine does not have: whoever plans may be elsewhere than whoever makes."""
    yield from () if teacher is None else (f"missing here: {line}; synthesize refuses to begin without it" for line in teacher.missing())


def _notes(asked: Asked, grid: Grid, card: dict[str, Any]) -> Iterator[str]:
    flags = asked.grid
    said = {"--size": flags.size, "--fps": flags.fps, "--num-frames": flags.num_frames or flags.clip_seconds}
    unsaid = [flag for flag, value in said.items() if not value]
    if unsaid:
        whose = "the teacher's own" if card.get("grid") else "the default: no teacher is loaded to ask"
        yield f"grid: {grid.width}x{grid.height}, {grid.num_frames} frames at {grid.fps:g} fps ({' '.join(unsaid)}: {whose})"
