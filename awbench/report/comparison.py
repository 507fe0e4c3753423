"""Several runs of one suite laid side by side: every (system, metric, case) has exactly one cell with a status.

In: opened runs (awbench/runs.py) with their scores. Out: a `Comparison`. Runs that cannot be compared (another suite, another
version of a metric, the same folder twice) are refused by name. A case of the suite without a score is not left out: it is
`failed` with the generation's reason, or `missing`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from awbench.report.groups import ALL_CASES, groups_of
from awbench.report.metric_facts import MetricFacts, common_metrics
from models.types import Grid, require

TRUTHLESS_NOTE = (
    "Without truth, motion follows the driver's own flow field: copies of it (echo_driver, flow_warp) score above a right answer, "
    "so motion_fidelity and overall are not ranked here."
)
MOTION = "motion_fidelity"

CEILING = "ground_truth"
"""The system that answers with the truth: shown in every table, never ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One score. `status`: ok | failed | unscored | missing; `value` is a finite number when ok, else None."""

    status: str
    value: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class System:
    """One run under its unique name. `cells`: metric -> case id -> Cell; `filters`: metrics its training pairs passed."""

    name: str
    run: Any
    cells: Mapping[str, Mapping[str, Cell]]
    generation_failures: Mapping[str, str]
    filters: frozenset[str]

    def values(self, metric: str, cases: Iterable[str]) -> dict[str, float]:
        """The scored values among `cases`."""
        cells = self.cells.get(metric, {})
        return {case: cells[case].value for case in cases if case in cells and cells[case].status == "ok"}

    def count(self, metric: str, cases: Iterable[str], status: str) -> int:
        cells = self.cells.get(metric, {})
        return sum(cells[case].status == status for case in cases if case in cells)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """The systems on one suite. `groups`: tag (None for all cases) -> case ids, in the order to show them.

    `unscored`: metric -> reason, of those that no system could be scored on; `metrics` holds them, printed tables do not.
    """

    suite: Any
    grid: Grid
    systems: tuple[System, ...]
    metrics: tuple[MetricFacts, ...]
    groups: Mapping[str | None, tuple[str, ...]]
    clusters: Mapping[str, str]
    unscored: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[MetricFacts, ...]:
        """The metrics of printed tables."""
        return tuple(metric for metric in self.metrics if metric.name not in self.unscored)

    def is_ranked(self, metric: str) -> bool:
        """Whether systems may be ranked by `metric`: not by motion, nor a whole it is a part of, where no case has a truth."""
        with_motion = {fact.name for fact in self.metrics if MOTION in (fact.name, *fact.combines)}
        return self.suite.has_truth or metric not in with_motion

    def metric(self, name: str) -> MetricFacts:
        return next(metric for metric in self.metrics if metric.name == name)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of any table of this comparison must know."""
        blind = not self.suite.has_truth and any(MOTION in (metric.name, *metric.combines) for metric in self.metrics)
        return ((TRUTHLESS_NOTE,) if blind else ()) + ((_unscored_note(self.unscored),) if self.unscored else ())

    @property
    def cases(self) -> tuple[str, ...]:
        return self.groups[ALL_CASES]

    def system(self, name: str) -> System:
        """The system called `name`. Raises ValueError listing the names."""
        found = [system for system in self.systems if system.name == name]
        require(bool(found), "report", "baseline", repr(name), f"one of {', '.join(system.name for system in self.systems)}")
        return found[0]


def compare(runs: Sequence[Any], folders: Sequence[Path]) -> Comparison:
    """Lay `runs` side by side; `folders` (same order) disambiguate equal names. Raises ValueError naming runs that do not fit."""
    require(len(runs) > 0, "report", "runs", 0, "at least one run")
    _check_distinct(folders)
    frames = [_scores(run, folder) for run, folder in zip(runs, folders)]
    suite = _common_suite(runs, folders)
    metrics = common_metrics(frames, folders)
    ids = [case.id for case in suite.cases]
    names = unique_names([str(run.system) for run in runs], folders)
    systems = tuple(_system(name, run, frame, ids, metrics, folder) for name, run, frame, folder in zip(names, runs, frames, folders))
    clusters = {case.id: str(case.driver_id or case.id) for case in suite.cases}
    return Comparison(
        suite=suite,
        grid=suite.grid,
        systems=systems,
        metrics=metrics,
        groups=groups_of(suite.cases),
        clusters=clusters,
        unscored=_unscored(systems, metrics),
    )


