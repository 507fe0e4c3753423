"""World suites: recipes over the procedural world, rendered on demand at any grid, each case with its exact truth.

What a case renders is recorded beside this file, in small (`RECORD_GRID`). The mark of a case stands for its fields, its shots, the grid
and that record: a source that renders the same leaves every mark as it is, one that renders a case otherwise is noticed by
`validate_world`, and `write_records` then gives new marks to the cases that changed and to no other.

Rendered cases lie in a cache (ACTORFORGE_CACHE, else the user's XDG cache folder) that is never trusted: the name of an entry is the hash
of its shots, its grid and all of the world's source (another source costs rendering, not results), and the entry carries a digest of its
content. A damaged one is rendered anew.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterable, Mapping

import cv2
import numpy as np

import awbench.world
from awbench.cases import Case, CaseMedia, Suite, Truth, case_mark
from awbench.suites.arrays import digest, pack, truth_arrays, truth_from_arrays, unpack
from awbench.suites.world_design import WorldCase, dev_cases, heldout_cases, mini_cases
from awbench.suites.world_pool import all_cases, reported_cases
from awbench.world.render import in_view_of, render
from models.artifacts import cache_folder, read_json, sha256, to_json
from models.storage import write_bytes
from models.types import Clip, Grid, require

TINY_GRID = Grid(width=48, height=48, fps=8.0, num_frames=6)
"""Of the suites for the tiny models."""
GRID = Grid(width=256, height=256, fps=12.0, num_frames=24)
"""Of world-v1 unless another is asked for."""
TINY_VERSION, VERSION = "2", "1"
"""Of the suites for the tiny models, and of world-v1."""
RECORD_GRID = TINY_GRID
RECORDS_FILE = Path(__file__).with_name("world_digests.json")
WRITE_COMMAND = 'python -c "from awbench.suites.world import write_records; write_records()"'
GRID_SPELLING = "WIDTHxHEIGHT, WIDTHxHEIGHTxFRAMES or WIDTHxHEIGHTxFRAMES@FPS, such as 512x512x24@12"
_GRID = re.compile(r"(\d{1,5})x(\d{1,5})(?:x(\d{1,5}))?(?:@(\d+(?:\.\d+)?))?")
_ROUNDING = 0.25  # grey levels of a block's mean: a few pixels that round the other way stay below it


def world_mini(grid: str | Grid = TINY_GRID) -> Suite:
    """The demo's suite: 16 cases."""
    return _suite("world-mini", mini_cases(), grid, TINY_GRID, TINY_VERSION)


def world_heldout(grid: str | Grid = TINY_GRID) -> Suite:
    """The held-out benchmark: 304 cases."""
    return _suite("world-heldout", heldout_cases(), grid, TINY_GRID, TINY_VERSION)


def world_dev(grid: str | Grid = TINY_GRID) -> Suite:
    """104 cases of the training split, to tune on."""
    return _suite("world-dev", dev_cases(), grid, TINY_GRID, TINY_VERSION)


def world_v1(grid: str | Grid = GRID) -> Suite:
    """100 drivers, each with a reference of its own, after AWBench's taxonomy."""
    return _suite("world-v1", reported_cases(), grid, GRID, VERSION)


def world_v1_all(grid: str | Grid = GRID) -> Suite:
    """All 200 references of world-v1, each driver with two."""
    return _suite("world-v1-all", all_cases(), grid, GRID, VERSION)


def grid_of(text: str, default: Grid) -> Grid:
    """The grid of a spelling; what it leaves out is `default`'s. Raises ValueError that gives the spelling."""
    found = _GRID.fullmatch(text.strip())
    require(found is not None, "world suite", "grid", repr(text)[:80], GRID_SPELLING)
    width, height, frames, fps = found.groups()
    return Grid(
        width=int(width),
        height=int(height),
        num_frames=int(frames) if frames else default.num_frames,
        fps=float(fps) if fps else default.fps,
    )


def _suite(name: str, recipe: tuple[WorldCase, ...], grid: str | Grid, default: Grid, version: str) -> Suite:
    grid = grid if isinstance(grid, Grid) else grid_of(grid, default)
    named = name if grid == default else f"{name}-{grid.width}x{grid.height}x{grid.num_frames}-{grid.fps:g}fps"
    records = _records()
    marks = {item.case.id: _mark(item, grid, records) for item in recipe}
    return Suite(
        name=named,
        version=version,
        grid=grid,
        cases=tuple(item.case for item in recipe),
        source=WorldSource(grid=grid, recipe={item.case.id: item for item in recipe}),
        fingerprint=sha256(to_json([named, version, list(marks.values())]).encode()),
        case_marks=marks,
    )


