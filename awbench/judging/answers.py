"""`judge/answers.parquet`: every answer of every judge of a run with its rationale, computed from calls.jsonl.

Columns: case, metric, sample, score (1-5 or null), rationale, status (ok, refused, unparsed or unreachable), reason, metric_version (the
judge, as in scores.parquet), model (as the server calls itself), video (sha256 of what was judged).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Sequence

from awbench.judging.calls import ANSWERED, Call, best_calls
from awbench.judging.identity import JUDGE_FOLDER
from awbench.runs import Run
from models.artifacts import write_parquet

if TYPE_CHECKING:
    import pandas

ANSWERS_FILE = "answers.parquet"
COLUMNS = ("case", "metric", "sample", "score", "rationale", "status", "reason", "metric_version", "model", "video")


def answers_path(run: Run) -> Path:
    return run.path / JUDGE_FOLDER / ANSWERS_FILE


def read_answers(run: Run) -> pandas.DataFrame:
    """The answers of a run, in case order; empty where no judge was asked. A report shows those whose `metric_version` is the score's."""
    import pandas as pd

    path = answers_path(run)
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=list(COLUMNS))


def answer_rows(run: Run, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """The rows of answers.parquet, by case, metric, judge and sample."""
    order = {case.id: place for place, case in enumerate(run.suite.cases)}
    rows = [_row(call) for call in best_calls(calls).values() if call.about["protocol"] != "pairwise"]
    return sorted(rows, key=lambda row: (order.get(row["case"], len(order)), *(row[name] for name in _KEYS)))


_KEYS = ("metric", "metric_version", "sample", "video")


def _row(call: Call) -> dict[str, Any]:
    about, ok = call.about, call.outcome == ANSWERED
    verdict = {"score": call.verdict["score"], "rationale": call.verdict["rationale"]} if ok else {"score": None, "rationale": ""}
    said = {"status": "ok" if ok else call.outcome, "reason": "" if ok else " ".join(call.why.split())[:500]}
    asked = {"case": about["case"], "metric": about["metric"], "sample": about["sample"], "metric_version": about["version"]}
    return {**asked, **verdict, **said, "model": call.served, "video": about["video"]}


def write_answers(run: Run, rows: Sequence[dict[str, Any]]) -> None:
    """Write answers.parquet where it does not say so already."""
    import pyarrow as pa

    kinds = {"sample": pa.int64(), "score": pa.int64()}
    write_if_new(answers_path(run), rows, pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS]))


def write_if_new(path: Path, rows: Sequence[dict[str, Any]], schema: Any) -> None:
    """A finished command touches nothing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.is_file() and pq.read_table(path).equals(pa.Table.from_pylist(list(rows), schema=schema)):
        return
    write_parquet(path, list(rows), schema)
