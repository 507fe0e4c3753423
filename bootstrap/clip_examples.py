"""A folder of clips as training examples: every clip is cut into chunks in which driver and target are the same.

Readable clips give examples in the order of their names; unreadable or too short ones are counted and named, and never
stop a run. Pose files beside the clips (`NAME.npz`) are read by `annotated_frames` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

import numpy as np

from bootstrap.reasons import printable, reason_of
from bootstrap.sources import check_openable, files_below
from models.images import MediaError
from models.progress import Progress
from models.types import Clip, Grid, TrainingExample
from models.video import VIDEO_SUFFIXES, fit_clip, read_video


@dataclass(slots=True)
class SkippedClips:
    """Filled while examples are read: file name -> reason."""

    reasons: dict[str, str] = field(default_factory=dict)


def clip_files(folder: Path) -> list[Path]:
    """What bears a video's name in a folder and its subfolders, sorted by path; hidden files are left out."""
    return [path for path in files_below(folder) if path.suffix.lower() in VIDEO_SUFFIXES]


def clip_examples(folder: str | Path, grid: Grid, chunk_frames: int, skipped: SkippedClips | None = None) -> Iterator[TrainingExample]:
    """Examples of `chunk_frames` frames at the grid's size and rate; a shorter rest of a clip is left out."""
    root = Path(folder)
    for path in clip_files(root):
        name = path.relative_to(root).as_posix()
        try:
            check_openable(path, name)
            clip = _on_grid(read_video(path), grid)
        except Exception as error:  # whatever a damaged file provokes costs this file and no other
            if skipped is not None:
                skipped.reasons[printable(name)] = reason_of(error)
            continue
        if len(clip) < chunk_frames and skipped is not None:
            skipped.reasons[name] = f"too short: {len(clip)} frames at {grid.fps:g} fps, a chunk needs {chunk_frames}"
        for index in range(len(clip) // chunk_frames):
            part = Clip(frames=clip.frames[index * chunk_frames : (index + 1) * chunk_frames], fps=grid.fps)
            yield TrainingExample(id=f"{name}#{index}", reference=part.frames[0], driver=part, target=part)


def _on_grid(clip: Clip, grid: Grid) -> Clip:
    frames = int(np.floor(len(clip) / clip.fps * grid.fps + 1e-6))
    if frames < grid.num_frames:
        raise MediaError(f"too short: {clip.duration_s:.2f} s, the grid needs {grid.num_frames / grid.fps:.2f} s")
    whole = Grid(width=grid.width, height=grid.height, fps=grid.fps, num_frames=frames)
    return fit_clip(clip, whole)


def annotated_frames(folder: str | Path, grid: Grid, every: int = 2):
    """Every second frame of the clips that have a pose file beside them, letterboxed for the pose estimator.

    Returns `models.training.pose_estimator.AnnotatedFrames`. Raises ValueError when no clip has poses.
    """
    from models.pose.heatmap import letterbox
    from models.training.pose_estimator import AnnotatedFrames
    from models.types import require

    frames, points, confidence = [], [], []
    annotated = [p for p in clip_files(Path(folder)) if p.is_file() and p.with_suffix(".npz").is_file()]
    require(
        bool(annotated),
        "train",
        "--data",
        str(folder),
        "a folder of clips with NAME.npz poses beside them",
        "make one by `actorforge world --subjects human`",
    )
    with Progress("read poses", total=len(annotated)) as bar:
        for path in annotated:
            clip, poses = read_video(path), np.load(path.with_suffix(".npz"), allow_pickle=False)
            for t in range(0, min(len(clip), len(poses["points"])), every):
                square, box = letterbox(clip.frames[t])
                frames.append(square)
                points.append((poses["points"][t] + 0.5) * box.scale - 0.5 + np.float32([box.left, box.top]))
                confidence.append(poses["confidence"][t])
            bar.step()
    people = max(len(p) for p in points)
    stack = [np.concatenate([a, np.zeros((people - len(a), *a.shape[1:]), np.float32)]) for a in points]
    seen = [np.concatenate([c, np.zeros((people - len(c), 17), np.float32)]) for c in confidence]
    return AnnotatedFrames(frames=np.stack(frames), points=np.stack(stack), confidence=np.stack(seen))
