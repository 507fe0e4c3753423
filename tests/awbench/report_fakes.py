"""Small fake runs to report on: every score is written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from awbench.cases import Case, CaseMedia, Suite
from awbench.report.comparison import Comparison, compare
from awbench.runs import finish_generation, generate_case, start_run
from models.artifacts import write_parquet
from models.types import AnimationResult, Clip, Grid

GRID = Grid(width=16, height=16, fps=8.0, num_frames=3)
CASES = tuple(
    Case(
        id=f"c{index:02d}",
        tags={
            "driver_subject": ["human", "bird"][index % 2],
            "reference_subject": ["human", "human", "cartoon", "blob"][index % 4],
            "track": "self" if index == 0 else "cross",
            "novel": index > 9,
        },
        driver_id=f"d{index}",
    )
    for index in range(12)
)


def suite_of(cases=CASES, name="mini", version="1", has_truth=True) -> Suite:
    return Suite(name=name, version=version, grid=GRID, cases=cases, source=lambda case: None, has_truth=has_truth)


@dataclass
class FakeRun:
    """What a report asks of a run. `values`: metric -> case -> number, or (status, reason)."""

    system: str
    values: dict
    suite: Suite = field(default_factory=suite_of)
    config: dict = field(default_factory=dict)
    failures: dict = field(default_factory=dict)
    version: str = "1"

    def scores(self):
        rows = []
        for metric, cases in self.values.items():
            for case, value in cases.items():
                status, reason = ("ok", None) if isinstance(value, float) else value
                number = value if isinstance(value, float) else None
                rows.append((case, self.system, metric, self.version, number, status, reason))
        return pd.DataFrame(rows, columns=["case", "system", "metric", "metric_version", "value", "status", "reason"])

    def generation(self):
        rows = [(case.id, "failed" if case.id in self.failures else "ok", self.failures.get(case.id)) for case in self.suite.cases]
        return pd.DataFrame(rows, columns=["case", "status", "reason"])


def ramp(offset=0.0, cases=CASES):
    return {case.id: offset + index / 100 for index, case in enumerate(cases)}


def compared(*runs) -> Comparison:
    return compare(list(runs), [Path(f"/runs/{index}") for index in range(len(runs))])


class Grey:
    """An animator that answers everything with grey."""

    weights_hash = ""

    def __init__(self, name: str) -> None:
        self.name = name

    def animate(self, request):
        clip = Clip(frames=np.full((3, 16, 16, 3), 90, np.uint8), fps=8.0)
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=0.0)


def written_run(folder: Path, fake: FakeRun) -> Path:
    """A run folder with the scores of `fake`, on grey clips."""
    import pyarrow as pa

    picture = np.full((16, 16, 3), 90, np.uint8)
    media = CaseMedia(reference=picture, driving=Clip(frames=np.stack([picture] * 3), fps=8.0))
    suite = Suite(name="mini", version="1", grid=GRID, cases=fake.suite.cases, source=lambda case: media, has_truth=False)
    run = start_run(folder, suite, "grey", Grey(fake.system), 0)
    for case in suite.cases:
        generate_case(run, case.id, Grey(fake.system))
    finish_generation(run)
    frame = fake.scores()
    types = [(name, pa.float64() if name == "value" else pa.string()) for name in frame.columns]
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    write_parquet(folder / "scores.parquet", rows, pa.schema(types))
    return folder
