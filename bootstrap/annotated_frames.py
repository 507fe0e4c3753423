"""Clips with poses beside them (NAME.npz beside NAME.mp4, as `actorforge world` writes) -> frames for training a pose estimator."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from awbench.media.kinds import is_still
from awbench.media.listing import Entry, list_media
from models.progress import Progress
from models.storage import exists, read_bytes
from models.types import require
from models.video import read_video


def annotated_frames(data: str | Path, every: int = 2):
    """Every second frame of the clips that have a pose file beside them, letterboxed for the pose estimator.

    Returns `models.training.pose_estimator.AnnotatedFrames`. Raises ValueError when no clip has poses.
    """
    from models.pose.heatmap import letterbox
    from models.training.pose_estimator import AnnotatedFrames

    frames, points, confidence = [], [], []
    annotated = [
        entry for entry in list_media([data], "clip", "--data").entries if exists(_poses_of(entry)) and not is_still(entry.location)
    ]
    expected, advice = "a folder of clips with NAME.npz poses beside them", "make one by `actorforge world --subjects human`"
    require(bool(annotated), "train", "--data", str(data), expected, advice)
    with Progress("read poses", total=len(annotated)) as bar:
        for entry in annotated:
            clip, poses = read_video(entry.location), np.load(io.BytesIO(read_bytes(_poses_of(entry))), allow_pickle=False)
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


def _poses_of(entry: Entry) -> str:
    return f"{entry.location.rpartition('.')[0]}.npz"
