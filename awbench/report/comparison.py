"""Several runs of one suite laid side by side: every (system, metric, case) has exactly one cell with a status.

In: opened runs (awbench/runs.py) with their scores. Out: a `Comparison`. Runs that cannot be compared (another suite, another
version of a metric, the same folder twice) are refused by name. Runs of two states of one suite are laid side by side on the cases
whose marks (`awbench.cases.case_mark`) agree; the others are left out and named. A case without a score is not left out: it is
`failed` with the generation's reason, or `missing`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from awbench.report.groups import ALL_CASES, groups_of
from awbench.report.metric_facts import MetricFacts, common_metrics
from models.types import Grid, require

CEILING = "ground_truth"
"""The system that answers with the truth: shown in every table, never ranked."""


LEAST_KNOWN = 0.5
"""What needs a truth ranks where more than this share of the cases has one, and what sees who follows the driver lets systems be ranked
where it scored more than this share: one case must not speak for nine."""

COMMANDS = "`actorforge judge RUNS --model NAME` asks a model, `actorforge score RUNS --estimator rtmlib:DIR` follows keypoints"
"""What tells, where nothing that was scored does."""


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

    @property
    def answered(self) -> frozenset[str]:
        """The cases on which any metric gave a value."""
        return frozenset(case for cells in self.cells.values() for case, cell in cells.items() if cell.status == "ok")

    @property
    def is_ceiling(self) -> bool:
        """Whether the system answers with the truth."""
        return str(self.run.system) == CEILING


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """The systems on one suite. `groups`: tag (None for all cases) -> case ids, in the order to show them.

    `drivers`, `references`: case id -> who; cases that share one are not independent. `with_truth`: the cases whose truth is known.
    `unscored`: metric -> reason, of those that no system could be scored on; `metrics` holds them, printed tables do not.
    `left_out`: cases that some run asked otherwise or not at all.
    """

    suite: Any
    grid: Grid
    systems: tuple[System, ...]
    metrics: tuple[MetricFacts, ...]
    groups: Mapping[str | None, tuple[str, ...]]
    drivers: Mapping[str, str]
    references: Mapping[str, str]
    with_truth: frozenset[str]
    unscored: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[MetricFacts, ...]:
        """The metrics of printed tables: those that rank first, and where there is no truth who follows the driver before all."""
        found = [metric for metric in self.metrics if metric.name not in self.unscored]
        seeing = {metric.name: not metric.follows for metric in self.seeing}
        return tuple(sorted(found, key=lambda metric: (not self.may_rank(metric.name), bool(seeing) and seeing.get(metric.name, 2))))

    @property
    def knows_truth(self) -> bool:
        """Whether the truth of most cases is known."""
        return len(self.with_truth) > LEAST_KNOWN * len(self.cases)

    @property
    def seeing(self) -> tuple[MetricFacts, ...]:
        """The metrics by which systems are ordered where no truth says who is right; none where nothing sees who follows the driver."""
        return _seeing(self)

    @property
    def unseen(self) -> str:
        """The one thing to know first where nobody may be ranked: what nothing here can tell, and which commands can; else ""."""
        return _unseen(self)

    @property
    def ranking(self) -> tuple[MetricFacts, ...]:
        """The metrics by which systems may be ranked here."""
        return tuple(metric for metric in self.shown if self.is_ranked(metric.name))

    def is_ranked(self, metric: str) -> bool:
        """Whether systems may be ranked by `metric`: where it may rank, and something tells who follows the driver."""
        return self.may_rank(metric) and not self.unseen

    def may_rank(self, metric: str) -> bool:
        """Whether `metric` may rank beside one that sees who follows the driver: not where it only informs, nor where it needs a truth
        and few cases have one."""
        return not self.metric(metric).informative and len(self.ranking_cases(metric, self.cases)) > LEAST_KNOWN * len(self.cases)

    def ranking_cases(self, metric: str, cases: Iterable[str]) -> tuple[str, ...]:
        """Those of `cases` whose values of `metric` may rank systems; a whole needs what its parts need."""
        facts = self.metric(metric)
        parts = [part for part in self.metrics if part.name in (metric, *facts.combines)]
        free = all(part.rank_without_truth for part in parts)
        return tuple(case for case in cases if free or case in self.with_truth)

    def metric(self, name: str) -> MetricFacts:
        return next(metric for metric in self.metrics if metric.name == name)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of any table of this comparison must know."""
        notes = [self.unseen, _alone_note(self), _looks_note(self), _blind_note(self), _partly_blind_note(self)]
        notes += [_unscored_note(self.unscored), _left_out_note(self.left_out, len(self.cases))]
        notes += [_waiting_note(system, self.cases) for system in self.systems]
        return tuple(note for note in notes if note)

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
    for run, frame, folder in zip(runs, frames, folders):
        _refuse_strange_cases(run, frame, folder)
    suite, left_out = common_suite(runs, folders)
    metrics = common_metrics(frames, folders)
    ids = [case.id for case in suite.cases]
    names = unique_names([str(run.system) for run in runs], folders)
    systems = tuple(_system(name, run, frame, ids, metrics) for name, run, frame in zip(names, runs, frames))
    return Comparison(
        suite=suite,
        grid=suite.grid,
        systems=systems,
        metrics=metrics,
        groups=groups_of(suite.cases),
        drivers={case.id: str(case.driver_id or f"driver of {case.id}") for case in suite.cases},
        references={case.id: str(case.identity_id or f"reference of {case.id}") for case in suite.cases},
        with_truth=_with_truth(suite, systems, metrics),
        unscored=_unscored(systems, metrics),
        left_out=left_out,
    )


