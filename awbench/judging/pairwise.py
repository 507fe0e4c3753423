"""`judge/pairwise.parquet`: of each case and dimension whether this run's answer is better than a baseline's, computed from calls.jsonl.

Every pair is shown twice, in both orders. Verdict: G this run is better in both, B worse in both, S a tie or the two orders disagree
(`agreed` False). Without both replies there is no verdict, and `status` says refused, unparsed, unreachable or not asked.
GSB = (G - B) / (G + S + B), in [-1, 1].
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Sequence

from awbench.judging.answers import write_if_new
from awbench.judging.calls import ANSWERED, Call, best_calls
from awbench.judging.identity import JUDGE_FOLDER
from awbench.judging.questions import FIRST, SECOND
from awbench.runs import Run

if TYPE_CHECKING:
    import pandas

PAIRWISE_FILE = "pairwise.parquet"
_VERDICT = ("case", "metric", "baseline", "sample", "verdict", "agreed", "status", "reason")
COLUMNS = (*_VERDICT, "rationale", "rationale_swapped", "metric_version", "model", "video")


def pairwise_path(run: Run) -> Path:
    return run.path / JUDGE_FOLDER / PAIRWISE_FILE


def read_pairwise(run: Run) -> pandas.DataFrame:
    """The verdicts of a run against its baselines, in case order; empty where none was asked for."""
    import pandas as pd

    path = pairwise_path(run)
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=list(COLUMNS))


def pairwise_rows(run: Run, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """The rows of pairwise.parquet."""
    order = {case.id: place for place, case in enumerate(run.suite.cases)}
    pairs: dict[tuple[Any, ...], dict[bool, Call]] = {}
    for call in best_calls(calls).values():
        if call.about["protocol"] == "pairwise":
            pairs.setdefault(call.identity[:-1], {})[call.about["swapped"]] = call
    rows = [_row(found.get(False), found.get(True)) for found in pairs.values()]
    return sorted(rows, key=lambda row: (order.get(row["case"], len(order)), *(row[name] for name in _KEYS)))


_KEYS = ("metric", "baseline", "metric_version", "sample", "video")


def _row(straight: Call | None, swapped: Call | None) -> dict[str, Any]:
    calls = [straight, swapped]
    about = next(call.about for call in calls if call is not None)
    bad = [(call.outcome, call.why) if call else ("not asked", "") for call in calls if call is None or call.outcome != ANSWERED]
    wins = [_win(straight, FIRST), _win(swapped, SECOND)]
    known = {"case": about["case"], "metric": about["metric"], "baseline": about["baseline"], "sample": about["sample"]}
    said = [call.verdict["rationale"] if call is not None and call.verdict else "" for call in calls]
    known |= {"rationale": said[0], "rationale_swapped": said[1], "metric_version": about["version"], "video": about["video"]}
    known["model"] = next((call.served for call in calls if call is not None), "")
    if bad:
        return known | {"verdict": None, "agreed": None, "status": bad[0][0], "reason": " ".join(bad[0][1].split())[:500]}
    verdict = {1: "G", 0: "S", -1: "B"}[wins[0] if wins[0] == wins[1] else 0]
    return known | {"verdict": verdict, "agreed": wins[0] == wins[1], "status": "ok", "reason": ""}


def _win(call: Call | None, own: str) -> int | None:
    """1 where this run's answer, called `own`, was the better one, -1 where the other was, 0 for a tie."""
    if call is None or not call.verdict:
        return None
    return {FIRST: 1, SECOND: -1}.get(call.verdict["better"], 0) * (1 if own == FIRST else -1)


def write_pairwise(run: Run, rows: Sequence[dict[str, Any]]) -> None:
    """Write pairwise.parquet where it does not say so already; nothing without rows."""
    import pyarrow as pa

    kinds = {"sample": pa.int64(), "agreed": pa.bool_()}
    if rows or pairwise_path(run).is_file():
        write_if_new(pairwise_path(run), rows, pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gsb:
    """Counts of verdicts of one metric against one baseline. `split`: ties because the two orders disagreed; `lost`: without verdict."""

    metric: str
    baseline: str
    good: int
    same: int
    bad: int
    split: int
    lost: int

    @property
    def value(self) -> float | None:
        known = self.good + self.same + self.bad
        return (self.good - self.bad) / known if known else None


def count_gsb(run: Run, version: str, baseline: str) -> list[Gsb]:
    """One count for each metric that this judge compared with `baseline`."""
    rows = read_pairwise(run)
    rows = rows[(rows["metric_version"] == version) & (rows["baseline"] == baseline)]
    return [_gsb(metric, baseline, part.to_dict("records")) for metric, part in rows.groupby("metric", sort=True)]


def _gsb(metric: str, baseline: str, rows: Sequence[dict[str, Any]]) -> Gsb:
    verdicts = Counter(row["verdict"] for row in rows if row["status"] == "ok")
    split = sum(row["status"] == "ok" and not row["agreed"] for row in rows)
    counts = {"good": verdicts["G"], "same": verdicts["S"], "bad": verdicts["B"], "split": split, "lost": len(rows) - verdicts.total()}
    return Gsb(metric=metric, baseline=baseline, **counts)
