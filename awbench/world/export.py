"""The world as a clip folder: numbered mp4 files, poses as npz beside them, and `clips.csv`, written last.

An interrupted export continues: finished files are kept, `world.json` (written first) guards against mixing settings. A folder of other
things, or of more clips than are asked for now, is refused: its table would not speak of all that is there.
Poses: `NAME.npz` with points `[T,N,17,2]` px, confidence `[T,N,17]`, fps, for plans with four limbs (of animals the counterparts).
"""

from __future__ import annotations

import csv
import fnmatch
import io
import json
from pathlib import Path

import numpy as np

from awbench.world.render import Rendering, check_raster, render
from awbench.world.shot import NOVEL_SUBJECTS, SPLITS, SUBJECTS, Shot, sample_shot
from models.artifacts import read_json, write_json
from models.progress import Progress
from models.seeds import item_seed
from models.storage import publish, write_bytes
from models.types import PoseTrack, require
from models.video import write_video

COLUMNS = ("file", "subject", "framing", "count", "camera", "licence", "consent", "split", "motion", "shot")


def planned_shots(*, split: str, subjects: tuple[str, ...], clips: int, seed: int = 0) -> list[Shot]:
    """The shots of a folder: subjects take turns, everything else is the split's ordinary mix. More clips extend the list."""
    return [sample_shot(split, item_seed(seed, "world", split, i), subject=subjects[i % len(subjects)]) for i in range(clips)]


def write_clip_folder(
    out: Path, *, split: str, subjects: tuple[str, ...], clips: int, size: int, fps: float = 8, num_frames: int = 24, seed: int = 0
) -> None:
    """Render `clips` clips of `size` px squares into `out`. Raises ValueError when `out` holds other things, settings or more clips."""
    _check(split, subjects, clips)
    check_raster((size, size), num_frames, fps)
    out = Path(out)
    settings = {"split": split, "subjects": list(subjects), "size": size, "fps": float(fps), "num_frames": num_frames, "seed": seed}
    names = [f"clip_{i:06d}.mp4" for i in range(clips)]
    _guard(out / "world.json", settings, names)
    shots = planned_shots(split=split, subjects=subjects, clips=clips, seed=seed)
    waiting = [(name, shot) for name, shot in zip(names, shots) if not (out / name).exists()]
    with Progress("world", total=clips, already=clips - len(waiting)) as bar:
        for name, shot in waiting:
            _write_clip(out / name, render(shot, (size, size), num_frames, fps))
            bar.step(note=f"{shot.subject} {shot.motion}")
    _write_table(out / "clips.csv", names, shots)


def _check(split: str, subjects: tuple[str, ...], clips: int) -> None:
    require(split in SPLITS, "world", "split", repr(split), f"one of {SPLITS}")
    require(len(subjects) > 0, "world", "subjects", repr(subjects), f"one or more of {SUBJECTS}")
    for subject in subjects:
        allowed = SUBJECTS if split == "heldout" else tuple(s for s in SUBJECTS if s not in NOVEL_SUBJECTS)
        require(subject in allowed, "world", "subjects", repr(subject), f"one of {allowed} for split {split}")
    require(isinstance(clips, int) and clips >= 1, "world", "clips", repr(clips), "a whole number >= 1")


def _guard(path: Path, settings: dict[str, object], names: list[str]) -> None:
    folder = path.parent
    there = sorted(each.name for each in folder.iterdir() if not each.name.startswith(".")) if folder.is_dir() else []
    require(path.exists() or not there, f"folder {folder}", "content", ", ".join(there[:4]), "a new or empty folder, or one of such clips")
    more = set(fnmatch.filter(there, "clip_*.mp4")) - set(names)
    advice = "ask for as many, or choose another folder"
    require(not more, f"folder {folder}", "clips", len(names), f"at least the {len(names) + len(more)} that are there", advice)
    if path.exists():
        before = read_json(path)
        for name, value in settings.items():
            require(
                before.get(name) == value,
                f"folder {path.parent}",
                name,
                repr(value),
                repr(before.get(name)),
                "choose another folder or the same settings",
            )
        return
    write_json(path, settings)


def _write_clip(path: Path, rendering: Rendering) -> None:
    """The pose first: a clip that exists is complete."""
    if rendering.pose is not None:
        _write_pose(path.with_suffix(".npz"), rendering.pose)
    write_video(path, rendering.clip)


def _write_pose(path: Path, pose: PoseTrack) -> None:
    with publish(path) as draft, open(draft, "wb") as handle:
        np.savez(handle, points=pose.points, confidence=pose.confidence, fps=pose.fps, skeleton=pose.skeleton)


def _write_table(path: Path, names: list[str], shots: list[Shot]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, shot in zip(names, shots):
        writer.writerow(
            [
                name,
                shot.subject,
                shot.framing,
                shot.count,
                shot.camera,
                "CC0-1.0",
                "synthetic",
                shot.split,
                shot.motion,
                json.dumps(shot.to_json(), sort_keys=True),
            ]
        )
    write_bytes(path, text.getvalue().encode())
