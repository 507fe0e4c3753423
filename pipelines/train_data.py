"""What `train --data` may be: a dataset of pairs or media. Everything else is refused by name, a benchmark's footage first of all."""

from __future__ import annotations

from pathlib import Path

from models.storage import is_url, resolve
from models.types import require
from pipelines.folder_kind import KIND_NAMES, kind_of_folder

_ADVICE = {
    "suite": "what was trained on a benchmark cannot be measured on it",
    "checkpoint": "to go on from a checkpoint, name it with --init",
    "estimator": "to draw skeletons with it, name it with --estimator",
    "run": "a run holds a system's answers to a benchmark",
    "runs": "runs hold systems' answers to a benchmark",
}


def check_training_data(place: str) -> None:
    """Raises ValueError for what holds no training data, and for media of a suite."""
    kind = kind_of_folder(place)
    require(kind in ("dataset", "media"), "train", "--data", f"{place}, {KIND_NAMES[kind]}", "a dataset or clips", _ADVICE.get(kind, ""))
    suite = _suite_above(place)
    require(suite is None, "train", "--data", f"{place}, media of the suite {suite}", "a dataset or clips", _ADVICE["suite"])


def _suite_above(place: str) -> Path | None:
    """The suite whose drivers or references lie in or below a local place: a folder, a file, or the folder before a glob."""
    from awbench.suites.snapshot import stored_entries

    folder = Path(resolve(place))
    folder = next(each for each in (folder, *folder.parents) if each.is_dir())
    for above in () if is_url(place) else folder.parents[:3]:
        if not (above / "suite.yaml").is_file():
            continue
        inside = folder.relative_to(above)
        try:
            entries = stored_entries(above).values()
        except ValueError:  # no suite after all
            continue
        if any(inside in Path(entry.get(part, "")).parents for entry in entries for part in ("driver", "reference")):
            return above
    return None
