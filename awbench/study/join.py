"""A study beside the runs it showed: the votes of a folder, analysed with the runs' judge, for a comparison report."""

from __future__ import annotations

from pathlib import Path

from awbench.report.comparison import Comparison
from awbench.study.analysis import StudyReport, analyse
from awbench.study.key import KEY_FILE, read_key
from awbench.study.votes import read_votes
from models.types import require


def joined(study: str | Path, comparison: Comparison) -> StudyReport:
    """The study at `study`. Raises ValueError where it showed none of the systems compared, or their answers to another suite."""
    votes, home = find_study(study)
    key = read_key(home)
    names = {system.name for system in comparison.systems}
    require(bool(names & set(key.systems)), "report", "study", f"systems {', '.join(key.systems)}", f"some of {', '.join(sorted(names))}")
    for system in comparison.systems:
        suite, shown = str(system.run.config.get("suite", {}).get("fingerprint", "")), key.suites.get(system.name, "")
        told = f"answers of {system.name} to suite {shown[:12]}"
        require(shown in ("", suite), "report", "study", told, f"suite {suite[:12]}, as in {system.run.path.name}")
    return analyse(read_votes(votes, key), [system.run for system in comparison.systems])


def find_study(path: str | Path) -> tuple[list[Path], Path]:
    """Votes and key of a study's folder: of the folder itself, or, for votes kept elsewhere, of the one above them."""
    path = Path(path)
    require(path.exists(), "report", "study", f"{path.name}, which is not there", "the folder of `study make` with votes in it")
    folders = [path, path.parent] if path.is_dir() else [path.parent, path.parent.parent]
    home = next((folder for folder in folders if (folder / KEY_FILE).is_file()), None)
    require(home is not None, "report", "study", f"no {KEY_FILE} in or above {path.name}", "the folder of `study make`, its votes inside")
    return [path], home
