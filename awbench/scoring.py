"""Run + metrics -> scores.parquet: one row per (case, metric), whatever happened.

A case is scored on its own and its rows are put away at once (`scores.partial/CASE.json`, whole or not at all), so a killed run
continues and any number of workers, in any order, gives the same table. `finish` merges the parts with what was
scored before and writes scores.parquet last. Asking for one more metric scores only that metric. Scored anew: failed
rows that a `RetryFailed` wants (unless the generation itself failed and still has), unscored rows of optional metrics, rows
of another metric version, and every row of a video that has changed since. A combined metric's row is dropped when one of
its parts is scored again without it, so that it never speaks of older parts.

    todo = plan(run, metrics); for case in todo: record(run, case, score_case(run, case, todo[case])); finish(run)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from awbench.alignment import aligned
from awbench.answered import MAX_REASON_CHARS, failure_of, given_of
from awbench.catalog import METRICS
from awbench.evidence import Evidence
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.metric import Metric, Unscored
from awbench.runs import Run
from awbench.score_rows import SCHEMA, VIDEOS, known_rows, overlaid, part_path, video_hash
from models.artifacts import read_json, write_json, write_parquet
from models.images import MediaError
from models.progress import Progress
from models.retry_failed import RetryFailed
from models.types import require
from models.video import read_video


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One answer. `value` is None unless `status` is "ok"; "failed" and "unscored" say why in `reason`."""

    run: str
    case: str
    system: str
    seed: int
    metric: str
    metric_version: str
    value: float | None
    status: str
    reason: str = ""

    def __post_init__(self) -> None:
        item = f"score {self.case}/{self.metric}"
        require(self.status in ("ok", "failed", "unscored"), item, "status", repr(self.status), "ok, failed or unscored")
        good = (self.value is not None and bool(np.isfinite(self.value))) if self.status == "ok" else self.value is None
        require(good, item, "value", self.value, "a finite number when ok, else None")


def load_metric(name: str, models: LearnedModels) -> Metric:
    """The metric of that name, a learned one bound to its model."""
    metric = METRICS.load(name)
    return metric.bound(models) if isinstance(metric, LearnedMetric) else metric


def load_metrics(names: Sequence[str] = (), models: LearnedModels | None = None) -> tuple[Metric, ...]:
    """The metrics named, with the parts of a combined one before it; without names all that need nothing extra, and the learned ones
    whose model is given."""
    models = models or LearnedModels()
    if not names:
        chosen = [name for name in METRICS.table() if _is_default(METRICS.load(name), models)]
        return _ordered([load_metric(name, models) for name in chosen])
    wanted = {name: load_metric(name, models) for name in names}
    for metric in list(wanted.values()):
        wanted |= {part: load_metric(part, models) for part in metric.combines}
    return _ordered(wanted.values())


def _is_default(metric: Metric, models: LearnedModels) -> bool:
    return not metric.optional or (isinstance(metric, LearnedMetric) and metric.needs in models.given)


