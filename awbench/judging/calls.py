"""`judge/calls.jsonl` of a run: every call about it, and the verdict that its raw reply holds. Nothing else is kept of a judge's work.

A call that shows several runs has a line in each one's log; its cost and tokens stand in the first alone, so that sums are right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from awbench.judging.identity import JUDGE_FOLDER
from awbench.judging.questions import PAIR_SCHEMA, SCORE_SCHEMA, group_schema
from awbench.runs import Run
from models.mllm.log import LOG_FILE, CallLog
from models.mllm.schema import problems, strict_json, unwrapped

ANSWERED = "answered"
_NOTHING = {"cost_usd": 0.0, "input_tokens": 0, "output_tokens": 0}


def log_path(run: Run) -> Path:
    return run.path / JUDGE_FOLDER / LOG_FILE


class RunLogs:
    """The logs of several runs as one, for one client with one cost cap. `about["to"]` of a line: (place of a run, its facts) each.

    `counted`: the runs whose costs count towards the cap, where they are more than those written to.
    """

    def __init__(self, runs: Sequence[Run], counted: Sequence[Run] = ()) -> None:
        self._logs = [CallLog(log_path(run)) for run in runs]
        self._counted = [CallLog(log_path(run)) for run in counted] or self._logs

    def append(self, row: Mapping[str, Any]) -> None:
        share: Mapping[str, Any] = {}
        for place, facts in row["about"]["to"]:
            self._logs[place].append({**row, "about": facts, **share})
            share = _NOTHING

    def spent_usd(self) -> float:
        return sum(log.spent_usd() for log in self._counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A line read back. `verdict`: the object with rationale and score (or the better one) about this run; None without one.

    `outcome`: answered, refused, unparsed or unreachable; `why`: of the three latter.
    """

    about: Mapping[str, Any]
    outcome: str
    verdict: Mapping[str, Any] | None
    why: str
    served: str
    cost_usd: float
    tokens: tuple[int, int]

    @property
    def identity(self) -> tuple[Any, ...]:
        """What was asked: calls with equal ones are tries of the same. The rivals' videos are not part of it."""
        return tuple(self.about.get(name) for name in ("version", "metric", "case", "sample", "video", "baseline", "swapped"))


def read_calls(run: Run) -> list[Call]:
    """All calls about a run in their order. Raises ValueError naming a damaged line."""
    return [_call(row) for row in CallLog(log_path(run)).rows() if "about" in row]


def _call(row: Mapping[str, Any]) -> Call:
    about, said, outcome = row["about"], str(row["said"]), str(row["outcome"])
    verdict, why = None, str(row["problem"] or said)
    if outcome == ANSWERED:
        try:
            verdict, why = _verdict(said, about), ""
        except (ValueError, RecursionError) as error:  # a log changed by hand, or of an older schema
            outcome, why = "unparsed", str(error)
    known = {"served": str(row["served"]), "cost_usd": float(row["cost_usd"]), "tokens": (row["input_tokens"], row["output_tokens"])}
    return Call(about=about, outcome=outcome, verdict=verdict, why=why, **known)


def _verdict(said: str, about: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = PAIR_SCHEMA if about["protocol"] == "pairwise" else group_schema(about["clips"]) if "clips" in about else SCORE_SCHEMA
    value = strict_json(unwrapped(said))
    if problem := next(problems(value, schema), ""):
        raise ValueError(problem)
    return value[about["label"]] if "label" in about else value


def best_calls(calls: Sequence[Call]) -> dict[tuple[Any, ...], Call]:
    """Of the tries of each question the last that was answered, else the last; those that showed other rivals are passed over."""
    tries: dict[tuple[Any, ...], list[Call]] = {}
    for call in calls:
        tries.setdefault(call.identity, []).append(call)
    return {identity: _best(found) for identity, found in tries.items()}


def _best(tries: Sequence[Call]) -> Call:
    same = [call for call in tries if call.about["shown"] == tries[-1].about["shown"]]
    return next((call for call in reversed(same) if call.outcome == ANSWERED), same[-1])


def answered(calls: Sequence[Call]) -> Iterator[tuple[Any, ...]]:
    """What need not be asked again: identity and what was shown."""
    return ((*call.identity, call.about["shown"]) for call in calls if call.outcome == ANSWERED)
