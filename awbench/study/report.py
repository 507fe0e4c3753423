"""`actorforge study report`: votes and key in, files out.

The page is one static file in the style of the comparison's. Wrong use raises ValueError before anything is written.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Callable, Sequence

from awbench.report.html import render_page
from awbench.report.media import media_of
from awbench.runs import Run
from awbench.study import tables
from awbench.study.analysis import StudyReport, analyse
from awbench.study.key import read_key
from awbench.study.page import study_page
from awbench.study.votes import read_votes
from models.storage import write_bytes
from models.types import require

TEXT: dict[str, Callable[[StudyReport], str]] = {
    ".md": tables.as_markdown,
    ".csv": tables.as_csv,
    ".json": tables.as_json,
    ".tex": tables.as_latex,
}
NAME = "study"
"""Of the files in a folder."""


def write_study_report(
    votes: Sequence[str | Path],
    key: str | Path,
    out: str | Path,
    *,
    runs: Sequence[str | Path] = (),
    seed: int = 0,
    told: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Report on the votes of a study; returns the files written. `told` hears of what was left out.

    votes: votes files, folders of them, or serve's database. key: key.json or the folder of `study make`. out: a file (.html, .md, .csv,
    .json, .tex), or a folder for all five. runs: run folders whose judge's pairwise votes are laid beside.
    """
    out = Path(out)
    known = (".html", *TEXT)
    wanted = [out] if out.suffix.lower() in known else [out / f"{NAME}{suffix}" for suffix in known]
    require(
        not out.is_file() or wanted == [out], "study report", "out", f"the file {out.name}", f"a folder, or a name in {', '.join(known)}"
    )
    require(len(votes) > 0, "study report", "votes", "none", "votes files, a folder of them, or serve's database")
    report = study_report(votes, key, runs=runs, seed=seed)
    lost = Counter(re.split(r" \(|: |, ", one.reason)[0] for one in report.odd if not one.counted)
    if not report.raters and not report.judge_leads:
        told("note: no votes yet, so the report has none")
    elif report.raters and len(report.excluded) == len(report.raters):
        told("note: every rater is excluded; the table of raters says why")
    if lost:
        why = "; ".join(f"{reason} ({count})" for reason, count in lost.most_common(4)) + "; others" * (len(lost) > 4)
        told(f"note: files or votes left out: {why}. The table 'Odd votes and files' names them")
    return [_write(report, file) for file in wanted]


def study_report(votes: Sequence[str | Path], key: str | Path, *, runs: Sequence[str | Path] = (), seed: int = 0) -> StudyReport:
    """Read and analyse. Raises ValueError where key or votes are not there."""
    return analyse(read_votes([Path(path) for path in votes], read_key(Path(key))), [Run.open(Path(run)) for run in runs], seed=seed)


def _write(report: StudyReport, file: Path) -> Path:
    if file.suffix.lower() == ".html":
        return render_page("study.html.j2", file, {"study": study_page(report)}, media_of(file, inline=True))
    write_bytes(file, TEXT[file.suffix.lower()](report).encode())
    return file
