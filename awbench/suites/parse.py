"""suite.yaml -> its grid and its cases with where their media lie, checked key by key. The form is told in `awbench.suites.folder`."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from awbench.cases import SUITE_FITS, Case
from models.types import Grid, Origin, require

SUITE_FILE = "suite.yaml"
DRIVER = "driver"
"""`truth: driver`: a clip whose own first frame is its reference is its own right answer."""
_MAX_YAML_BYTES = 64 << 20
_CASE_KEYS = ("id", "tags", "prompt", "driver_id", "identity_id", "reference_pose")
_FILE_KEYS = ("driver", "reference", "truth", "adaptation", "problem", "driver_cut", "driver_origin")
_START = "driver_start_s"
_ORIGIN = re.compile(r"(?P<start>-?\d+(\.\d+)?(e-?\d+)?),(?P<box>(-?\d{1,6},){2}(\d{1,6},){3}\d{1,6}),(?P<file>[^/]+)")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFiles:
    """Where a case's media lie, as written in suite.yaml, and where in the driver its window begins, s. `problem`: why there are none."""

    driver: str = ""
    reference: str = ""
    truth: str = ""
    adaptation: str = ""
    problem: str = ""
    driver_cut: str = ""
    driver_origin: str = ""
    driver_start_s: float = 0.0

    @property
    def cut(self) -> tuple[int, ...] | None:
        """`driver_cut`, "x,y,w,h,W,H", as numbers."""
        return tuple(map(int, self.driver_cut.split(","))) if re.fullmatch(r"(\d{1,6},){5}\d{1,6}", self.driver_cut) else None

    @property
    def origin(self) -> Origin | None:
        """`driver_origin`, "start_s,x,y,w,h,W,H,FILE": where the driver was cut from before it was stored."""
        found = _ORIGIN.fullmatch(self.driver_origin)
        if found is None:
            return None
        x, y, w, h, *source = map(int, found["box"].split(","))
        return Origin(file=found["file"], start_s=float(found["start"]), crop=(x, y, w, h), source_size=(source[0], source[1]))


def origin_text(origin: Origin | None) -> str:
    """As `CaseFiles.origin` reads it; "" for none."""
    if origin is None:
        return ""
    return ",".join(map(str, (float(origin.start_s), *origin.crop, *origin.source_size, origin.file)))


def read_yaml(folder: Path) -> dict[str, Any]:
    """The content of FOLDER/suite.yaml with its keys checked, its cases not yet. Raises ValueError."""
    path = folder / SUITE_FILE
    require(
        path.is_file(),
        f"suite {folder}",
        SUITE_FILE,
        "no such file",
        "a suite.yaml in the folder",
        "see awbench/suites/folder.py for its form",
    )
    require(path.stat().st_size <= _MAX_YAML_BYTES, str(path), "size", path.stat().st_size, f"at most {_MAX_YAML_BYTES} bytes")
    try:
        raw = yaml.load(path.read_bytes(), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: not valid yaml ({' '.join(str(error).split())[:200]})") from error
    require(isinstance(raw, dict), str(path), "content", type(raw).__name__, "a mapping with name, version, grid, cases")
    missing = [key for key in ("name", "version", "grid", "cases") if key not in raw]
    require(not missing, str(path), "keys", sorted(map(str, raw)), f"also {', '.join(missing)}")
    require(isinstance(raw["cases"], list), str(path), "cases", type(raw["cases"]).__name__, "a list of cases")
    fit = raw.get("fit", SUITE_FITS[0])
    require(fit in SUITE_FITS, str(path), "fit", repr(fit)[:80], f"one of {', '.join(SUITE_FITS)}")
    return raw


def parse_grid(raw: dict[str, Any]) -> Grid:
    """Raises ValueError."""
    grid, names = raw["grid"], [field.name for field in fields(Grid)]
    ok = isinstance(grid, dict) and sorted(map(str, grid)) == sorted(names)
    require(ok, "suite.yaml", "grid", grid, f"a mapping with exactly {', '.join(names)}")
    for name, value in grid.items():
        require(isinstance(value, int | float) and not isinstance(value, bool), "suite.yaml", f"grid.{name}", repr(value), "a number")
    return Grid(**{**grid, "fps": float(grid["fps"])})


def text_of(value: Any) -> Any:
    """What yaml reads of a plain text: `version: 1` and `count: 2` come as numbers."""
    plain_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if plain_number else value


def parse_case(entry: Any, index: int) -> tuple[Case, CaseFiles]:
    """The entry with that number, from 1 on. Raises ValueError."""
    item = f"case number {index}"
    require(isinstance(entry, dict), item, "entry", type(entry).__name__, "a mapping with id, driver, reference")
    known = (*_CASE_KEYS, *_FILE_KEYS, _START)
    unknown = [str(key) for key in entry if key not in known]
    require(not unknown, item, "keys", ", ".join(unknown)[:200], f"only {', '.join(known)}")
    require("id" in entry, item, "id", "none", "an id")
    own = {key: entry[key] for key in _CASE_KEYS if entry.get(key) is not None}
    if isinstance(own.get("tags"), dict):
        own["tags"] = {name: text_of(value) for name, value in own["tags"].items()}
    case = Case(**{key: text_of(value) if key.endswith("_id") else value for key, value in own.items()})
    files = _parse_files(entry, f"case {case.id}")
    own_answer = case.track == "self" and case.reference_pose == "first_frame"
    return case, replace(files, truth=DRIVER) if own_answer and not files.truth and not files.problem else files


def _parse_files(entry: dict[str, Any], item: str) -> CaseFiles:
    given = {key: entry[key] for key in _FILE_KEYS if entry.get(key) is not None}
    for key, value in given.items():
        require(isinstance(value, str) and value != "", item, key, repr(value)[:80], "text")
    for key in ("driver", "reference"):
        require(key in given or "problem" in given, item, key, "none", "the path of a file")
    for key in ("driver", "reference", "truth"):
        inside = Path(os.path.normpath(given.get(key, "."))).parts[:1] != ("..",)
        require(inside, item, key, given.get(key), "a path inside the suite's folder, or an absolute path", "copy the file into the folder")
    return CaseFiles(**given, driver_start_s=_parse_start(entry, item))


def _parse_start(entry: dict[str, Any], item: str) -> float:
    start = entry.get(_START)
    number = isinstance(start, int | float) and not isinstance(start, bool)
    ok = start is None or (number and 0 <= start < math.inf)
    require(ok, item, _START, repr(start)[:80], "seconds >= 0")
    return float(start or 0)
