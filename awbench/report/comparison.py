"""Several runs of one suite laid side by side: every (system, metric, case) has exactly one cell with a status.

In: opened runs (awbench/runs.py) with their scores. Out: a `Comparison`. Runs that cannot be compared (another suite, another
version of a metric, the same folder twice) are refused by name. A case of the suite without a score is not left out: it is
`failed` with the generation's reason, or `missing`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from models.types import Grid, require

CEILING = "ground_truth"
"""The system that answers with the truth: shown in every table, never ranked."""

ALL_CASES = None
"""The tag of rows over the whole suite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One score. `status`: ok | failed | unscored | missing; `value` is a finite number when ok, else None."""

    status: str
    value: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFacts:
    """What a table needs to know of a metric. `span`: the axis to draw on, or None to fit the scores (dB); `combines`: its parts."""

    name: str
    version: str
    higher_is_better: bool = True
    span: tuple[float, float] | None = None
    combines: tuple[str, ...] = ()


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
    """The systems on one suite. `groups`: tag (None for all cases) -> case ids, in the order to show them."""

    suite: Any
    grid: Grid
    systems: tuple[System, ...]
    metrics: tuple[MetricFacts, ...]
    groups: Mapping[str | None, tuple[str, ...]]
    clusters: Mapping[str, str]

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
    metrics = _common_metrics(frames, folders)
    ids = [case.id for case in suite.cases]
    names = unique_names([str(run.system) for run in runs], folders)
    systems = tuple(_system(name, run, frame, ids, metrics, folder) for name, run, frame, folder in zip(names, runs, frames, folders))
    clusters = {case.id: str(case.driver_id or case.id) for case in suite.cases}
    return Comparison(suite=suite, grid=suite.grid, systems=systems, metrics=metrics, groups=groups_of(suite.cases), clusters=clusters)


def unique_names(names: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Names as they are; those taken twice get as much of their folder's path as tells them apart."""
    repeated = {name for name, count in Counter(names).items() if count > 1}
    parts = [Path(folder).resolve().parts for folder in folders]
    depth = 1
    while len({(name, part[-depth:]) for name, part in zip(names, parts)}) < len(names):
        depth += 1
    return [f"{name} ({'/'.join(part[-depth:])})" if name in repeated else name for name, part in zip(names, parts)]


def tag_text(name: str, value: object) -> str:
    """`name=value` as it appears in reports; booleans in lower case."""
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def groups_of(cases: Sequence[Any]) -> dict[str | None, tuple[str, ...]]:
    """All cases, then one group per tag value, then the cross-track cells driver kind x reference kind."""
    tagged: dict[str, dict[str, list[str]]] = {}
    for case in cases:
        for name, value in {"reference_pose": case.reference_pose, **case.tags, **_kinds(case.tags)}.items():
            tagged.setdefault(name, {}).setdefault(tag_text(name, value), []).append(case.id)
    groups: dict[str | None, tuple[str, ...]] = {ALL_CASES: tuple(case.id for case in cases)}
    for values in tagged.values():
        groups.update({tag: tuple(values[tag]) for tag in sorted(values)})
    return groups


KINDS = ("human", "non-human")


def cell_tag(driver: str, reference: str) -> str:
    """The tag of one cell of the driver x reference table."""
    return tag_text("driver_to_reference", f"{driver}_to_{reference}")


def _kinds(tags: Mapping[str, object]) -> dict[str, str]:
    """Human or not, for driver and reference; only across identities, where the difference matters."""
    if not {"driver_subject", "reference_subject"} <= tags.keys() or tags.get("track", "cross") != "cross":
        return {}
    driver, reference = (KINDS[tags[name] != "human"] for name in ("driver_subject", "reference_subject"))
    return {"driver_kind": driver, "reference_kind": reference, "driver_to_reference": f"{driver}_to_{reference}"}


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
        for field, read in _SUITE_FIELDS.items():
            got, want = read(run), read(first)
            shown = (got, want) if field in ("name", "version", "grid", "fingerprint") else ("others", f"those of {folders[0]}")
            advice = f"{folders[0]} ran another suite: report them apart"
            require(got == want, f"run {folder}", f"suite {field}", shown[0], str(shown[1]), advice)
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


def _common_metrics(frames: Sequence[Any], folders: Sequence[Path]) -> tuple[MetricFacts, ...]:
    """The union of the scored metrics, in catalog order; the same metric in two versions is refused."""
    versions: dict[str, tuple[str, Path]] = {}
    for frame, folder in zip(frames, folders):
        for metric, version in frame[["metric", "metric_version"]].drop_duplicates().itertuples(index=False):
            known, where = versions.setdefault(str(metric), (str(version), folder))
            advice = f"{where} has {known}: score both with one version"
            require(str(version) == known, f"run {folder}", f"{metric} version", version, known, advice)
    known = [name for name in _catalog_order() if name in versions]
    facts = [_facts(name, versions[name][0]) for name in known + sorted(versions.keys() - set(known))]
    return tuple(sorted(facts, key=lambda metric: not metric.combines))  # the composite leads, the rest keeps its order


def _catalog_order() -> list[str]:
    from awbench.catalog import METRICS

    return list(METRICS.entries)


def _facts(name: str, version: str) -> MetricFacts:
    """Direction and range from the catalog; a metric of a plug-in that is not installed here counts as higher is better."""
    from awbench.catalog import METRICS

    if name not in METRICS.table():
        return MetricFacts(name=name, version=version)
    metric = METRICS.load(name)
    span = (float(metric.low), float(metric.high)) if metric.high - metric.low <= 1 else None
    return MetricFacts(name=name, version=version, higher_is_better=metric.higher_is_better, span=span, combines=tuple(metric.combines))


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
