"""`actorforge report`: runs or a dataset -> one table or page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal


def report(
    paths: tuple[Path, ...],
    /,
    out: Path,
    format: Literal["html", "csv", "json", "latex", "markdown"] = "html",
    baseline: str | None = None,
    single_file: bool = False,
    study: Path | None = None,
) -> int:
    """Report on scored runs of one suite, or on one dataset.

    Args:
        paths: Run folders, or one dataset folder.
        out: File to write.
        format: Format of that file.
        baseline: System to take paired differences from.
        single_file: Put all media into the page itself, so that it can be mailed.
        study: Folder of `study make` with its votes, or votes inside it: what people prefer gets a section.
    """
    from awbench.report.write import size_warning, write_report

    if not paths:
        raise ValueError("RUN: got none, expected run folders or one dataset folder")
    written = write_report(paths, out, format=format, baseline=baseline, single_file=single_file, study=study)
    if single_file and (warning := size_warning(written)):
        print(f"report: {warning}", file=sys.stderr)
    print(written)
    return 0
