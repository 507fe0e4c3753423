"""`actorforge judge`: flags -> judge, endpoint and work; what came of it as lines for a person. The work is in `awbench.judging`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from awbench.judging.asking import Session
from awbench.judging.calls import RunLogs
from awbench.judging.estimate import Estimate, estimates
from awbench.judging.identity import Judge, chosen_dimensions, current_judges, filtered_by
from awbench.judging.outputs import Outputs
from awbench.judging.pairwise import count_gsb
from awbench.judging.selftest_result import (
    SELFTEST_FILE,
    PlantResult,
    SelfTest,
    kept_selftest,
    put_selftest,
    selftest_folder,
    selftest_warnings,
)
from awbench.judging.work import Work, coverage, judge_runs, outstanding, recompute
from awbench.runs import Run
from models.artifacts import write_json
from models.mllm.client import Client
from models.mllm.endpoint import Endpoint
from models.types import require

SELFTEST = "selftest"
SAMPLING_TEMPERATURE = 0.7
"""Of several samples: at 0 they would be one answer told several times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeFlags:
    """What the command line says of the judge and of money. `temperature`: a number, server (not sent) or auto."""

    model: str | None = None
    base_url: str = "http://localhost:8000/v1"
    protocol: str = "actorforge"
    temperature: str = "auto"
    samples: int = 1
    workers: int = 4
    timeout_s: float = 120.0
    max_cost: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0

    def __post_init__(self) -> None:
        for flag, value in (("--samples", self.samples), ("--workers", self.workers)):
            require(value >= 1, "judge", flag, value, "a whole number >= 1")
        priced = self.price_in > 0 and self.price_out > 0
        require(
            self.max_cost is None or priced, "judge", "--max-cost", "no prices", "--price-in and --price-out too, USD per million tokens"
        )
        require(self.max_cost is None or self.max_cost > 0, "judge", "--max-cost", self.max_cost, "more than 0 USD")

    def judge(self, protocol: str | None = None) -> Judge:
        require(bool(self.model), "judge", "--model", "none", "the name of a model as its endpoint knows it")
        return Judge(model=str(self.model), protocol=protocol or self.protocol, temperature=self._heat())

    def _heat(self) -> float | None:
        if self.temperature == "server":
            return None
        if self.temperature == "auto":
            return SAMPLING_TEMPERATURE if self.samples > 1 else 0.0
        try:
            heat = float(self.temperature)
        except ValueError:
            heat = -1.0
        require(0 <= heat <= 2, "judge", "--temperature", repr(self.temperature), "0 to 2, server or auto")
        return heat

    def endpoint(self) -> Endpoint:
        """Where to ask; the key stays in the environment."""
        prices = {"usd_per_million_input": self.price_in, "usd_per_million_output": self.price_out, "max_cost_usd": self.max_cost}
        known = {"base_url": self.base_url, "model": str(self.model), "timeout_s": self.timeout_s}
        return Endpoint(**known, temperature=self._heat(), **prices)


def work_of(folders: Sequence[str], flags: JudgeFlags, dimensions: Sequence[str], baseline: Path | None) -> Work:
    """The work on these runs; with a baseline in pairs."""
    plain = baseline is None or flags.protocol == "actorforge"
    require(plain, "judge", "--protocol", flags.protocol, "none beside --pairwise")
    runs = [Run.open(Path(folder).resolve()) for folder in folders]
    runs += [Run.open(baseline.resolve())] if baseline is not None else []
    judge = flags.judge("pairwise" if baseline is not None else None)
    return Work(runs=tuple(runs), judge=judge, dimensions=chosen_dimensions(dimensions), samples=flags.samples)


def judge(work: Work, flags: JudgeFlags) -> tuple[list[str], bool]:
    """Do the work. Lines to print, and whether anything was judged."""
    client = Client(flags.endpoint(), None, log=RunLogs(work.judged))
    session = judge_runs(work, client, workers=flags.workers)
    test = kept_selftest(work.judge, work.samples)
    for run in work.judged if test is not None else ():
        put_selftest(run, test)
    pairwise = work.judge.protocol == "pairwise"
    said = [line for run in work.judged for line in (_pair_lines(run, work) if pairwise else score_lines(run))]
    judged = any(_has_verdicts(run, work) for run in work.judged)
    return [*said, *_end(session, client)], judged


def _has_verdicts(run: Run, work: Work) -> bool:
    if work.judge.protocol == "pairwise":
        counts = count_gsb(run, work.version, work.runs[-1].system)
        return any(gsb.value is not None for gsb in counts)
    return any(part.scored for part in coverage(run) if part.metric in work.used.metrics)


