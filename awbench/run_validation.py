"""Check a run folder: complete, its suite usable, and every video what its row says."""

from __future__ import annotations

from pathlib import Path

from awbench.runs import GENERATION_FILE, RUN_FILE, Row, Run
from awbench.suites.check import validate_suite
from models.artifacts import sha256_file
from models.video import read_video


def validate_run(path: str | Path) -> list[str]:
    """Every problem of a run folder, one line each; an empty list: it is complete and its files are what its rows say."""
    try:
        run = Run.open(path)
    except ValueError as error:
        return [str(error)]
    problems = (
        []
        if run.complete
        else [f"run {path}: {RUN_FILE}: got no such file, expected it as the run's last file; run the same command again"]
    )
    rows = {row["case"]: row for row in run.generation().to_dict("records")}
    failed = {name for name, row in rows.items() if row["status"] == "failed"}
    excused = tuple(f"case {name}: " for name in failed)  # media that could not be read have their row with the reason
    problems += [line for line in validate_suite(run.path / "suite") if not (excused and line.startswith(excused))]
    return problems + [line for case in run.suite.cases if (line := _video_problem(run, case.id, rows.get(case.id)))]


def _video_problem(run: Run, case_id: str, row: Row | None) -> str:
    path, item = run.video_path(case_id), f"case {case_id}: videos/{case_id}.mp4"
    if row is None:
        return f"case {case_id}: row: got none, expected one in {GENERATION_FILE}; run the same command again"
    if row["status"] == "failed":
        return ""
    if not path.is_file():
        return f"{item}: got no such file, expected the video of a row with status ok"
    if sha256_file(path) != row["sha256"]:
        return f"{item}: got sha256 {sha256_file(path)[:12]}, expected {str(row['sha256'])[:12]}"
    try:
        clip = read_video(path)
    except ValueError as error:
        return f"{item}: {error}"
    grid = run.suite.grid
    fits = (len(clip), clip.size) == (grid.num_frames, grid.size)
    return "" if fits else f"{item}: got {len(clip)} frames of {clip.size}, expected {grid.num_frames} of {grid.size}"
