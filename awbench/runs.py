"""A run: one animator over one suite, as a folder that can be moved, scored and replayed on its own.

    plan.json            what was asked for; written first, and compared when the same folder is used again
    suite/               the suite as a folder suite: media by content hash, suite.yaml
    videos/CASE.mp4      the outputs on the suite's grid; `recorded:RUN/videos` replays them
    records/CASE.json    one row per attempted case, written after its video: what a rerun skips
    tracebacks/CASE.txt  of a failed case whose animator raised: where, in its own code; only there to mend it
    generation.parquet   the rows in case order
    scores.parquet       written by scoring
    run.json             the resolved configuration; written last: the run is complete

A case that fails is a row with the reason and never stops the others. Seeds derive from (run seed, case id), so any
schedule and any number of workers gives the same videos. A run may cover a suite's first cases alone, and grows with the limit and with the
suite: plan and run.json hold a mark of every case (`awbench.cases.case_mark`), and one that has changed is refused by name.
"""

from awbench.run_cases import generate_case, try_case
from awbench.run_folder import (
    COLUMNS,
    GENERATION_FILE,
    PLAN_FILE,
    RUN_FILE,
    SCORES_FILE,
    Row,
    Run,
    finish_generation,
    forget,
    pending,
    record,
    recorded_rows,
    reopen,
)
from awbench.run_start import start_run
from models.placeless import placeless

__all__ = [
    "COLUMNS", "GENERATION_FILE", "PLAN_FILE", "RUN_FILE", "SCORES_FILE", "Row", "Run", "finish_generation", "forget", "generate_case",
    "pending", "placeless", "record", "recorded_rows", "reopen", "start_run", "try_case",
]  # fmt: skip