def score_lines(run: Run) -> list[str]:
    """Means with their coverage, and what a reader must know of the judge."""
    lines = []
    for part in coverage(run):
        mean = "no score" if part.mean is None else f"{part.mean:.2f}"
        spread = f" (samples of a case spread by {part.spread:.2f})" if part.spread is not None else ""
        lost = "".join(f"; {count} {kind}" for kind, count in sorted(part.outcomes.items()))
        lines.append(f"{run.system}: {part.metric} {mean}{spread}, {part.scored} of {part.cases} cases{lost}")
    return [*lines, *(f"{run.system}: {said}" for said in (*selftest_warnings(run), *filtered_by(run)))]


def _pair_lines(run: Run, work: Work) -> list[str]:
    lines = []
    for gsb in count_gsb(run, work.version, work.runs[-1].system):
        value = "no verdict" if gsb.value is None else f"GSB {gsb.value:+.2f}"
        notes = f" ({gsb.split} of the S: the two orders disagree)" if gsb.split else ""
        lost = f", {gsb.lost} without a verdict" if gsb.lost else ""
        lines.append(f"{run.system} against {gsb.baseline}: {gsb.metric} G {gsb.good} S {gsb.same} B {gsb.bad}, {value}{notes}{lost}")
    return lines


def _end(session: Session, client: Client) -> list[str]:
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(session.outcomes.items())) or "nothing to ask"
    spent = client.log.spent_usd()
    cost = f"; {spent:.4f} USD spent in all" if spent else ""
    return [f"calls: {counts}{cost}", *([f"stopped: {session.stopped}"] if session.stopped else [])]


def dry_run(works: Sequence[Work], flags: JudgeFlags) -> list[str]:
    """What would be asked and what it would cost; nothing is sent or written into a run."""
    lines, calls, usd, most = [], 0, 0.0, 0.0
    for work in works:
        outputs = Outputs(work.runs)
        todo, done = outstanding(work, outputs)
        for part in estimates(todo, outputs, flags.endpoint()) if todo else ():
            lines.append(_estimate_line(part))
            calls, usd, most = (calls, usd, most) if part.name != "all" else (calls + part.calls, usd + part.usd, most + part.most_usd)
        lines += [f"{done} answered before"] if done else []
    price = (
        f"about {usd:.4f} USD, at most {most:.4f} without retries and repairs" if most else "give --price-in and --price-out for the cost"
    )
    return [*lines, f"{calls} calls to make: {price}; nothing was sent"]


def _estimate_line(part: Estimate) -> str:
    return f"{part.name}: {part.calls} calls, {part.pictures} pictures, about {part.input_tokens} tokens in and {part.output_tokens} out"


def recompute_runs(folders: Sequence[str]) -> tuple[list[str], bool]:
    """Answers and rows anew from the logs; no call is made."""
    runs = [Run.open(Path(folder).resolve()) for folder in folders]
    for run in runs:
        require(bool(current_judges(run)) or (run.path / "judge").is_dir(), f"run {run.path}", "judge", "no calls", "a judged run")
        recompute(run)
    return [line for run in runs for line in score_lines(run)], any(part.scored for run in runs for part in coverage(run))


def selftest_place(out: Path | None, flags: JudgeFlags) -> Path:
    """The folder of a judge's self-test."""
    return selftest_folder(flags.judge(), flags.samples) if out is None else out.resolve()


def selftest(folder: Path, flags: JudgeFlags, runs: Sequence[str], *, cases: int) -> tuple[list[str], SelfTest]:
    """Test the judge, keep the result in its folder and beside the scores of `runs`."""
    from awbench.judging.selftest import selftest as test

    opened = [Run.open(Path(name).resolve()) for name in runs]

    def client(log: RunLogs) -> Client:
        return Client(flags.endpoint(), None, log=log)

    result, session = test(folder, flags.judge(), client, samples=flags.samples, cases=cases, workers=flags.workers)
    write_json(folder / SELFTEST_FILE, result.record())
    for run in opened:
        put_selftest(run, result)
    lines = [_plant_line(plant) for plant in result.plants]
    verdict = "passed" if result.passed else f"FAILED on {', '.join(result.failed)}"
    lines += [f"stopped: {session.stopped}"] if session.stopped else []
    return [*lines, f"self-test of {result.model}: {verdict}; {folder / SELFTEST_FILE}"], result


def _plant_line(plant: PlantResult) -> str:
    if plant.gap is None:
        return f"{plant.name}: {plant.dimension}: no case with both scores"
    counts = f"{plant.wins} below, {plant.ties} equal, {plant.losses} above, {plant.n} of {plant.cases} cases"
    return f"{plant.name}: {plant.dimension} {plant.planted:.2f}, right answer {plant.right:.2f}; {counts}" + (
        "" if plant.passed else " FAILED"
    )
