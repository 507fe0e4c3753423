"""`actorforge score`: runs x metrics -> scores.parquet in every run, cases of all runs on one pool of workers.

Continues where it stopped; one more metric scores only that metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Sequence

from awbench import scoring
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.metric import Metric
from awbench.runs import Run
from awbench.scoring import Score
from models.progress import Progress
from models.types import require
from pipelines.cluster import Lost, run_units


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUnit:
    """One case of one run with the metrics it lacks."""

    run: Path
    case: str
    metrics: tuple[str, ...]
    models: LearnedModels


def score(folders: Sequence[Path], metrics: Sequence[str] = (), *, models: LearnedModels | None = None, workers: int = 0) -> list[Run]:
    """Score every case of every run by `metrics` (none named: all that need nothing extra, and the learned ones whose model is given)."""
    runs = [Run.open(Path(folder).resolve()) for folder in folders]
    for run in runs:
        advice = "run the same generate command again"
        require(run.complete, f"run {run.path}", "state", "generation not complete", "a finished run", advice)
    where = models.device if models else "cpu"
    require(workers == 0 or where == "cpu", "score", "device", where, "cpu with --workers", "one GPU serves one process: use --workers 0")
    models = (models or LearnedModels()).absolute()  # a worker has another working folder
    chosen = scoring.load_metrics(tuple(metrics), models)
    units = [unit for run in runs for unit in _units(run, chosen, models)]
    by_path = {run.path: run for run in runs}
    total = sum(len(run.suite.cases) for run in runs)
    with Progress("score", total=total, already=total - len(units)) as progress:
        for index, failed in run_units(partial(_Scorer), units, workers, label="score"):
            if isinstance(failed, Lost):
                failed = _lose(by_path[units[index].run], units[index], failed.reason)
            progress.step(failed=failed)
    for run in runs:
        if run.scores() is None or (run.path / "scores.partial").is_dir():
            scoring.finish(run)
    return runs


def _units(run: Run, metrics: Sequence[Metric], models: LearnedModels) -> list[CaseUnit]:
    todo = scoring.plan(run, metrics)
    names = {case: tuple(metric.name for metric in missing) for case, missing in todo.items()}
    return [CaseUnit(run=run.path, case=case, metrics=missing, models=models) for case, missing in names.items()]


class _Scorer:
    """Scores units in one process; a run is opened once."""

    def __init__(self) -> None:
        self._runs: dict[Path, Run] = {}

    def __call__(self, unit: CaseUnit) -> bool:
        """Put the unit's scores away; True when one of them failed."""
        run = self._runs.get(unit.run) or self._runs.setdefault(unit.run, Run.open(unit.run))
        scores = scoring.score_case(run, unit.case, [scoring.load_metric(name, unit.models) for name in unit.metrics])
        scoring.record(run, unit.case, scores)
        return any(score.status == "failed" for score in scores)


def _lose(run: Run, unit: CaseUnit, reason: str) -> bool:
    about = {"run": run.path.name, "case": unit.case, "system": run.system, "seed": run.seed}
    about |= {"value": None, "status": "failed", "reason": reason}
    metrics = [scoring.load_metric(name, unit.models) for name in unit.metrics]
    scores = [Score(metric=metric.name, metric_version=metric.scored_version, **about) for metric in metrics]
    scoring.record(run, unit.case, scores)
    return True
