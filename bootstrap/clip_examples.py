"""A folder of clips as training examples: every clip is cut into chunks in which driver and target are the same.

`ClipExamples` decodes every clip once to count its chunks, as `bootstrap.sources` does to find its windows, and keeps no
frame; an index reads its own chunk as a window of the file. Readable clips give examples in the order of their names;
unreadable or too short ones are counted and named, and never stop a run. Pose files beside the clips (`NAME.npz`) are read
by `annotated_frames` alone.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np

from bootstrap.reasons import printable, reason_of
from bootstrap.sources import check_openable, files_below
from models.images import MediaError
from models.progress import Progress
from models.types import Grid, TrainingExample
from models.video import VIDEO_SUFFIXES, frames_of, probe, read_video, read_window

_STAMP_S = 0.001
"""Containers round time stamps to a millisecond: without it a clip of 8 frames lasts 7.99."""


@dataclass(slots=True)
class SkippedClips:
    """Filled while chunks are counted: file name -> reason."""

    reasons: dict[str, str] = field(default_factory=dict)


def clip_files(folder: Path) -> list[Path]:
    """What bears a video's name in a folder and its subfolders, sorted by path; hidden files are left out."""
    return [path for path in files_below(folder) if path.suffix.lower() in VIDEO_SUFFIXES]


class ClipExamples(Sequence[TrainingExample]):
    """Chunks of `chunk_frames` frames at the grid's size and rate; a shorter rest of a clip is left out.

    `ids`: `NAME#K` for chunk K from 0 on of the file at NAME below `folder`. A frame is the one nearest in time, of two
    equally near the earlier. Threads may read at once; pickles by its names.
    """

    def __init__(self, folder: str | Path, grid: Grid, chunk_frames: int, skipped: SkippedClips | None = None) -> None:
        self._folder, self._chunk = Path(folder), replace(grid, num_frames=chunk_frames)
        files, ids = clip_files(self._folder), []
        with Progress("count chunks", total=len(files)) as bar:
            for path in files:
                name, reason = path.relative_to(self._folder).as_posix(), ""
                try:
                    ids += [f"{name}#{index}" for index in range(_chunks(path, name, grid, chunk_frames))]
                except Exception as error:  # whatever a damaged file provokes costs this file and no other
                    reason = reason_of(error)
                if reason and skipped is not None:
                    skipped.reasons[printable(name)] = reason
                bar.step(failed=bool(reason))
        self.ids: tuple[str, ...] = tuple(ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> TrainingExample:
        """Read one chunk. Raises IndexError, and MediaError where the file has changed since it was counted."""
        id_ = self.ids[operator.index(index)]
        name, _, chunk = id_.rpartition("#")
        try:
            part, _ = read_window(self._folder / name, self._chunk, int(chunk) * self._chunk.num_frames / self._chunk.fps)
        except (MediaError, OSError) as error:
            raise MediaError(f"{self._folder}: {id_}: {reason_of(error)}; the file changed after its chunks were counted") from error
        return TrainingExample(id=id_, reference=part.frames[0], driver=part, target=part)


def clip_examples(folder: str | Path, grid: Grid, chunk_frames: int, skipped: SkippedClips | None = None) -> Iterator[TrainingExample]:
    """The examples of `ClipExamples` one after another."""
    yield from ClipExamples(folder, grid, chunk_frames, skipped)


def _chunks(path: Path, name: str, grid: Grid, chunk_frames: int) -> int:
    """How many chunks a file holds, at least one. Raises MediaError with the reason where it holds none."""
    check_openable(path, name)
    duration_s, frames = _length(path, grid.fps)
    if frames < grid.num_frames:
        raise MediaError(f"too short: {duration_s:.2f} s, the grid needs {grid.num_frames / grid.fps:.2f} s")
    if frames < chunk_frames:
        raise MediaError(f"too short: {frames} frames at {grid.fps:g} fps, a chunk needs {chunk_frames}")
    return frames // chunk_frames


def _length(path: Path, fps: float) -> tuple[float, int]:
    """Duration in s, and the frames at `fps` that lie in it and that `read_window` can give; decodes to the end, keeps nothing."""
    count, last_s, gap_s = 0, 0.0, 1 / fps
    for frame in frames_of(path):
        gap_s = frame.time_s - last_s if count else gap_s
        count, last_s = count + 1, frame.time_s
    if not count:
        raise MediaError("no frame could be decoded")
    duration_s = last_s * count / (count - 1) if count > 1 else 1 / probe(path).fps
    last = int((last_s + gap_s) * fps)  # a window holds the last frame for as long as the one before it was shown
    return duration_s, min(int((duration_s + _STAMP_S) * fps), last + 1)


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
