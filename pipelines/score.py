"""`actorforge score`: runs x metrics -> scores.parquet in every run, cases of all runs on one pool of workers.

Continues where it stopped; one more metric scores only that metric. A case that hangs or takes its worker along is failed rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Sequence

from awbench import scoring
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.metric import Metric
from awbench.runs import Run
from awbench.scoring import Score
from models.progress import Progress
from models.retry_failed import RetryFailed
from models.types import require
from pipelines.executor.pools import Lost, Policy
from pipelines.executor.run import run_items


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUnit:
    """One case of one run with the metrics it lacks. `probe`: it is only tried, nothing is put away."""

    run: Path
    case: str
    metrics: tuple[str, ...]
    models: LearnedModels
    probe: bool = False


def score(
    folders: Sequence[Path],
    metrics: Sequence[str] = (),
    *,
    models: LearnedModels | None = None,
    workers: int = 0,
    retry: RetryFailed = RetryFailed(),
    timeout_s: float | None = None,
) -> list[Run]:
    """Score every case of every run by `metrics` (none named: all that need nothing extra, and the learned ones whose model is given).

    `timeout_s`: the most one case may take.
    """
    runs = [Run.open(Path(folder).resolve()) for folder in folders]
    for run in runs:
        advice = "run the same generate command again"
        require(run.complete, f"run {run.path}", "state", "generation not complete", "a finished run", advice)
    where = models.device if models else "cpu"
    require(workers == 0 or where == "cpu", "score", "device", where, "cpu with --workers", "one GPU serves one process: use --workers 0")
    models = (models or LearnedModels()).absolute()  # a worker has another working folder
    chosen = scoring.load_metrics(tuple(metrics), models)
    units = [unit for run in runs for unit in _units(run, chosen, models, retry)]
    by_path = {run.path: run for run in runs}
    total = sum(len(run.suite.cases) for run in runs)
    with Progress("score", total=total, already=total - len(units)) as progress:
        for index, scored in run_items(_Scorer, units, workers, label="score", policy=_policy(timeout_s)):
            if isinstance(scored, Lost):
                scored = _lose(by_path[units[index].run], units[index], scored.reason)
            progress.step(failed=scored.failed)
    for run in runs:
        if run.scores() is None or (run.path / "scores.partial").is_dir():
            scoring.finish(run)
    return runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What became of a unit. `cause`: why all its metrics failed, "" where one did not, or where there is no video to score."""

    failed: bool
    cause: str = ""


def _policy(timeout_s: float | None) -> Policy:
    """Scores that all fail alike are an answer too: they never stop a run."""
    about = {"as_probe": partial(replace, probe=True), "name_of": lambda unit: f"{unit.run.name} {unit.case}"}
    return Policy(timeout_s=timeout_s, cause_of=lambda scored: scored.cause, stop_after=None, **about)


def _units(run: Run, metrics: Sequence[Metric], models: LearnedModels, retry: RetryFailed) -> list[CaseUnit]:
    todo = scoring.plan(run, metrics, retry)
    names = {case: tuple(metric.name for metric in missing) for case, missing in todo.items()}
    return [CaseUnit(run=run.path, case=case, metrics=missing, models=models) for case, missing in names.items()]


class _Scorer:
    """Scores units in one process; a run is opened once."""

    def __init__(self) -> None:
        self._runs: dict[Path, Run] = {}

    def __call__(self, unit: CaseUnit) -> Scored:
        """Score the unit and put the scores away."""
        run = self._runs.get(unit.run) or self._runs.setdefault(unit.run, Run.open(unit.run))
        scores = scoring.score_case(run, unit.case, [scoring.load_metric(name, unit.models) for name in unit.metrics])
        if not unit.probe:
            scoring.record(run, unit.case, scores)
        reasons = {score.reason.replace(unit.case, "CASE") for score in scores if score.status == "failed"}
        alike = len(reasons) == 1 and all(score.status == "failed" for score in scores) and run.video_path(unit.case).is_file()
        return Scored(failed=bool(reasons), cause=reasons.pop() if alike else "")


def _lose(run: Run, unit: CaseUnit, reason: str) -> Scored:
    about = {"run": run.path.name, "case": unit.case, "system": run.system, "seed": run.seed}
    about |= {"value": None, "status": "failed", "reason": reason}
    metrics = [scoring.load_metric(name, unit.models) for name in unit.metrics]
    scores = [Score(metric=metric.name, metric_version=metric.scored_version, **about) for metric in metrics]
    scoring.record(run, unit.case, scores)
    return Scored(failed=True, cause=reason)