def _unscored(systems: Sequence[System], metrics: Sequence[MetricFacts]) -> dict[str, str]:
    """Metrics that are unscored wherever there was an output, with the most frequent reason; never all of them."""
    found = {}
    for metric in metrics:
        pairs = [(s, case, cell) for s in systems for case, cell in s.cells.get(metric.name, {}).items()]
        cells = [cell for system, case, cell in pairs if case not in system.generation_failures]
        if cells and all(cell.status == "unscored" for cell in cells):
            found[metric.name] = Counter(cell.reason for cell in cells).most_common(1)[0][0]
    return found if len(found) < len(metrics) else {}


def _unscored_note(unscored: Mapping[str, str]) -> str:
    by_reason: dict[str, list[str]] = {}
    for name, reason in unscored.items():
        by_reason.setdefault(reason, []).append(name)
    parts = [f"{', '.join(names)} ({why})" for why, names in by_reason.items()]
    return f"Unscored for every system and not shown: {'; '.join(parts)}."


def unique_names(names: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Names as they are; those taken twice get as much of their folder's path as tells them apart."""
    repeated = {name for name, count in Counter(names).items() if count > 1}
    parts = [Path(folder).resolve().parts for folder in folders]
    depth = 1
    while len({(name, part[-depth:]) for name, part in zip(names, parts)}) < len(names):
        depth += 1
    return [f"{name} ({'/'.join(part[-depth:])})" if name in repeated else name for name, part in zip(names, parts)]


def _check_distinct(folders: Sequence[Path]) -> None:
    seen = Counter(Path(folder).resolve() for folder in folders)
    twice = [str(folder) for folder, count in seen.items() if count > 1]
    require(not twice, "report", "runs", f"{', '.join(twice)} twice", "each run once")


def _scores(run: Any, folder: Path) -> Any:
    frame = run.scores()
    advice = f"run `actorforge score {folder}` first"
    require(frame is not None and len(frame) > 0, f"run {folder}", "scores.parquet", "none", "scores", advice)
    return frame


def _common_suite(runs: Sequence[Any], folders: Sequence[Path]) -> Any:
    first = runs[0]
    for run, folder in zip(runs[1:], folders[1:]):
        for name, read in _SUITE_FIELDS.items():
            got, want = read(run), read(first)
            shown = (got, want) if name in ("name", "version", "grid", "fingerprint") else ("others", f"those of {folders[0]}")
            advice = f"{folders[0]} ran another suite: report them apart"
            require(got == want, f"run {folder}", f"suite {name}", shown[0], str(shown[1]), advice)
    return first.suite


_SUITE_FIELDS = {
    "name": lambda run: run.suite.name,
    "version": lambda run: run.suite.version,
    "grid": lambda run: run.suite.grid,
    "case ids": lambda run: tuple(case.id for case in run.suite.cases),
    "tags": lambda run: tuple(dict(case.tags) for case in run.suite.cases),
    "drivers and references": lambda run: tuple((case.driver_id, case.identity_id) for case in run.suite.cases),
    "fingerprint": lambda run: run.config.get("suite", {}).get("fingerprint", ""),
}


def _system(name: str, run: Any, frame: Any, ids: Sequence[str], metrics: Sequence[MetricFacts], folder: Path) -> System:
    unknown = sorted(set(frame["case"]) - set(ids))
    require(not unknown, f"run {folder}", "scores.parquet case", ", ".join(unknown[:3]), "cases of its suite", "score the run again")
    rows = run.generation().to_dict("records")
    failures = {row["case"]: _text(row["reason"]) or "failed without a reason" for row in rows if row["status"] == "failed"}
    cells = {metric: _cells(part, ids, failures) for metric, part in frame.groupby("metric", sort=False)}
    filters = set(run.config.get("filter_metrics") or ())
    filters |= {metric.name for metric in metrics if filters & set(metric.combines)}  # a filtered part touches the whole
    return System(name=name, run=run, cells=cells, generation_failures=failures, filters=frozenset(filters))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""  # a null comes back as None or as NaN


def _cells(part: Any, ids: Sequence[str], failures: Mapping[str, str]) -> dict[str, Cell]:
    scored = {row["case"]: _cell(row) for row in part.to_dict("records")}
    return {case: scored.get(case) or _unscored_cell(case, failures) for case in ids}


def _cell(row: Mapping[str, Any]) -> Cell:
    value, reason = row["value"], _text(row["reason"])
    if row["status"] != "ok":
        return Cell(status=row["status"], reason=reason)
    if value is None or not math.isfinite(value):
        return Cell(status="failed", reason=f"value {value} is not a finite number")
    return Cell(status="ok", value=float(value))


def _unscored_cell(case: str, failures: Mapping[str, str]) -> Cell:
    if case in failures:
        return Cell(status="failed", reason=failures[case])
    return Cell(status="missing", reason="no score for this case; score the run again")
