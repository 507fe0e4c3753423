"""Answers -> score rows: the mean of a case's samples, or why there is none. Computed from the folder alone, so also offline.

A case whose samples all failed is unscored with the kinds ("judge refused: ..."); a case that was never asked says so; a case without a
readable output has failed, as with any metric.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Mapping, Sequence

import numpy as np

from awbench.judging.identity import Used
from awbench.judging.outputs import generation_failures, load
from awbench.runs import Run
from awbench.score_rows import known_rows, video_hash
from awbench.scoring import Score, finish, record

NOT_ASKED = "judge not asked: stopped before this case; run the same command again"


def judged_scores(run: Run, judges: Mapping[str, Used], answers: Sequence[Mapping[str, Any]]) -> dict[str, list[Score]]:
    """Case -> its scores; `judges`: metric -> the judge whose answers count."""
    failures = generation_failures(run)
    videos = {case.id: video_hash(run, case.id) for case in run.suite.cases}
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in answers:
        used = judges.get(row["metric"])
        if used and row["metric_version"] == used.version and row["sample"] < used.samples and row["video"] == videos.get(row["case"]):
            found.setdefault((row["case"], row["metric"]), []).append(row)
    return {
        case.id: [_score(run, case.id, used, metric, found.get((case.id, metric), ()), failures) for metric, used in judges.items()]
        for case in run.suite.cases
    }


def _score(run: Run, case: str, used: Used, metric: str, rows: Sequence[Mapping[str, Any]], failures: Mapping[str, str]) -> Score:
    about = {"run": run.path.name, "case": case, "system": run.system, "seed": run.seed, "metric": metric, "metric_version": used.version}
    if case in failures:
        return Score(**about, value=None, status="failed", reason=failures[case])
    points = [row["score"] for row in rows if row["status"] == "ok"]
    missing = [row for row in rows if row["status"] != "ok"]
    if points:
        lost = Counter(row["status"] for row in missing) + Counter({"not asked": used.samples - len(rows)})
        note = f"{len(points)} of {used.samples} samples; " + ", ".join(f"{count} {kind}" for kind, count in sorted(lost.items()))
        return Score(**about, value=float(np.mean(points)), status="ok", reason=note if +lost else "")
    if missing:
        kinds = ", ".join(sorted({row["status"] for row in missing}))
        return Score(**about, value=None, status="unscored", reason=f"judge {kinds}: {missing[-1]['reason']}"[:500])
    return _never_asked(run, case, about)


def _never_asked(run: Run, case: str, about: Mapping[str, Any]) -> Score:
    try:
        load(run, case)
    except ValueError as error:
        return Score(**about, value=None, status="failed", reason=str(error)[:500])
    return Score(**about, value=None, status="unscored", reason=NOT_ASKED)


def write_scores(run: Run, scores: Mapping[str, Sequence[Score]]) -> None:
    """Bring scores.parquet up to `scores`, leaving all other metrics' rows; touches nothing where it says so already."""
    known = known_rows(run, list(scores))
    news = {case: [score for score in found if not _says(known[case].get(score.metric), score)] for case, found in scores.items()}
    for case, found in news.items():
        if found:
            record(run, case, found)
    if any(news.values()):
        finish(run)


def _says(row: Mapping[str, Any] | None, score: Score) -> bool:
    return row is not None and all(row[name] == getattr(score, name) for name in ("metric_version", "value", "status", "reason"))
