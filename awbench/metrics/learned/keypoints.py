"""Keypoints of clips by an estimator of `models.pose`, each clip estimated once although several metrics and cases ask for it.

`tracks:DIR` reads known motion by the file name of a clip and so knows nothing of a reference picture.
`LearnedModels` refuses it: the media of a run are named by their content.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from hashlib import sha256

import numpy as np

from models.pose.catalog import load_pose_estimator
from models.protocols import PoseEstimator
from models.types import Clip, PoseTrack

MARK_DIGITS, _KEPT = 6, 128
_tracks: OrderedDict[tuple, PoseTrack] = OrderedDict()
"""The latest tracks by content of the clip: a few kB each, so that the clips themselves need not be kept."""


@lru_cache(maxsize=2)
def estimator(text: str) -> PoseEstimator:
    return load_pose_estimator(text)


def estimator_mark(text: str) -> str:
    """Digits that stand for an estimator: those of its weights, or of its name where it has none."""
    content = getattr(estimator(text), "weights_hash", "") or sha256(text.encode()).hexdigest()
    return content[:MARK_DIGITS]


def keypoints_of(clip: Clip, text: str) -> PoseTrack:
    """The keypoints of a clip by the estimator of that name, px of the clip. Raises ValueError as the estimator does."""
    key = (text, clip.origin, clip.fps, clip.frames.shape, sha256(np.ascontiguousarray(clip.frames)).digest())
    if key not in _tracks:
        _tracks[key] = estimator(text).estimate(clip)
    _tracks.move_to_end(key)
    while len(_tracks) > _KEPT:
        _tracks.popitem(last=False)
    return _tracks[key]


def reads_known_motion(text: str) -> bool:
    return text.partition(":")[0] == "tracks"


def reference_keypoints(picture: np.ndarray, text: str) -> PoseTrack | None:
    """Of uint8 `[H,W,3]`, T = 1; None where the estimator knows clips by their files only."""
    return None if reads_known_motion(text) else keypoints_of(Clip(frames=picture[None], fps=1.0), text)
