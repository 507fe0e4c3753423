"""The report of a dataset of pairs: what was attempted, what each check let through, and why the rest was not kept.

In: the folder that `synthesize` made (manifest.parquet, run.json, sources.parquet), or makes: `open_preview` reads what there is of it by
now. Out: a `DatasetReport` and its counts as plain values. Only the documented columns are read, so this room needs nothing of the
factory's code.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from awbench.report.making import Making, read_making
from models import storage
from models.artifacts import read_json
from models.dataset_rows import is_finished, read_rows
from models.types import require

COLUMNS = ("key", "driving", "reference", "teacher", "seed", "status", "reason", "verdicts", "shard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One check on one candidate."""

    check: str
    value: float | None
    threshold: float | None
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A row of the manifest. An input that could not be read is a failed row with one of the two ids empty.

    `record`: where the sample of a pair lies that no shard holds yet, below the dataset.
    """

    key: str
    driving: str
    reference: str
    status: str
    reason: str
    shard: str
    teacher: str
    verdicts: tuple[Verdict, ...]
    record: str = ""

    @property
    def is_pair(self) -> bool:
        return bool(self.driving and self.reference)

    @property
    def has_sample(self) -> bool:
        return bool(self.shard or self.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckYield:
    """What one check saw: `values` and `passed` run in parallel over the candidates it gave a number to."""

    check: str
    tried: int
    kept: int
    threshold: float | None
    values: tuple[float, ...]
    passed: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DatasetReport:
    """An opened dataset. `folder`: its location; `config`: its run.json, or the plan of one in the making.

    `usable`: sources that may be paired by their role, {} where it is not known; `making`: how far it is, None for a finished one.
    """

    folder: str
    config: Mapping[str, Any]
    attempts: tuple[Attempt, ...]
    usable: Mapping[str, int] = field(default_factory=dict)
    making: Making | None = None

    @property
    def name(self) -> str:
        return storage.name_of(self.folder)

    @property
    def pairs(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.is_pair]

    @property
    def unreadable(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if not attempt.is_pair]

    def with_status(self, status: str) -> list[Attempt]:
        """The pairs of that status, in the manifest's order."""
        return [attempt for attempt in self.pairs if attempt.status == status]


def open_dataset(folder: str | Path) -> DatasetReport:
    """Read the manifest. Raises ValueError when it is missing, damaged or lacks a column."""
    import pandas as pd

    place = storage.resolve(folder)
    try:
        with storage.open_read(storage.join(place, "manifest.parquet")) as file:
            frame = pd.read_parquet(file)
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        advice = "run the same synthesize command again, or look at what there is with `actorforge preview`"
        raise ValueError(f"dataset {folder}: manifest.parquet: unreadable ({error}); {advice}") from error
    return _opened(place, frame.to_dict("records"), frame.columns, "run.json")


def open_preview(folder: str | Path) -> DatasetReport:
    """Read a dataset, finished or in the making. Raises ValueError where there is none."""
    place = storage.resolve(folder)
    if is_finished(place):
        return open_dataset(place)
    found = read_rows(place, COLUMNS)
    making = read_making(place, done=len(found.rows), planned=found.planned)
    return _opened(place, found.rows, COLUMNS, "work/plan.json", making)


def _opened(
    place: str, rows: Sequence[Mapping[str, Any]], columns: Iterable[str], settings: str, making: Making | None = None
) -> DatasetReport:
    item, there = f"dataset {storage.redacted(place)}", set(columns)
    lacking = [name for name in COLUMNS if name not in there]
    require(not lacking, item, "manifest.parquet columns", f"none called {', '.join(lacking)}", ", ".join(COLUMNS))
    where = storage.join(place, settings)
    config = read_json(where) if storage.exists(where) else {}
    usable = _usable(storage.join(place, "sources.parquet"))
    return DatasetReport(folder=place, config=config, attempts=tuple(map(_attempt, rows)), usable=usable, making=making)


def _usable(location: str) -> dict[str, int]:
    """Usable sources by role, {} where no table tells of them."""
    import pandas as pd

    try:
        with storage.open_read(location) as file:
            roles = pd.read_parquet(file, columns=["role", "status"]).query("status == 'usable'")["role"]
    except (OSError, ValueError):
        return {}
    return {role: int((roles == role).sum()) for role in ("driving", "reference")}


def check_yields(report: DatasetReport) -> list[CheckYield]:
    """One entry per check, in the order in which candidates met them."""
    met: dict[str, list[Verdict]] = {}
    for attempt in report.pairs:
        for verdict in attempt.verdicts:
            met.setdefault(verdict.check, []).append(verdict)
    return [_check_yield(check, verdicts) for check, verdicts in met.items()]


def yield_records(report: DatasetReport) -> list[dict[str, Any]]:
    """The funnel as rows {step, tried, passed, share}: generation, each check, and what was kept in the end."""
    pairs, failed = len(report.pairs), len(report.with_status("failed"))
    steps = [("generation", pairs, pairs - failed)]
    steps += [(found.check, found.tried, found.kept) for found in check_yields(report)]
    steps += [("kept", pairs, len(report.with_status("kept")))]
    return [{"step": name, "tried": tried, "passed": kept, "share": kept / tried if tried else None} for name, tried, kept in steps]


def reason_counts(report: DatasetReport) -> list[tuple[str, str, int, str]]:
    """(status, step, pairs, an example reason), most frequent first; reasons that differ in numbers only are one."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for attempt in report.pairs:
        if attempt.status != "kept":
            groups.setdefault((attempt.status, *_stopped_by(attempt)), []).append(attempt.reason or "no reason recorded")
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(status, step, len(reasons), reasons[0]) for (status, step, _), reasons in ordered]


def _attempt(row: Mapping[str, Any]) -> Attempt:
    fields = {name: _text(row.get(name)) for name in ("key", "driving", "reference", "status", "reason", "shard", "teacher", "record")}
    return Attempt(**fields, verdicts=tuple(_verdicts(row.get("verdicts"), fields["key"])))


def _verdicts(text: object, key: str) -> Iterable[Verdict]:
    try:
        items = json.loads(text) if isinstance(text, str) and text else []
        for item in items:
            value, threshold = _number(item.get("value")), _number(item.get("threshold"))
            yield Verdict(
                check=str(item["check"]), value=value, threshold=threshold, passed=bool(item["passed"]), reason=_text(item.get("reason"))
            )
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        expected = "a json list of {check, value, threshold, passed, reason}"
        raise ValueError(f"manifest row {key}: verdicts: got {str(text)[:80]!r}, expected {expected}") from error


def _check_yield(check: str, verdicts: Sequence[Verdict]) -> CheckYield:
    measured = [verdict for verdict in verdicts if verdict.value is not None]
    thresholds = {verdict.threshold for verdict in verdicts if verdict.threshold is not None}
    return CheckYield(
        check=check,
        tried=len(verdicts),
        kept=sum(verdict.passed for verdict in verdicts),
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
        values=tuple(verdict.value for verdict in measured),
        passed=tuple(verdict.passed for verdict in measured),
    )


def _stopped_by(attempt: Attempt) -> tuple[str, str]:
    """(step, gist): the first check not passed; for what failed before any check, generation and the reason without numbers."""
    check = next((verdict.check for verdict in attempt.verdicts if not verdict.passed), None)
    return (check, "") if check else ("generation", re.sub(r"\d+(\.\d+)?", "#", attempt.reason))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and np.isfinite(value) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""  # a null comes back as None or as NaN
