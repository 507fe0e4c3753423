"""What one pair costs: seconds of the teacher, seconds of a processor, bytes; stated, or measured on a dataset that was made.

Measured rates are means over what the diary and the sidecars of a dataset tell. Seconds and bytes are taken to grow with pixels times
frames: right for coding and filters, too little for a teacher whose attention grows faster, which is said with the number. Colour is
taken from docs/footage.md: of 18 real clips yuv420p is 0.89 of yuv444p.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Iterator, Mapping, Sequence

from models import storage
from models.artifacts import read_json
from models.dataset_events import read_events, seconds_by_step
from models.dataset_rows import read_rows, sidecars
from models.shards import MEMBERS
from models.types import Grid, require

TEACHER = "teacher"
"""The step that takes the accelerator; all others take processors."""
YUV420P = 0.89
_HALF, _FAR = 0.5, 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Of one attempted pair; None for what nobody said. `bytes_kept`: of one that is kept; `kept`: share of the attempted that are.

    `counted`: whether that share was measured; `target`: share of the bytes that is the target's; `steps`: step -> seconds, where they were
    measured; `told`: where they are from.
    """

    teacher_s: float | None = None
    cpu_s: float | None = None
    bytes_kept: float | None = None
    kept: float = 1.0
    counted: bool = False
    target: float = _HALF
    steps: Mapping[str, float] | None = None
    told: tuple[str, ...] = ()


def stated(rates: Rates, teacher_s: float | None, cpu_s: float | None, mb_per_pair: float | None) -> Rates:
    """`rates` with what was stated in place of what was measured."""
    given = {"teacher_s": teacher_s, "cpu_s": cpu_s, "bytes_kept": None if mb_per_pair is None else mb_per_pair * 1e6}
    said = {name: value for name, value in given.items() if value is not None}
    flags = {"teacher_s": "--teacher-seconds", "cpu_s": "--cpu-seconds", "bytes_kept": "--mb-per-pair"}
    for name, value in said.items():
        require(value >= 0, "plan", flags[name], f"{value:g}", "a number >= 0")
    told = (f"stated: {', '.join(flags[name] for name in said)}",) if said else ()
    return replace(rates, **said, told=(*rates.told, *told))


def measured(folder: str, grid: Grid, pix_fmt: str) -> Rates:
    """The rates of the dataset at `folder`, brought to another grid and colour sampling. Raises ValueError where it has none."""
    settings = _settings(folder)
    was, colour = Grid(**settings["grid"]), settings["video"]["pix_fmt"]
    scale = _volume(grid) / _volume(was)
    steps = {step: spent_s * scale for step, spent_s in seconds_by_step(read_events(folder)).items()}
    rows = [row for row in read_rows(folder, ("driving", "reference", "status")).rows if row["driving"] and row["reference"]]
    kept = sum(row["status"] == "kept" for row in rows)
    sizes = _member_bytes(folder, [row["sizes"] for row in rows if row["status"] == "kept" and row.get("sizes")])
    require(bool(steps or sizes), "plan", "--measured", storage.redacted(folder), "a dataset with diary or sidecars")
    paint = {"yuv444p": 1.0, "yuv420p": YUV420P}
    stored = sum(sizes.values()) * scale * paint[pix_fmt] / paint[colour] if sizes else None
    return Rates(
        teacher_s=steps.get(TEACHER),
        cpu_s=sum(spent_s for step, spent_s in steps.items() if step != TEACHER) if steps else None,
        bytes_kept=stored,
        kept=kept / len(rows) if rows else 1.0,
        counted=bool(rows),
        target=sizes["target.mp4"] / sum(sizes.values()) if sizes else _HALF,
        steps=steps,
        told=tuple(_told(storage.name_of(folder), len(rows), was, grid, scale, colour, pix_fmt)),
    )


def _told(name: str, pairs: int, was: Grid, grid: Grid, scale: float, colour: str, pix_fmt: str) -> Iterator[str]:
    yield f"measured on {name}: {pairs} pairs of {_raster(was)}"
    if was != grid:
        yield f"brought to {_raster(grid)} by pixels x frames (x {scale:.3g}); attention over all tokens grows faster than that"
    if not 1 / _FAR <= scale <= _FAR:
        yield "that is far: what does not grow with the grid was scaled too; measure a few pairs on a grid near yours"
    if colour != pix_fmt:
        yield f"{colour} brought to {pix_fmt} by the ratio of docs/footage.md, {YUV420P:g} for yuv420p"


def _raster(grid: Grid) -> str:
    return f"{grid.width}x{grid.height}, {grid.num_frames} frames"


def _volume(grid: Grid) -> int:
    return grid.width * grid.height * grid.num_frames


def _settings(folder: str) -> Mapping[str, Any]:
    for name, part in (("run.json", "config"), ("work/plan.json", "")):
        if storage.exists(storage.join(folder, name)):
            record = read_json(storage.join(folder, name))
            return record[part] if part else record
    raise ValueError(f"plan: --measured: got {storage.redacted(folder)}, expected a dataset that synthesize wrote")


def _member_bytes(folder: str, unsealed: Sequence[Sequence[int]]) -> dict[str, float]:
    """Member -> mean bytes over the kept pairs, of sidecars and records; {} where there is none. `unsealed`: bytes of MEMBERS of each."""
    import pyarrow.parquet as pq

    names = sidecars(dict(storage.walk(folder, lambda _: False)))
    found = list(unsealed)
    for name in names:
        data = io.BytesIO(storage.read_bytes(storage.join(folder, name)))
        table = pq.read_table(data, columns=["status", "spans"])
        rows = zip(table["status"].to_pylist(), table["spans"].to_pylist())
        found += [spans[1::2] for status, spans in rows if status == "kept" and spans]
    return {member: fmean(sizes[place] for sizes in found) for place, member in enumerate(MEMBERS)} if found else {}
