"""World suites: recipes over the procedural world, rendered on demand, each case with its exact truth.

Rendered cases lie in a content-addressed cache (ACTORFORGE_CACHE, else the user's XDG cache folder): the name of an entry
is the hash of its shots, its grid and the world's source, and the entry carries a digest of its content. A damaged entry
is rendered anew. The expected digests of a few cases are kept beside this file, to notice a world that has changed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Mapping

import cv2
import numpy as np

import awbench.world
from awbench.cases import Case, CaseMedia, Suite, Truth
from awbench.suites.arrays import digest, pack, truth_arrays, truth_from_arrays, unpack
from awbench.suites.world_design import WorldCase, dev_cases, heldout_cases, mini_cases
from awbench.world.render import render, seen_from_reference
from models.artifacts import cache_folder, read_json, sha256, to_json, write_bytes
from models.types import Clip, Grid, require

GRID = Grid(width=48, height=48, fps=8.0, num_frames=6)
VERSION = "1"
EXPECTED_FILE = Path(__file__).with_name("world_digests.json")
WRITE_COMMAND = 'python -c "from awbench.suites.world import write_digests; write_digests()"'
CHECKED_CASES = 6
"""How many cases of a suite have a known digest."""
_ROUNDING = 0.25  # grey levels of a block's mean: a few pixels that round the other way stay below it


def world_mini() -> Suite:
    """The demo's suite: 16 cases."""
    return _suite("world-mini", mini_cases())


def world_heldout() -> Suite:
    """The held-out benchmark: 300 cases."""
    return _suite("world-heldout", heldout_cases())


def world_dev() -> Suite:
    """104 cases of the training split, to tune on."""
    return _suite("world-dev", dev_cases())


def _suite(name: str, recipe: tuple[WorldCase, ...], grid: Grid = GRID) -> Suite:
    source = WorldSource(grid=grid, recipe={item.case.id: item for item in recipe})
    mark = sha256(to_json([name, VERSION, *(source.key(item.case) for item in recipe)]).encode())
    return Suite(name=name, version=VERSION, grid=grid, cases=tuple(item.case for item in recipe), source=source, fingerprint=mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSource:
    """Renders the media of a case, or takes them from the cache."""

    grid: Grid
    recipe: Mapping[str, WorldCase]

    def __call__(self, case: Case) -> CaseMedia:
        path = cache_folder() / "world" / f"{self.key(case)}.npz"
        try:
            return _media_from_arrays(unpack(path.read_bytes()))
        except (OSError, ValueError):  # not there yet, or damaged: both are mended by rendering
            arrays = media_arrays(render_case(self.recipe[case.id], self.grid))
        with suppress(OSError):  # a cache that cannot be written costs time, not results
            write_bytes(path, pack(arrays))
        return _media_from_arrays(arrays)

    def key(self, case: Case) -> str:
        """The address of a case's content: its shots, its grid, the world's source and the rasteriser's version."""
        item = self.recipe[case.id]
        parts = [item.driver.to_json(), item.reference.to_json(), asdict(self.grid), world_source_hash(), cv2.__version__]
        return sha256(to_json(parts).encode())


@lru_cache(maxsize=1)
def world_source_hash() -> str:
    """sha256 over the source files of awbench.world."""
    root = Path(awbench.world.__file__).parent
    files = sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix())
    return sha256(b"".join(path.relative_to(root).as_posix().encode() + path.read_bytes() for path in files))


def render_case(item: WorldCase, grid: Grid) -> CaseMedia:
    """The media and the truth of a case at `grid`; the reference is the first frame of the reference shot."""
    driver = render(item.driver, grid.size, grid.num_frames, grid.fps)
    answer = render(item.truth, grid.size, grid.num_frames, grid.fps, flow=True)
    picture = render(item.reference, grid.size, 1, grid.fps)
    truth = Truth(
        clip=answer.clip,
        subject=answer.subject,
        reference_subject=picture.subject[0],
        seen=seen_from_reference(item.truth, item.reference, grid.size, grid.num_frames, grid.fps),
        flow=answer.flow,
    )
    return CaseMedia(reference=picture.clip.frames[0], driving=driver.clip, truth=truth)


def media_arrays(media: CaseMedia) -> dict[str, np.ndarray]:
    """The media of a world case as named arrays: reference, driving, and the truth's."""
    return {"reference": media.reference, "driving": media.driving.frames} | truth_arrays(media.truth)


def _media_from_arrays(arrays: Mapping[str, np.ndarray]) -> CaseMedia:
    missing = {"reference", "driving"} - set(arrays)
    require(not missing, "world cache entry", "arrays", sorted(arrays), f"also {sorted(missing)}")
    truth = truth_from_arrays(arrays)
    driving = Clip(frames=arrays["driving"], fps=truth.clip.fps)
    return CaseMedia(reference=arrays["reference"], driving=driving, truth=truth)


def content_record(media: CaseMedia) -> dict[str, str]:
    """What is kept of a case to notice drift: its digest, and its mean colours over a 4x4 raster of each part.

    Processors differ in the last bit of a sine, which may move a pixel's rounding: the digest then differs, the means do not.
    """
    parts = (media.reference[None], media.driving.frames, media.truth.clip.frames)
    means = [cv2.resize(part.mean(0), (4, 4), interpolation=cv2.INTER_AREA).ravel() for part in parts]
    flow = 10 * np.abs(media.truth.flow).mean((0, 1, 2))
    areas = 100 * np.array([media.truth.subject.mean(), media.truth.reference_subject.mean(), media.truth.seen.mean()])
    summary = " ".join(f"{value:.2f}" for value in np.concatenate([*means, flow, areas]))
    return {"sha256": digest(media_arrays(media)), "summary": summary}


def _same_content(got: dict[str, str], expected: dict[str, str]) -> bool:
    if got["sha256"] == expected["sha256"]:
        return True
    values = [np.array(record["summary"].split(), float) for record in (got, expected)]
    return values[0].shape == values[1].shape and bool(np.abs(values[0] - values[1]).max() <= _ROUNDING)


def current_records(suite: Suite) -> dict[str, dict[str, str]]:
    """The content records of the first cases of a world suite, rendered now, past the cache."""
    recipe = suite.source.recipe
    return {case.id: content_record(render_case(recipe[case.id], suite.grid)) for case in suite.cases[:CHECKED_CASES]}


def validate_world(suite: Suite) -> list[str]:
    """Whether the world still renders what the suite's version stands for: one line per case that differs."""
    expected: dict[str, Any] = read_json(EXPECTED_FILE).get(suite.name, {}) if EXPECTED_FILE.is_file() else {}
    item = f"suite {suite.name}"
    if not expected:
        return [f"{item}: digests: got none in {EXPECTED_FILE.name}, expected {CHECKED_CASES}; write them with: {WRITE_COMMAND}"]
    advice = f"the world's source or a library has changed: raise the suite's version and run: {WRITE_COMMAND}"
    now = current_records(suite)
    gone = [f"{item} case {name}: got no such case, expected one; {advice}" for name in expected if name not in now]
    return gone + [
        f"{item} case {name}: content digest: got {record['sha256'][:12]}, expected {expected[name]['sha256'][:12]}; {advice}"
        for name, record in now.items()
        if name in expected and not _same_content(record, expected[name])
    ]


def write_digests() -> None:
    """Record what the world renders now as what the suites stand for."""
    suites = (world_mini(), world_heldout(), world_dev())
    write_bytes(EXPECTED_FILE, to_json({suite.name: current_records(suite) for suite in suites}).encode())