def _with_truth(suite: Any, systems: Sequence[System], metrics: Sequence[MetricFacts]) -> frozenset[str]:
    """The cases whose truth is known: those that a metric of truth says something of; all of a suite with truth where none was scored."""
    ids = [case.id for case in suite.cases]
    if not suite.has_truth:
        return frozenset()
    names = [metric.name for metric in metrics if metric.compares_with_truth]
    columns = [system.cells[name] for system in systems for name in names if name in system.cells]
    said = {case for cells in columns for case in ids if cells[case].status == "ok"}
    silent = {case for cells in columns for case in ids if cells[case].status == "unscored"} - said
    return frozenset(ids) - silent


def _unscored(systems: Sequence[System], metrics: Sequence[MetricFacts]) -> dict[str, str]:
    """Metrics that are unscored wherever there was an output, with the most frequent reason; never all of them."""
    found = {}
    for metric in metrics:
        pairs = [(s, case, cell) for s in systems for case, cell in s.cells.get(metric.name, {}).items()]
        cells = [cell for system, case, cell in pairs if case not in system.generation_failures]
        if cells and all(cell.status in ("unscored", "missing") for cell in cells):
            reasons = Counter(cell.reason for cell in cells if cell.status == "unscored") or Counter(cell.reason for cell in cells)
            found[metric.name] = reasons.most_common(1)[0][0]
    return found if len(found) < len(metrics) else {}


@lru_cache(maxsize=64)  # by identity: every cell of a table asks whether its metric ranks
def _seeing(comparison: Comparison) -> tuple[MetricFacts, ...]:
    if comparison.knows_truth:
        return ()
    able = [metric for metric in comparison.metrics if metric.sees and comparison.may_rank(metric.name)]
    wide = [metric for metric in able if _scored(comparison, metric) > LEAST_KNOWN * len(comparison.cases)]
    return tuple(wide) if any(metric.follows for metric in wide) else ()


@lru_cache(maxsize=64)  # the same
def _unseen(comparison: Comparison) -> str:
    if comparison.knows_truth or comparison.seeing:
        return ""
    able = [metric for metric in comparison.metrics if comparison.may_rank(metric.name)]
    few = {metric.title: count for metric in able if metric.follows and (count := _scored(comparison, metric))}
    told = f" ({', '.join(f'{title} {count} of {len(comparison.cases)} cases alone' for title, count in few.items())})" * bool(few)
    looks = any(metric.sees_looks and _scored(comparison, metric) for metric in able)
    what = f"who follows the driver{told}{'' if looks else ', or a torn or melted body'}"
    return f"Nobody is ranked: nothing that was scored sees {what}. {COMMANDS}."


def _scored(comparison: Comparison, metric: MetricFacts) -> int:
    """On how many cases any system has a value."""
    return len({case for system in comparison.systems for case in system.values(metric.name, comparison.cases)})


def _alone_note(comparison: Comparison) -> str:
    """Which of the shown metrics would rank, were one beside them that sees who follows the driver."""
    alone = [metric.name for metric in comparison.shown if comparison.unseen and comparison.may_rank(metric.name)]
    why = "alone they are as good for an answer that follows nobody, or is torn"
    return f"Shown, and used to set aside answers that stand still, fail or hand the driver back: {', '.join(alone)} ({why})." * bool(alone)


def _looks_note(comparison: Comparison) -> str:
    """What keypoints do not see."""
    if not comparison.seeing or any(metric.sees_looks for metric in comparison.seeing):
        return ""
    return f"Not seen by {' and '.join(one.title for one in comparison.seeing)}: a melted face or body. `actorforge judge` sees it."


def _blind_note(comparison: Comparison) -> str:
    """Which of the shown metrics rank nobody here, and why."""
    blind = [metric for metric in comparison.shown if not comparison.may_rank(metric.name)]
    told = ", ".join(metric.name for metric in blind if metric.informative)
    lost = ", ".join(metric.name for metric in blind if not metric.informative)
    why = "without a truth the values do not tell a right answer from the driver's own motion copied"
    return " ".join(part for part in (f"Ranks nobody here: {lost} ({why})." * bool(lost), f"For information: {told}." * bool(told)) if part)


