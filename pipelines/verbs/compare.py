"""`actorforge compare`: who beats whom, in sentences."""

from __future__ import annotations

from pathlib import Path


def compare(runs: tuple[Path, ...], /, baseline: str | None = None, json: Path | None = None) -> int:
    """Say which of some systems are better, and by how much.

    Args:
        runs: Folders of scored runs of one suite; of two states of it, the cases that are the same count.
        baseline: System to compare the others with; default: every pair.
        json: File to write all findings to.
    """
    from pipelines.compare import compare as job

    job(runs, baseline, json)
    return 0
