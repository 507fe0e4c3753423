"""A run's folder on disk, opened: its rows, its videos, what is left to do, and its end. `awbench.runs` says what lies where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable

from awbench.cases import Suite
from awbench.suites.folder import load_folder
from awbench.suites.parse import SUITE_FILE
from models.artifacts import read_json, write_json, write_parquet
from models.types import require

if TYPE_CHECKING:
    import pandas

PLAN_FILE, RUN_FILE = "plan.json", "run.json"
GENERATION_FILE, SCORES_FILE = "generation.parquet", "scores.parquet"
COLUMNS = (
    ("case", "system", "status", "reason", "seconds", "seed", "prompt", "animator", "sha256", "adaptation")
    + ("given_frames", "given_fps", "given_width", "given_height")  # what the system answered, before it was brought to the grid
    + ("offset_s", "cost_usd")  # which moment of the driver its first frame shows, and what it cost, as the system itself says
)
NUMBERS = {"seconds": "f", "seed": "i", "given_frames": "i", "given_fps": "f", "given_width": "i", "given_height": "i"}
NUMBERS |= {"offset_s": "f", "cost_usd": "f"}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An opened run folder. `config`: run.json, or plan.json while the run is not complete; `suite`: read from the folder."""

    path: Path
    config: dict[str, Any]
    suite: Suite

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open a run folder. Raises ValueError saying what it lacks."""
        path = Path(path)
        present = [name for name in (RUN_FILE, PLAN_FILE) if (path / name).is_file()]
        require(bool(present), f"run {path}", RUN_FILE, "no such file", "a folder made by `generate --out`")
        ready, advice = (path / "suite" / SUITE_FILE).is_file(), "it was stopped before it had begun: run the same generate command again"
        require(ready, f"run {path}", f"suite/{SUITE_FILE}", "no such file", "the suite's own copy", advice)
        config, suite = read_json(path / present[0]), load_folder(path / "suite", fingerprint=False)
        marks = config.get("suite", {}).get("case_marks", {})
        return cls(path=path, config=config, suite=replace(suite, case_marks=marks))

    @property
    def system(self) -> str:
        """The animator's display name."""
        return str(self.config["system"])

    @property
    def seed(self) -> int:
        return int(self.config["seed"])

    @property
    def complete(self) -> bool:
        """Whether every case has its row and run.json is written."""
        return (self.path / RUN_FILE).is_file()

    def video_path(self, case_id: str) -> Path:
        return self.path / "videos" / f"{case_id}.mp4"

    def record_path(self, case_id: str) -> Path:
        return record_path(self.path, case_id)

    def traceback_path(self, case_id: str) -> Path:
        return self.path / "tracebacks" / f"{case_id}.txt"

    def generation(self) -> pandas.DataFrame:
        """One row per attempted case, in case order, with the columns of `COLUMNS`."""
        import pandas as pd

        if (self.path / GENERATION_FILE).is_file():
            return pd.read_parquet(self.path / GENERATION_FILE)
        return pd.DataFrame(recorded_rows(self), columns=list(COLUMNS))

    def scores(self) -> pandas.DataFrame | None:
        """The rows of scores.parquet, or None before scoring."""
        import pandas as pd

        path = self.path / SCORES_FILE
        return pd.read_parquet(path) if path.is_file() else None


def record_path(out: Path, case_id: str) -> Path:
    return out / "records" / f"{case_id}.json"


def reopen(out: Path) -> None:
    """Take back that a run is complete: cases are about to be done."""
    for name in (RUN_FILE, GENERATION_FILE):
        (out / name).unlink(missing_ok=True)


def forget(run: Run, case_ids: Iterable[str]) -> None:
    """Take back the rows of these cases, and the run's end with them, so that they are to do again."""
    reopen(run.path)
    for case_id in case_ids:
        run.record_path(case_id).unlink(missing_ok=True)
        run.traceback_path(case_id).unlink(missing_ok=True)


def record(run: Run, case_id: str) -> Row | None:
    """The row of an attempted case, or None when the case has to be (re)done."""
    path = run.record_path(case_id)
    if not path.is_file():
        return None
    try:
        row = read_json(path)
    except ValueError:
        return None  # a damaged record is done again
    if not isinstance(row, dict) or not set(row) <= set(COLUMNS) or "status" not in row:
        return None
    row = dict.fromkeys(COLUMNS) | row  # columns that an older run did not write
    return row if (row["status"] == "failed" or run.video_path(case_id).is_file()) else None


def recorded_rows(run: Run) -> list[Row]:
    """The rows of all attempted cases in case order."""
    return [row for case in run.suite.cases if (row := record(run, case.id)) is not None]


def pending(run: Run) -> list[str]:
    """Ids of the cases still to do, in case order."""
    return [case.id for case in run.suite.cases if record(run, case.id) is None]


def finish_generation(run: Run) -> Run:
    """Write generation.parquet and, last, run.json; drafts that a killed process left are removed.

    Raises ValueError while cases are pending.
    """
    left = pending(run)
    require(not left, f"run {run.path}", "cases without a row", f"{len(left)}, e.g. {left[:3]}", "none", "run the same command again")
    for draft in run.path.rglob(".*.tmp"):
        draft.unlink(missing_ok=True)
    rows = recorded_rows(run)
    write_parquet(run.path / GENERATION_FILE, rows, _schema())
    counts = {status: sum(row["status"] == status for row in rows) for status in ("ok", "failed")}
    write_json(run.path / RUN_FILE, read_json(run.path / PLAN_FILE) | {"counts": counts})
    return Run.open(run.path)


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"f": pa.float64(), "i": pa.int64()}
    return pa.schema([(name, kinds.get(NUMBERS.get(name, ""), pa.string())) for name in COLUMNS])
