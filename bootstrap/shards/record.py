"""run.json of a finished dataset, as readers take it: read with limits, and of the types that they rely on.

In: the location of a folder. Out: its record, its grid, the names of its shards. What a record names is a file beside it or nothing:
names that lead elsewhere are refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from models.artifacts import read_json
from models.shards import shown, shown_place
from models.storage import exists, facts_of, is_folder, join, resolve, walk
from models.types import Grid, require

RUN_FIELDS = {"teacher": dict, "filter_metrics": list, "shards": dict, "manifest_sha256": str}
"""What readers of a dataset take from its run.json."""
_NAME = re.compile(r"shard-([0-9]{6,9})(?:_([0-9]{1,6}))?\.tar")
_MOST_B = 1 << 26
_ADVICE = "run the same synthesize command again: it continues"


def run_record(folder: str | Path) -> dict[str, Any]:
    """The run.json of a finished dataset folder. Raises ValueError for an unfinished folder and for a damaged record."""
    place = resolve(folder)
    told, file = shown_place(place), join(place, "run.json")
    require(is_folder(place), told, "dataset", "no such folder", "a folder written by synthesize, or a list of shards")
    require(exists(file), told, "run.json", "missing", "a finished dataset", _ADVICE)
    facts = facts_of(file)
    usable = not facts.fault and facts.size_b <= _MOST_B
    require(usable, told, "run.json", facts.fault or f"{facts.size_b} bytes", f"a file of at most {_MOST_B} bytes", _ADVICE)
    record = read_json(file)
    _check(record, f"{told}/run.json")
    return record


def _check(record: Any, item: str) -> None:
    advice = f"damaged; {_ADVICE}"
    for name, kind in RUN_FIELDS.items():
        got = type(record.get(name)).__name__ if isinstance(record, dict) else f"a {type(record).__name__} as the whole"
        require(got == kind.__name__, item, name, got, f"a {kind.__name__}", advice)
    for name in ("name", "weights_hash"):
        got = type(record["teacher"].get(name)).__name__
        require(got == "str", item, f"teacher {name}", got, "a str", advice)
    for name, digest in record["shards"].items():
        require(bool(_NAME.fullmatch(name)), item, "shards", f"'{shown(name)}'", "names like shard-000012.tar", advice)
        require(isinstance(digest, str), item, f"shards {name}", type(digest).__name__, "a str", advice)
    grid_of(record, item)


def grid_of(record: dict[str, Any], item: str = "run.json") -> Grid | None:
    """The grid that a dataset was made on; None where its record names none."""
    config = record.get("config", {})
    grid = config.get("grid", {}) if isinstance(config, dict) else None
    require(isinstance(grid, dict), item, "config", "another type", "a dict with the grid", f"damaged; {_ADVICE}")
    try:
        return Grid(**grid) if grid else None
    except TypeError as error:
        got = shown(repr(grid))
        raise ValueError(f"{item}: grid: got {got}, expected width, height, fps and num_frames; damaged; {_ADVICE}") from error


def in_order(names: Any) -> list[str]:
    """Shards by unit and part."""
    return sorted(names, key=lambda name: (*_numbers(name), name))


def _numbers(name: str) -> tuple[float, int]:
    found = _NAME.fullmatch(name)
    return (int(found[1]), int(found[2] or 0)) if found else (float("inf"), 0)


def shard_names(folder: str) -> list[str]:
    """The names of the shards that lie in a folder, in order, whoever put them there."""
    inside = (name for name, _ in walk(folder, lambda name: False))
    return in_order(name for name in inside if name.startswith("shard-") and name.endswith(".tar"))
