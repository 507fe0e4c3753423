"""A round of the factory, from settings to a finished dataset folder, without a word about processes.

    plan_round -> Round -> begin_round -> units.run_unit (anywhere, in any order) -> manifest.finish_round
The plan fixes everything that decides a byte; running a unit needs the round, a teacher and the guide that the plan names.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Callable

from awbench.catalog import METRICS
from bootstrap.filters import FILTER_METRICS
from bootstrap.ledger import Ledger, Unit
from bootstrap.pairing import Pairing, PairSpec
from bootstrap.prompts import NO_GUIDE, GuideMark
from bootstrap.provenance import digest
from bootstrap.sources import Listing, Source, scan_driving, scan_references
from bootstrap.synthesis import CRF
from bootstrap.thresholds import Thresholds
from models.types import Grid, require


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundConfig:
    """What `synthesize` is asked for. `teacher`: a name or checkpoint folder; `limit`: at most so many attempted pairs."""

    driving: Path
    references: Path
    teacher: str
    grid: Grid
    seed: int = 0
    limit: int | None = None
    pairs_per_unit: int = 16
    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        require(self.limit is None or self.limit >= 1, "synthesize", "limit", self.limit, "a whole number >= 1, or none for all pairs")
        require(self.pairs_per_unit >= 1, "synthesize", "pairs_per_unit", self.pairs_per_unit, "a whole number >= 1")
        require(self.seed >= 0, "synthesize", "seed", self.seed, "a whole number >= 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """Who made the drivers. `filter_metrics`: metrics that filtered the pairs it was itself trained on."""

    name: str
    weights_hash: str = ""
    filter_metrics: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Round:
    """A resolved round: settings, teacher, who writes the prompts, and what the source folders hold."""

    out: Path
    config: RoundConfig
    teacher: Teacher
    driving: Listing
    references: Listing
    guide: GuideMark = NO_GUIDE

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Everything that decides the bytes of one pair, apart from its sources."""
        metrics = {check: [name, METRICS.load(name).version] for check, name in FILTER_METRICS.items()}
        return {
            "grid": dataclasses.asdict(self.config.grid),
            "seed": self.config.seed,
            "teacher": dataclasses.asdict(self.teacher) | {"filter_metrics": list(self.teacher.filter_metrics)},
            "thresholds": dataclasses.asdict(self.config.thresholds),
            "filter_metrics": metrics,
            "guide": dataclasses.asdict(self.guide),
            "video": {"codec": "h264", "pix_fmt": "yuv444p", "crf": CRF},
        }

    @cached_property
    def pairing(self) -> Pairing:
        return Pairing(
            driving=self.driving.usable,
            identities=self.references.usable,
            seed=self.config.seed,
            grid=self.config.grid,
            teacher_hash=self.teacher.weights_hash or self.teacher.name,
            settings=digest(self.settings),
        )

    @property
    def total(self) -> int:
        """How many pairs are attempted in all."""
        return len(self.pairing) if self.config.limit is None else min(self.config.limit, len(self.pairing))

    @property
    def units(self) -> list[Unit]:
        size = self.config.pairs_per_unit
        return [Unit(index=n, start=start, stop=min(start + size, self.total)) for n, start in enumerate(range(0, self.total, size))]

    @cached_property
    def _by_id(self) -> tuple[dict[str, Source], dict[str, Source]]:
        return {one.id: one for one in self.driving.usable}, {one.id: one for one in self.references.usable}

    def sources(self, spec: PairSpec) -> dict[str, Source]:
        """The two files of a pair: "driving" and "reference"."""
        return {"driving": self._by_id[0][spec.driving], "reference": self._by_id[1][spec.identity]}

    def tags(self, spec: PairSpec) -> dict[str, dict[str, str]]:
        """What `clips.csv` says about the two files of a pair."""
        return {name: dict(source.tags) for name, source in self.sources(spec).items()}

    @property
    def ledger(self) -> Ledger:
        return Ledger(out=self.out)

    def pending(self) -> list[Unit]:
        """Units that still have to be made, those lost by an earlier run among them."""
        return [unit for unit in self.units if not self.ledger.is_done(unit)]


def plan_round(
    config: RoundConfig, teacher: Teacher, out: Path, seen: Callable[[str], None] = lambda _: None, *, guide: GuideMark = NO_GUIDE
) -> Round:
    """Scan the sources and compare with what `out` was begun with; writes nothing.

    Raises ValueError naming the field when the folder was begun with other settings, the limit shrinks, or `out` and a
    source folder lie inside each other.
    """
    _refuse_nesting(config, out)
    driving = scan_driving(config.driving, config.grid, seen)
    references = scan_references(config.references, seen)
    planned = Round(out=out, config=config, teacher=teacher, driving=driving, references=references, guide=guide)
    require(bool(driving.usable or driving.unreadable), "synthesize", "driving", f"no clip in {config.driving}", "a folder of clips")
    require(bool(references.usable or references.unreadable), "synthesize", "references", f"no image in {config.references}", "images")
    record = _plan_record(planned)
    previous = planned.ledger.plan()
    if previous is None:
        occupied = out.is_dir() and any(not entry.name.startswith(".") for entry in out.iterdir())
        require(not occupied, "synthesize", "out", f"{out} holds other files", "a new, empty or earlier synthesize folder")
    else:
        _refuse_changes(previous, record, out)
    return planned


def begin_round(round_: Round) -> list[Unit]:
    """Record the plan, clear what a killed run left, and return the units to make; empty for a finished folder. Hold the lock."""
    record, pending = _plan_record(round_), round_.pending()
    changed = round_.ledger.plan() != record
    if changed or pending:
        (round_.out / "run.json").unlink(missing_ok=True)  # an extended or mended folder is unfinished until its new end
    if changed:
        round_.ledger.write_plan(record)
    round_.ledger.sweep()
    return pending


def _refuse_nesting(config: RoundConfig, out: Path) -> None:
    """A dataset inside its own sources would be read as a source by the next run."""
    mine = out.resolve()
    for name, folder in (("driving", config.driving.resolve()), ("references", config.references.resolve())):
        nested = mine == folder or mine in folder.parents or folder in mine.parents
        require(not nested, "synthesize", "out", f"{out} with {name} {folder}", "neither inside the other")


def _plan_record(planned: Round) -> dict[str, Any]:
    folders = {"driving": planned.driving, "references": planned.references}
    sources = {name: {item.id: item.sha256 for item in listing.usable} for name, listing in folders.items()}
    unreadable = {name: {item.id: item.reason for item in listing.unreadable} for name, listing in folders.items()}
    per_unit = planned.config.pairs_per_unit
    return {**planned.settings, "pairs_per_unit": per_unit, "limit": planned.config.limit, **sources, "unreadable": unreadable}


def _refuse_changes(previous: dict[str, Any], record: dict[str, Any], out: Path) -> None:
    advice = "repeat the first command, or choose another --out"
    for name in sorted(previous.keys() | record.keys()):
        before, now = previous.get(name), record.get(name)
        if name == "limit":
            shrinks = now is not None and (before is None or now < before)
            require(not shrinks, str(out), "limit", now, f">= {before if before is not None else 'all pairs'}, as begun", advice)
        elif before != now:
            require(False, str(out), name, _difference(now, before), _difference(before, now), advice)


def _difference(one: Any, other: Any) -> str:
    """The part of `one` that `other` does not share, short enough for one line."""
    if isinstance(one, dict) and isinstance(other, dict):
        one = {key: value for key, value in one.items() if other.get(key) != value} or "nothing else"
    text = str(one)
    return text if len(text) <= 200 else text[:200] + " ..."
