"""What a system answered: how it is brought to the suite's grid, what a run's row tells of it, and why there is none.

The run records it, scoring, the judge and the report read it; they must use one reading and one wording, so both stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from awbench.alignment import LEAST_FPS, Given, answered
from awbench.cases import FIT_SAID
from models.types import Clip, Grid, require
from models.video import fit_clip, nearest_frames
from models.video.times import lies_within

LEAST_ANSWERED = 2 / 3
"""Share of the driver's frames an answer must reach; a shorter one has failed, held frames do not stand in for it."""
MAX_REASON_CHARS = 500


def given_of(row: Mapping[str, Any], grid: Grid, offset_s: float | None = None) -> Given:
    """What the row of generation.parquet says was given, before it came to the grid; rows of old do not say it and count as whole.

    `offset_s`: as the run declares it; else what the system said of this answer counts.
    """
    own_s = row.get("offset_s")
    offset_s = float(own_s) if offset_s is None and own_s is not None and np.isfinite(own_s) else offset_s
    frames, fps = row.get("given_frames"), row.get("given_fps")
    known = frames is not None and fps is not None and np.isfinite(frames) and np.isfinite(fps)
    return Given(frames=int(frames) if known else grid.num_frames, fps=float(fps) if known else grid.fps, offset_s=offset_s)


def failure_of(row: Mapping[str, Any]) -> str:
    """Why a case has no output, as score rows say it; "" where it has one."""
    if row.get("status") == "ok":
        return ""
    return f"generation failed: {row.get('reason') or 'no row in generation.parquet'}"[:MAX_REASON_CHARS]


def to_grid(
    clip: Clip, grid: Grid, fit: str = "crop", offset_s: float | None = None, driver_cut: tuple[int, ...] | None = None
) -> tuple[Clip, str]:
    """A result on the grid, and what had to be done to it, on reading too ("" for nothing). Raises ValueError for one far too short.

    `subject` looks for none in an answer: one of the driver's shape is cut where the driver was (`driver_cut`: x, y, w, h of W, H px), any
    other in the middle.
    """
    if offset_s is None and (len(clip), clip.size, clip.fps) == (grid.num_frames, grid.size, grid.fps):
        return clip, "; ".join(clip.notes)
    share = answered(grid.num_frames, grid.fps, Given(frames=len(clip), fps=clip.fps, offset_s=offset_s))
    got = f"{len(clip)} frames at {clip.fps:g} fps, which show {share:.0%} of the driver's {grid.num_frames} at {grid.fps:g} fps"
    advice = f"answer the whole driver, at {LEAST_FPS:g} fps or more"
    require(share >= LEAST_ANSWERED - 1e-9, "answer", "length", got, "at least two thirds", advice)
    same_shape = abs(clip.size[0] * grid.height - clip.size[1] * grid.width) <= max(grid.size)
    box = None if same_shape or fit != "subject" or driver_cut is None else _cut_alike(clip.size, driver_cut)
    fit = "crop" if fit == "subject" else fit
    where = f" as its driver to {box}" if box else ""
    how = "resized" if same_shape else f"{FIT_SAID[fit]}{where} and resized"
    notes = [*clip.notes]
    notes += [f"output {how} from {clip.size[0]}x{clip.size[1]}"] if clip.size != grid.size else []
    notes += [f"output resampled from {clip.fps:g} to {grid.fps:g} fps"] if clip.fps != grid.fps else []
    last = int(nearest_frames(grid.num_frames, grid.fps, clip.fps)[-1])
    held = not lies_within((grid.num_frames - 1) / grid.fps, clip.duration_s)
    notes += [f"output of {len(clip)} frames holds its last one"] if held else []
    notes += [f"output of {len(clip)} frames cut"] if last < len(clip) - 1 else []
    return fit_clip(clip if box is None else _cut(clip, box), grid, fit=fit), "; ".join(notes)


def _cut_alike(size: tuple[int, int], driver_cut: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """The driver's box (x, y, w, h) in an answer of `size` (W,H) px; None where their shapes differ."""
    *box, width, height = driver_cut
    if abs(size[0] * height - size[1] * width) > max(width, height):
        return None
    across, down = size[0] / width, size[1] / height
    x, y = round(box[0] * across), round(box[1] * down)
    return x, y, min(size[0] - x, max(1, round(box[2] * across))), min(size[1] - y, max(1, round(box[3] * down)))


def _cut(clip: Clip, box: tuple[int, int, int, int]) -> Clip:
    x, y, w, h = box
    return Clip(frames=np.ascontiguousarray(clip.frames[:, y : y + h, x : x + w]), fps=clip.fps, notes=clip.notes)
