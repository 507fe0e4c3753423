"""`actorforge metrics`: what a metric is, and the self-test of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pipelines.verbs.flags import from_zero, names, parse_size


def metrics(
    what: Literal["selftest", "show"],
    name: str = "",
    /,
    out: Path | None = None,
    scenes: int = 6,
    driving: Path | None = None,
    references: Path | None = None,
    clips: int | None = None,
    size: str = "96x96",
    fps: float = 12.0,
    num_frames: int = 12,
    metrics: str | None = None,
    seed: int = 0,
    workers: int = 0,
) -> int:
    """Show a metric, or test all of them on known answers, damages and tricks.

    Args:
        what: selftest, or show.
        name: Metric to show.
        out: Folder of the self-test; the same command continues it.
        scenes: World scenes to test on; 0 leaves the world out.
        driving: Folder of clips to test on as well, each with its own first frame.
        references: Folder of pictures: every clip is tested with one of them, too.
        clips: At most so many clips of --driving.
        size: Size of the grid WxH, px.
        fps: Its frame rate.
        num_frames: Its length in frames.
        metrics: Comma-separated metric names; default: all that need no weights.
        seed: Seed of scenes and damages.
        workers: Ray worker processes; 0 runs in this process.
    """
    from models.types import Grid
    from pipelines import metrics as job

    if what == "show":
        if not name:
            raise ValueError("NAME: got none, expected the name of a metric; see `actorforge ls metrics`")
        print(job.show(name))
        return 0
    if out is None or name:
        raise ValueError(f"--out: got {'none' if out is None else name}, expected one folder for the self-test")
    for flag, value in (("--workers", workers), ("--seed", seed), ("--scenes", scenes)):
        from_zero(flag, value)
    width, height = parse_size(size)
    grid = Grid(width=width, height=height, fps=fps, num_frames=num_frames)
    material = job.Material(scenes=scenes, driving=driving, references=references, clips=clips, grid=grid, seed=seed)
    result = job.selftest(out, material, names(metrics), workers=workers)
    for bar in result.bars:
        print(bar.line)
    print(f"{sum(bar.met for bar in result.bars)} of {len(result.bars)} bars met; selftest.md, heatmap.svg and values in {out}")
    return 0