def _ordered(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    return tuple(sorted(metrics, key=lambda metric: (bool(metric.combines), metric.name)))


def plan(run: Run, metrics: Sequence[Metric], retry: RetryFailed = RetryFailed()) -> dict[str, tuple[Metric, ...]]:
    """What is still to be scored: metrics per case id, in the suite's order, cases with nothing to do left out. `retry`: failed rows."""
    known, todo = known_rows(run, [case.id for case in run.suite.cases]), {}
    made = {row["case"]: row for row in run.generation().to_dict("records")}
    for case in run.suite.cases:
        rows, failure = known[case.id], failure_of(made.get(case.id, {}))
        missing = [metric for metric in metrics if not _settled(rows.get(metric.name), metric, failure, retry)]
        names = {metric.name for metric in missing}
        missing += [metric for metric in metrics if metric.name not in names and names & set(metric.combines)]
        if missing:
            todo[case.id] = _ordered(missing)
    return todo


def _settled(row: Mapping[str, Any] | None, metric: Metric, generation_failure: str, retry: RetryFailed) -> bool:
    if row is not None and row["status"] == "ok" and not metric.ready:
        return True
    if row is None or row["metric_version"] != metric.scored_version:
        return False
    if row["status"] == "failed":  # without a video nothing can change but the reason
        return (generation_failure != "" and row["reason"] == generation_failure) or not retry.wants(row["reason"])
    return row["status"] == "ok" or (row["status"] == "unscored" and not metric.optional)


def score_case(run: Run, case_id: str, metrics: Sequence[Metric]) -> list[Score]:
    """A score for every metric, in that order. Never raises for what is wrong with the output: that is a failed score."""
    made = _generation_row(run, case_id)
    try:
        evidence: Evidence | Exception = _evidence(run, case_id, made)
    except Exception as error:  # whatever the output is like, it is one case's failure with its reason
        evidence = error
    stored = known_rows(run, [case_id])[case_id] if any(metric.combines for metric in metrics) else {}
    answers = {name: _stored_answer(row) for name, row in stored.items()}
    for metric in metrics:
        answers[metric.name] = _answer(metric, evidence, answers)
    facts = {"run": run.path.name, "case": case_id, "system": run.system, "seed": int(made.get("seed") or 0)}
    return [_score(metric, answers[metric.name], facts) for metric in metrics]


def _stored_answer(row: Mapping[str, Any]) -> float | Unscored | Exception:
    if row["status"] == "ok":
        return float(row["value"])
    return Unscored(reason=row["reason"]) if row["status"] == "unscored" else ValueError(row["reason"])


def _answer(metric: Metric, evidence: Evidence | Exception, answers: Mapping[str, Any]) -> float | Unscored | Exception:
    if isinstance(evidence, Exception):
        return evidence
    try:
        if not metric.combines:
            value = metric.function(evidence)
        else:
            value = metric.function(_parts(metric, answers))
        if not isinstance(value, Unscored) and not np.isfinite(value):
            raise ValueError(f"{metric.name}: got {value}, expected a finite number")
        return value
    except Exception as error:  # a metric that breaks on one case must not stop the others
        return error


def _parts(metric: Metric, answers: Mapping[str, Any]) -> dict[str, float | Unscored]:
    for name in metric.combines:
        if isinstance(answers.get(name), Exception):
            raise ValueError(f"{name} failed: {answers[name]}")
    return {name: answers[name] for name in metric.combines if name in answers}


def _score(metric: Metric, answer: float | Unscored | Exception, facts: Mapping[str, Any]) -> Score:
    about = {**facts, "metric": metric.name, "metric_version": metric.scored_version}
    if isinstance(answer, Exception):
        kind = "" if isinstance(answer, ValueError) else f"{type(answer).__name__}: "
        return Score(**about, value=None, status="failed", reason=f"{kind}{answer}"[:MAX_REASON_CHARS] or type(answer).__name__)
    if isinstance(answer, Unscored):
        return Score(**about, value=None, status="unscored", reason=answer.reason)
    return Score(**about, value=float(answer), status="ok")


def _evidence(run: Run, case_id: str, row: Mapping[str, Any]) -> Evidence:
    if failure := failure_of(row):
        raise ValueError(failure)
    case = run.suite.case(case_id)
    try:
        output = read_video(run.video_path(case_id))
    except (MediaError, OSError) as error:
        raise ValueError(f"output unreadable: {error}") from error
    media = run.suite.load(case_id)
    about = {"reference": media.reference, "truth": media.truth, "track": case.track, "prompt": case.prompt}
    whole = Evidence(case_id=case_id, output=output, driver=media.driving, **about)
    return aligned(whole, given_of(row, run.suite.grid, run.config.get("offset_s")))


def _generation_row(run: Run, case_id: str) -> dict[str, Any]:
    rows = run.generation()
    found = rows[rows["case"] == case_id].to_dict("records")
    return found[0] if found else {}


def record(run: Run, case_id: str, scores: Sequence[Score]) -> None:
    """Put a case's scores away, whole or not at all, with what was put away for the same video before."""
    video, path = video_hash(run, case_id), part_path(run, case_id)
    before = read_json(path) if path.is_file() else {"video": video, "rows": []}
    rows = {row["metric"]: row for row in before["rows"]} if before["video"] == video else {}
    rows = overlaid(rows, {score.metric: {name: asdict(score)[name] for name in SCHEMA.names} for score in scores})
    write_json(path, {"video": video, "rows": [rows[name] for name in sorted(rows)]})


def finish(run: Run) -> pd.DataFrame:
    """Merge all parts into scores.parquet (suite order, then metric name), remove them and return the table."""
    case_ids = [case.id for case in run.suite.cases]
    known = known_rows(run, case_ids)
    rows = [known[case_id][name] for case_id in case_ids for name in sorted(known[case_id])]
    videos = {case_id: video_hash(run, case_id) for case_id in case_ids if known[case_id]}
    schema = SCHEMA.with_metadata({VIDEOS: json.dumps(videos, sort_keys=True).encode()})
    write_parquet(run.path / "scores.parquet", rows, schema)
    shutil.rmtree(run.path / "scores.partial", ignore_errors=True)
    return pd.DataFrame(rows, columns=SCHEMA.names)


def score_run(run: Run, metrics: Sequence[Metric]) -> pd.DataFrame:
    """The whole line in this process; continues where an earlier one stopped."""
    todo = plan(run, metrics)
    if not todo and (run.path / "scores.parquet").is_file():
        return finish(run) if (run.path / "scores.partial").is_dir() else pd.DataFrame(run.scores())
    with Progress(f"score {run.system}", total=len(run.suite.cases), already=len(run.suite.cases) - len(todo)) as progress:
        for case_id, missing in todo.items():
            scores = score_case(run, case_id, missing)
            record(run, case_id, scores)
            progress.step(failed=any(score.status == "failed" for score in scores))
    return finish(run)
