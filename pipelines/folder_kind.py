"""What lies at a place, by the files that only such a folder has: suite, checkpoint, dataset, run, several runs, or media."""

from __future__ import annotations

import os
from typing import Literal

from models.shards import is_dataset
from models.storage import exists, is_folder, is_url, join, resolve

Kind = Literal["suite", "checkpoint", "estimator", "dataset", "run", "runs", "media"]
_MARKS: dict[Kind, tuple[str, ...]] = {
    "suite": ("suite.yaml",),
    "checkpoint": ("animator.json",),
    "estimator": ("estimator.json",),
    "run": ("suite/suite.yaml", "plan.json"),
}
KIND_NAMES: dict[Kind, str] = {
    "suite": "a suite",
    "checkpoint": "a checkpoint",
    "estimator": "a pose estimator",
    "dataset": "a dataset",
    "run": "a run",
    "runs": "a folder of runs",
    "media": "a folder of media",
}


def kind_of_folder(place: str) -> Kind:
    """The kind of what lies at a path or URL; what holds none of the marks is media."""
    folder = resolve(place)
    found = _marked(folder)
    if found is None and any(_marked(each) == "run" for each in folders_in(folder)):
        return "runs"
    return found or "media"


def folders_in(folder: str) -> list[str]:
    """The folders right below a local one that are not hidden, by name; a URL's are not looked at."""
    if is_url(folder) or not is_folder(folder):
        return []
    with os.scandir(folder) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _marked(folder: str) -> Kind | None:
    if is_dataset(folder):
        return "dataset"
    return next((kind for kind, marks in _MARKS.items() if any(exists(join(folder, mark)) for mark in marks)), None)