def _mark(item: WorldCase, grid: Grid, records: Mapping[str, Record]) -> str:
    record = records.get(item.case.id)
    media = {"driver": item.driver.to_json(), "reference": item.reference.to_json(), "rendered": record.content if record else "unrecorded"}
    return case_mark(item.case, grid, "crop", {name: to_json(value) for name, value in media.items()})


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
    raster = (grid.size, grid.num_frames, grid.fps)
    driver, answer = render(item.driver, *raster), render(item.truth, *raster, flow=True)
    picture = render(item.reference, grid.size, 1, grid.fps)
    truth = Truth(
        clip=answer.clip,
        subject=answer.subject,
        reference_subject=picture.subject[0],
        seen=in_view_of(item.truth, item.reference, *raster) | answer.subject,
        flow=answer.flow,
        pose=answer.pose,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is kept of a case to notice drift: the digest of its content at RECORD_GRID, and mean colours and areas.

    Processors differ in the last bit of a sine, which may move a pixel's rounding: the digest then differs, the means do not.
    """

    content: str
    means: tuple[float, ...]

    @classmethod
    def of(cls, media: CaseMedia) -> Record:
        """2x2 mean colours of reference, driver and truth (grey levels), mean flow (0.1 px) and pose (px), areas (per cent)."""
        truth, parts = media.truth, (media.reference[None], media.driving.frames, media.truth.clip.frames)
        blocks = [cv2.resize(part.mean(0), (2, 2), interpolation=cv2.INTER_AREA).ravel() for part in parts]
        flow = 10 * np.abs(truth.flow).mean((0, 1, 2))
        areas = 100 * np.array([truth.subject.mean(), truth.reference_subject.mean(), truth.seen.mean()])
        values = [*blocks, flow, areas] + ([] if truth.pose is None else [truth.pose.points.mean((0, 1, 2))])
        return cls(content=digest(media_arrays(media))[:24], means=tuple(np.round(np.concatenate(values), 1).tolist()))

    def agrees(self, other: Record) -> bool:
        """Whether both are of one picture, up to rounding."""
        if self.content == other.content:
            return True
        return len(self.means) == len(other.means) and bool(np.abs(np.subtract(self.means, other.means)).max() <= _ROUNDING)


def _records() -> dict[str, Record]:
    """Case id -> what it rendered when last recorded."""
    known = read_json(RECORDS_FILE) if RECORDS_FILE.is_file() else {}
    return {case_id: Record(content=content, means=tuple(means)) for case_id, (content, *means) in known.items()}


def rendered_records(suite: Suite, case_ids: Iterable[str] | None = None) -> dict[str, Record]:
    """The records of a world suite's cases (None: all), rendered now, past the cache."""
    wanted = [case.id for case in suite.cases] if case_ids is None else case_ids
    return {case_id: Record.of(render_case(suite.source.recipe[case_id], RECORD_GRID)) for case_id in wanted}


def validate_world(suite: Suite, case_ids: Iterable[str] | None = None) -> list[str]:
    """Whether the world still renders what the suite's marks stand for: one line per case (None: of all) that differs."""
    expected, item = _records(), f"suite {suite.name}"
    advice = f"the world's source or a library has changed; if it should have, run: {WRITE_COMMAND}"
    problems = []
    for case_id, now in rendered_records(suite, case_ids).items():
        before = expected.get(case_id)
        if before is None:
            problems.append(f"{item} case {case_id}: content digest: got none in {RECORDS_FILE.name}, expected one; run: {WRITE_COMMAND}")
        elif not now.agrees(before):
            problems.append(f"{item} case {case_id}: content digest: got {now.content[:12]}, expected {before.content[:12]}; {advice}")
    return problems


def write_records() -> None:
    """Record what the world renders now as what the suites stand for. Cases that agree with their record keep it, and so their mark."""
    before, lines = _records(), []
    for suite in (world_mini(), world_heldout(), world_dev(), world_v1_all()):
        for case_id, now in rendered_records(suite).items():
            old = before.get(case_id)
            record = old if old is not None and old.agrees(now) else now
            lines.append(f" {json.dumps(case_id)}: {json.dumps([record.content, *record.means], separators=(',', ':'))}")
    write_bytes(RECORDS_FILE, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
