"""A suite anyone can write: a folder with suite.yaml and media beside it.

    name: my-suite
    version: "1"
    grid: {width: 256, height: 256, fps: 8, num_frames: 16}
    fit: crop                           # optional, for media and answers of another shape: crop, subject or pad
    cases:
    - id: dog-as-robot                  # becomes a file name: letters, digits, - and _
      driver: driving/dog.mp4           # inside this folder, or an absolute path; `..` is refused, so that folders move
      driver_start_s: 2.5               # optional: where in the driver, and in a filmed truth, the window begins; left out, at its start
      reference: reference/robot.png
      truth: truth/dog-as-robot.npz     # optional: a truth archive, a video (then every pixel counts as subject), or `driver`: the driver
      prompt: a robot dog runs
      tags: {driver_subject: animal, reference_subject: cartoon, driver_framing: full, mode: one_to_one, track: cross}
      driver_id: dog
      identity_id: robot
      reference_pose: independent       # or first_frame: the reference stands as the driver's first frame does

A case of `track: self` with `reference_pose: first_frame` shows the driver's own first frame: the driver is its truth, named or not.

A driver is read from its start, or from `driver_start_s` on, brought to the grid's shape by `fit` and resampled; the case's media say how.
`fit` holds for the driver, the reference, a filmed truth and the answers alike. `crop` cuts in the middle; `pad` shows all of it between
grey bars, which stay part of the picture; `subject` cuts driver and reference where the subject of each is, an answer of the driver's own
shape where the driver was cut, any other in the middle: what a system made has no say in how it is shown. A filmed truth of its own cannot
be cut by `subject`, since its box and the driver's may differ; on the self track the reference is the driver's first frame as it is cut.
Optional keys `adaptation` (what was done to the sources before), `driver_cut` (which box of them a driver cut by `subject` shows),
`driver_origin` (where a stored driver was cut from: known motion is found by it) and `problem` (why there are no media)
are written by runs.

    suite.yaml ──▶ `parse` (checked entries) ──▶ `case_media` (reads a case's media) ──▶ Suite; `check` tells all that is wrong with it
"""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

from awbench.cases import Suite, case_mark
from awbench.suites.case_media import FolderSource
from awbench.suites.parse import DRIVER, SUITE_FILE, CaseFiles, parse_case, parse_grid, read_yaml, text_of
from models.artifacts import sha256, sha256_file


def load_folder(folder: str | Path, *, fingerprint: bool = True) -> Suite:
    """The suite of a folder. Raises ValueError at the first problem; `fingerprint=False` skips hashing the media."""
    folder = Path(folder)
    raw = read_yaml(folder)
    grid, fit = parse_grid(raw), raw.get("fit", "crop")
    parsed = [parse_case(entry, index) for index, entry in enumerate(raw["cases"], 1)]
    files = {case.id: case_files for case, case_files in parsed}
    cases = tuple(case for case, _ in parsed)
    hashes = _hashes(folder, files) if fingerprint else {}
    return Suite(
        name=raw["name"],
        version=text_of(raw["version"]),
        grid=grid,
        cases=cases,
        source=FolderSource(folder=folder, grid=grid, files=files, fit=fit, hashes=hashes),
        fingerprint=_fingerprint(folder, hashes) if fingerprint else "",
        has_truth=any(case_files.truth for case_files in files.values()),
        fit=fit,
        case_marks={case.id: case_mark(case, grid, fit, _of_case(files[case.id], hashes)) for case in cases} if fingerprint else {},
    )


def _hashes(folder: Path, files: Mapping[str, CaseFiles]) -> dict[str, str]:
    """sha256 by file of all media named in suite.yaml."""
    names = sorted({name for case in files.values() for name in _media_of(case).values()})
    return {name: sha256_file(folder / name) if (folder / name).is_file() else "missing" for name in names}


def _media_of(files: CaseFiles) -> dict[str, str]:
    named = {part: getattr(files, part) for part in ("driver", "reference", "truth")}
    return {part: files.driver if (part, name) == ("truth", DRIVER) else name for part, name in named.items() if name}


def _of_case(files: CaseFiles, hashes: Mapping[str, str]) -> dict[str, str]:
    """What decides a case's pixels: its media's hashes by part, where a late window begins, and why it has none."""
    more = {"driver_start_s": repr(files.driver_start_s)} if files.driver_start_s else {}
    more |= {"problem": files.problem} if files.problem else {}
    return {part: hashes[name] for part, name in _media_of(files).items()} | more


def _fingerprint(folder: Path, hashes: Mapping[str, str]) -> str:
    return sha256("\n".join([sha256_file(folder / SUITE_FILE), *(f"{name} {mark}" for name, mark in hashes.items())]).encode())
