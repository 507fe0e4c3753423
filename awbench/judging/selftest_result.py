"""What a self-test has found, as JSON, and what a report has to say of a run's judge."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Mapping

from awbench.judging.identity import JUDGE_FOLDER, Judge, Used, current_judges
from awbench.judging.rubrics import rubric_version
from awbench.runs import Run
from models.artifacts import cache_folder, read_json, sha256, write_json

SELFTEST_FILE = "selftest.json"
MIN_GAP, MIN_SHARE = 0.5, 0.5
"""A plant is seen when the right answer is half a point above it on average and wins more often than it loses, on half of the cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantResult:
    """One plant. `gap`: mean of right minus planted, points; `n`: cases on which both were scored, of `cases`."""

    name: str
    dimension: str
    right: float | None
    planted: float | None
    gap: float | None
    wins: int
    ties: int
    losses: int
    n: int
    cases: int

    @property
    def passed(self) -> bool:
        return self.n >= MIN_SHARE * self.cases and self.gap is not None and self.gap >= MIN_GAP and self.wins > self.losses


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """How a judge did."""

    model: str
    protocol: str
    rubric: str
    temperature: float | None
    samples: int
    plants: tuple[PlantResult, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The plants not seen."""
        return tuple(plant.name for plant in self.plants if not plant.passed)

    @property
    def passed(self) -> bool:
        return not self.failed

    def is_of(self, used: Used) -> bool:
        """Whether it tested that judge: the mean of several samples is another judge than one."""
        return _judge_of(self) == _judge_of(used)

    def record(self) -> dict[str, Any]:
        plants = [asdict(plant) | {"passed": plant.passed} for plant in self.plants]
        return asdict(self) | {"plants": plants, "failed": list(self.failed), "passed": self.passed}


def _judge_of(one: SelfTest | Used) -> tuple[Any, ...]:
    """What makes a judge, the question apart."""
    return (one.model, one.protocol, one.rubric, one.temperature, one.samples)


def from_record(record: Mapping[str, Any]) -> SelfTest:
    """The inverse of `SelfTest.record`."""
    plants = tuple(PlantResult(**{name: plant[name] for name in PlantResult.__slots__}) for plant in record["plants"])
    return SelfTest(**{name: record[name] for name in SelfTest.__slots__ if name != "plants"}, plants=plants)


def selftest_folder(judge: Judge, samples: int = 1) -> Path:
    """Where the self-test of a judge, asked so many times, is kept when nobody says."""
    return cache_folder() / "judge_selftest" / sha256(f"{judge.version()} x{samples}".encode())[:12]


def kept_selftest(judge: Judge, samples: int = 1) -> SelfTest | None:
    """The result in that place, of the rubrics of today."""
    path = selftest_folder(judge, samples) / SELFTEST_FILE
    found = from_record(read_json(path)) if path.is_file() else None
    return found if found is not None and found.rubric == rubric_version() else None


def read_selftest(run: Run) -> tuple[SelfTest, ...]:
    """The self-tests put beside a run's scores: of each judge the last."""
    path = run.path / JUDGE_FOLDER / SELFTEST_FILE
    return tuple(from_record(record) for record in read_json(path)) if path.is_file() else ()


def put_selftest(run: Run, result: SelfTest) -> None:
    """Keep a result beside the run's scores."""
    others = [one for one in read_selftest(run) if _judge_of(one) != _judge_of(result)]
    if (*others, result) != read_selftest(run):
        write_json(run.path / JUDGE_FOLDER / SELFTEST_FILE, [one.record() for one in (*others, result)])


def selftest_warnings(run: Run) -> tuple[str, ...]:
    """A sentence for each judge of the run's scores that failed the self-test, or was never put to it; () where all passed."""
    tests = read_selftest(run)
    judges = {_judge_of(used): used for used in current_judges(run).values()}
    return tuple(said for used in judges.values() if (said := _warning(used, next((t for t in tests if t.is_of(used)), None))))


def _warning(used: Used, test: SelfTest | None) -> str:
    name = f"judge {used.model} ({used.protocol}{f', {used.samples} samples' if used.samples > 1 else ''})"
    if test is None:
        return f"{name} was not put to the self-test (`actorforge judge selftest`)"
    return "" if test.passed else f"{name} fails its self-test: it does not rank {', '.join(test.failed)} below the right answer"