def _partly_blind_note(comparison: Comparison) -> str:
    known, cases = len(comparison.with_truth), len(comparison.cases)
    partly = [metric.name for metric in comparison.ranking if len(comparison.ranking_cases(metric.name, comparison.cases)) < cases]
    return f"Ranked on the {known} of {cases} cases with truth alone: {', '.join(partly)}." if partly else ""


def _waiting_note(system: System, cases: Sequence[str]) -> str:
    """Cases of a system with no score at all, though nothing failed: its run has grown since it was scored, or covers fewer."""
    waiting = [case for case in cases if all(cells[case].status == "missing" for cells in system.cells.values() if case in cells)]
    return f"{system.name} has no scores on {len(waiting)} of {len(cases)} cases: generate and score its run again." if waiting else ""


def _left_out_note(left_out: Sequence[str], kept: int) -> str:
    if not left_out:
        return ""
    named = ", ".join(left_out[:5]) + (", …" if len(left_out) > 5 else "")
    return f"The runs were made on different states of the suite: {kept} cases are the same in all, {len(left_out)} are left out ({named})."


def _unscored_note(unscored: Mapping[str, str]) -> str:
    by_reason: dict[str, list[str]] = {}
    for name, reason in unscored.items():
        by_reason.setdefault(reason, []).append(name)
    parts = [f"{', '.join(names)} ({why})" for why, names in by_reason.items()]
    return f"Unscored for every system and not shown: {'; '.join(parts)}." if parts else ""


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


def common_suite(runs: Sequence[Any], folders: Sequence[Path]) -> tuple[Any, tuple[str, ...]]:
    """The suite of all `runs`, and the cases left out because they are not the same in all. Raises ValueError naming what differs."""
    first = runs[0]
    if all(read(run) == read(first) for run in runs for read in _SUITE_FIELDS.values()):
        return first.suite, ()
    for run, folder in zip(runs[1:], folders[1:]):
        for name in _ALWAYS_COMMON if all(_case_marks(run) for run in runs) else _SUITE_FIELDS:
            _refuse_other(name, run, folder, first, folders[0])
    return _shared_suite(runs, folders)


def _shared_suite(runs: Sequence[Any], folders: Sequence[Path]) -> tuple[Any, tuple[str, ...]]:
    """The cases that have one mark in all runs, in the order of the first. A run begun with a limit may lack some: it is partial, and
    does not take them from the others."""
    whole = [run for run in runs if not _limited(run)] or list(runs)
    first, marks = whole[0], [_case_marks(run) for run in whole]
    limited = [_case_marks(run) for run in runs if run not in whole]
    same = [case.id for case in first.suite.cases if all(found.get(case.id, "") == marks[0].get(case.id) for found in marks)]
    shared = [case for case in same if all(found.get(case, marks[0][case]) == marks[0][case] for found in limited)]
    others = sorted({case.id for run in runs for case in run.suite.cases} - set(shared))
    advice = "they ask other questions under the same names: report them apart"
    require(bool(shared), "report", "cases that are the same in all runs", f"none in {', '.join(map(str, folders))}", ">= 1", advice)
    return first.suite.only(shared), tuple(others)


def _limited(run: Any) -> bool:
    """Whether the run covers the first cases of its suite only."""
    suite = run.config.get("suite", {})
    return suite.get("of_cases", 0) > suite.get("cases", 0)


def _case_marks(run: Any) -> Mapping[str, str]:
    return run.config.get("suite", {}).get("case_marks") or {}


def _refuse_other(name: str, run: Any, folder: Path, first: Any, where: Path) -> None:
    got, want = _SUITE_FIELDS[name](run), _SUITE_FIELDS[name](first)
    shown = (got, want) if name in ("name", "version", "grid", "fingerprint") else ("others", f"those of {where}")
    require(got == want, f"run {folder}", f"suite {name}", shown[0], str(shown[1]), f"{where} ran another suite: report them apart")


_SUITE_FIELDS = {
    "name": lambda run: run.suite.name,
    "grid": lambda run: run.suite.grid,
    "version": lambda run: run.suite.version,
    "case ids": lambda run: tuple(case.id for case in run.suite.cases),
    "tags": lambda run: tuple(dict(case.tags) for case in run.suite.cases),
    "drivers and references": lambda run: tuple((case.driver_id, case.identity_id) for case in run.suite.cases),
    "fingerprint": lambda run: run.config.get("suite", {}).get("fingerprint", ""),
}
_ALWAYS_COMMON = ("name", "grid")
"""What must agree even where the cases know their own marks."""


def _refuse_strange_cases(run: Any, frame: Any, folder: Path) -> None:
    unknown = sorted(set(frame["case"]) - {case.id for case in run.suite.cases})
    require(not unknown, f"run {folder}", "scores.parquet case", ", ".join(unknown[:3]), "cases of its suite", "score the run again")


def _system(name: str, run: Any, frame: Any, ids: Sequence[str], metrics: Sequence[MetricFacts]) -> System:
    wanted = set(ids)
    rows = [row for row in run.generation().to_dict("records") if row["case"] in wanted]
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
