"""The report of a dataset of pairs: what was attempted, what each check let through, and why the rest was not kept.

In: the folder that `synthesize` made (manifest.parquet, run.json, sources.parquet). Out: a `DatasetReport` and its counts as plain values.
Only the documented columns are read, so this room needs nothing of the factory's code.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from models.artifacts import read_json
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
    """A row of the manifest. An input that could not be read is a failed row with one of the two ids empty."""

    key: str
    driving: str
    reference: str
    status: str
    reason: str
    shard: str
    teacher: str
    verdicts: tuple[Verdict, ...]

    @property
    def is_pair(self) -> bool:
        return bool(self.driving and self.reference)


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
    """An opened dataset. `config`: its run.json; `usable`: sources that may be paired by their role, {} where it is not known."""

    folder: Path
    config: Mapping[str, Any]
    attempts: tuple[Attempt, ...]
    usable: Mapping[str, int] = field(default_factory=dict)

    @property
    def pairs(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.is_pair]

    @property
    def unreadable(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if not attempt.is_pair]

    def with_status(self, status: str) -> list[Attempt]:
        """The pairs of that status, in the manifest's order."""
        return [attempt for attempt in self.pairs if attempt.status == status]


def open_dataset(folder: Path) -> DatasetReport:
    """Read the manifest. Raises ValueError when it is missing, damaged or lacks a column."""
    import pandas as pd

    path = folder / "manifest.parquet"
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise ValueError(f"dataset {folder}: manifest.parquet: unreadable ({error}); run the same synthesize command again") from error
    lacking = [name for name in COLUMNS if name not in frame]
    require(not lacking, f"dataset {folder}", "manifest.parquet columns", f"none called {', '.join(lacking)}", ", ".join(COLUMNS))
    config = read_json(folder / "run.json") if (folder / "run.json").is_file() else {}
    attempts = tuple(_attempt(row) for row in frame.to_dict("records"))
    return DatasetReport(folder=folder, config=config, attempts=attempts, usable=_usable(folder / "sources.parquet"))


def _usable(path: Path) -> dict[str, int]:
    """Usable sources by role, {} where no table tells of them."""
    import pandas as pd

    try:
        roles = pd.read_parquet(path, columns=["role", "status"]).query("status == 'usable'")["role"]
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
    fields = {name: _text(row[name]) for name in ("key", "driving", "reference", "status", "reason", "shard", "teacher")}
    return Attempt(**fields, verdicts=tuple(_verdicts(row["verdicts"], fields["key"])))


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
