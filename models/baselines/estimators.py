"""Whether the pose estimator that an option names can be had, told before anything is loaded."""

from __future__ import annotations

import difflib
from pathlib import Path

from models.pose.catalog import ESTIMATOR_FILE, POSE_ESTIMATORS

_OF_FOLDERS = ("rtmlib", "tracks")


def lacking_estimator(option: str, text: str) -> list[str]:
    """A line for `models.stated`'s `missing` where `text` is no known name, or its folder is not there."""
    head, colon, place = text.partition(":")
    table = POSE_ESTIMATORS.table()
    if head in table:
        if head in _OF_FOLDERS and not place:
            return [f"{option}: {text} names no folder; --set {option}={head}:DIR"]
        gone = colon and head in (*_OF_FOLDERS, "tiny") and not Path(place).expanduser().is_dir()
        return [f"{option}: folder {place} of {text} does not exist; --set {option}={head}:DIR"] if gone else []
    if (Path(text).expanduser() / ESTIMATOR_FILE).is_file():
        return []
    near = difflib.get_close_matches(head, table, n=1)
    hint = f", perhaps {near[0]}" if near else ""
    return [f"{option}: {text} is no estimator; one of {', '.join(table)}{hint}, or a folder with {ESTIMATOR_FILE}"]
