"""What a system answered: how it is brought to the suite's grid, what a run's row tells of it, and why there is none.

The run records it, scoring, the judge and the report read it; they must use one reading and one wording, so both stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from awbench.alignment import LEAST_FPS, Given, answered
from models.types import Clip, Grid, require
from models.video import fit_clip, nearest_frames

LEAST_ANSWERED = 2 / 3
"""Share of the driver's frames an answer must reach; a shorter one has failed, held frames do not stand in for it."""
MAX_REASON_CHARS = 500


def given_of(row: Mapping[str, Any], grid: Grid, offset_s: float | None = None) -> Given:
    """What the row of generation.parquet says was given, before it came to the grid; rows of old do not say it and count as whole."""
    frames, fps = row.get("given_frames"), row.get("given_fps")
    known = frames is not None and fps is not None and np.isfinite(frames) and np.isfinite(fps)
    return Given(frames=int(frames) if known else grid.num_frames, fps=float(fps) if known else grid.fps, offset_s=offset_s)


def failure_of(row: Mapping[str, Any]) -> str:
    """Why a case has no output, as score rows say it; "" where it has one."""
    if row.get("status") == "ok":
        return ""
    return f"generation failed: {row.get('reason') or 'no row in generation.parquet'}"[:MAX_REASON_CHARS]


def to_grid(clip: Clip, grid: Grid, fit: str = "crop", offset_s: float | None = None) -> tuple[Clip, str]:
    """A result on the grid, and what had to be done to it ("" when it was there already). Raises ValueError for one far too short."""
    if offset_s is None and (len(clip), clip.size, clip.fps) == (grid.num_frames, grid.size, grid.fps):
        return clip, ""
    share = answered(grid.num_frames, grid.fps, Given(frames=len(clip), fps=clip.fps, offset_s=offset_s))
    got = f"{len(clip)} frames at {clip.fps:g} fps, which show {share:.0%} of the driver's {grid.num_frames} at {grid.fps:g} fps"
    advice = f"answer the whole driver, at {LEAST_FPS:g} fps or more"
    require(share >= LEAST_ANSWERED - 1e-9, "answer", "length", got, "at least two thirds", advice)
    same_shape = abs(clip.size[0] * grid.height - clip.size[1] * grid.width) <= max(grid.size)
    how = "resized" if same_shape else "cropped and resized" if fit == "crop" else "padded and resized"
    notes = [f"output {how} from {clip.size[0]}x{clip.size[1]}"] if clip.size != grid.size else []
    notes += [f"output resampled from {clip.fps:g} to {grid.fps:g} fps"] if clip.fps != grid.fps else []
    last = int(nearest_frames(grid.num_frames, grid.fps, clip.fps)[-1])
    notes += [f"output of {len(clip)} frames holds its last one"] if last > len(clip) - 1 else []
    notes += [f"output of {len(clip)} frames cut"] if last < len(clip) - 1 else []
    return fit_clip(clip, grid, fit=fit), "; ".join(notes)
