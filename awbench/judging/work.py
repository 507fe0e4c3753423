"""The straight line: runs -> asks -> calls -> answers -> score rows; again continues, finished is a no-op."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from awbench.judging.answers import answer_rows, read_answers, write_answers
from awbench.judging.asking import Session, ask_all
from awbench.judging.calls import answered, read_calls
from awbench.judging.identity import Judge, Used, current_judges, remember
from awbench.judging.outputs import Outputs
from awbench.judging.pairwise import pairwise_rows, write_pairwise
from awbench.judging.protocols import Ask, plan_asks
from awbench.judging.rows import judged_scores, write_scores
from awbench.judging.rubrics import dimension_of, rubric_version
from awbench.runs import Run
from models.mllm.client import Client
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a command asks for. In pairwise the last of `runs` is the baseline."""

    runs: tuple[Run, ...]
    judge: Judge
    dimensions: tuple[str, ...]
    samples: int = 1

    def __post_init__(self) -> None:
        require(len(self.runs) > 0, "judge", "runs", "none", "one or more run folders")
        require(self.samples >= 1, "judge", "samples", self.samples, "a whole number >= 1")
        folders = [run.path.resolve() for run in self.runs]
        require(len(set(folders)) == len(folders), "judge", "runs", "one folder twice", "each once")
        for run in self.runs:
            advice = "run the same generate command again"
            require(run.complete, f"run {run.path}", "state", "generation not complete", "a finished run", advice)
        if self.judge.protocol == "pairwise":
            require(len(self.runs) > 1, "judge", "pairwise", "one run", "one or more runs and a baseline")

    @property
    def judged(self) -> tuple[Run, ...]:
        """Those that get rows."""
        return self.runs[:-1] if self.judge.protocol == "pairwise" else self.runs

    @property
    def version(self) -> str:
        return self.judge.version([f"{run.system}#{run.seed}" for run in self.runs])

    @property
    def used(self) -> Used:
        """How the runs remember it."""
        rivals = tuple(run.system for run in self.runs) if self.judge.protocol == "video-bench" else ()
        rivals = (self.runs[-1].system,) if self.judge.protocol == "pairwise" else rivals
        about = {"model": self.judge.model, "protocol": self.judge.protocol, "temperature": self.judge.temperature, "rivals": rivals}
        metrics = tuple(dimension_of(name).metric for name in self.dimensions)
        return Used(version=self.version, rubric=rubric_version(), samples=self.samples, metrics=metrics, **about)


def outstanding(work: Work, outputs: Outputs) -> tuple[list[Ask], int]:
    """Asks without an answer in the logs, and how many have one."""
    asks = list(plan_asks(work.judge, outputs, work.dimensions, work.samples))
    settled = [set(answered(read_calls(run))) for run in work.judged]
    todo = [ask for ask in asks if not all(_key(ask.facts(target, outputs)) in settled[target] for target in ask.targets)]
    return todo, len(asks) - len(todo)


def _key(facts: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(facts.get(name) for name in ("version", "metric", "case", "sample", "video", "baseline", "swapped", "shown"))


def judge_runs(work: Work, client: Client, *, workers: int = 4) -> Session:
    """Ask what has no answer yet, then write what the logs now say. `client` must log to `RunLogs(work.judged)`."""
    for name in ("model", "temperature"):
        asked, said = getattr(client.endpoint, name), getattr(work.judge, name)
        require(asked == said, "judge", f"the client's {name}", asked, said, "scores would bear a wrong name")
    outputs = Outputs(work.runs)
    todo, done = outstanding(work, outputs)
    for run in work.judged:
        remember(run, work.used)
    session = ask_all(client, todo, outputs, workers=workers, done=done) if todo else Session()
    for run in work.judged:
        recompute(run)
    return session


def recompute(run: Run) -> None:
    """answers.parquet, pairwise.parquet and the judge's score rows, from calls.jsonl and judges.json alone; no call is made."""
    calls = read_calls(run)
    answers = answer_rows(run, calls)
    write_answers(run, answers)
    write_pairwise(run, pairwise_rows(run, calls))
    write_scores(run, judged_scores(run, current_judges(run), answers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One metric of one run: cases scored of all, their mean, the mean spread of a case's samples, and why the others are not."""

    metric: str
    scored: int
    cases: int
    mean: float | None
    spread: float | None
    outcomes: dict[str, int]


def coverage(run: Run) -> list[Coverage]:
    """What the judge's rows of a run cover, by metric. Spread: the standard deviation of a case's samples (n - 1), meaned over cases."""
    scores, answers = run.scores(), read_answers(run)
    return [] if scores is None else [_coverage(metric, used, scores, answers) for metric, used in current_judges(run).items()]


def _coverage(metric: str, used: Used, scores: Any, answers: Any) -> Coverage:
    rows = scores[scores["metric"] == metric]
    good = rows[rows["status"] == "ok"]
    counted = answers[(answers["metric"] == metric) & (answers["metric_version"] == used.version) & (answers["sample"] < used.samples)]
    spreads = counted[counted["status"] == "ok"].groupby(["case", "video"])["score"].std().dropna()
    outcomes = Counter(str(reason).split(":")[0] for reason in rows[rows["status"] != "ok"]["reason"])
    mean = float(good["value"].mean()) if len(good) else None
    spread = float(spreads.mean()) if len(spreads) else None
    return Coverage(metric=metric, scored=len(good), cases=len(rows), mean=mean, spread=spread, outcomes=dict(outcomes))
