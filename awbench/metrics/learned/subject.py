"""What learned appearance looks at: a few frames of a clip and the reference, each cut to the subject and made square.

Where the subject is, in this order: the box around the confident keypoints, where an estimator is given that looks at pictures; the box of
the truth's masks, where the case has a truth; the whole picture. Boxes are widened by a fifth of their sides. Squares are filled up with
grey, so that nothing is cut off by the square inputs of the networks and nothing squeezed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.evidence import Evidence, sampled
from awbench.metrics.learned.keypoints import keypoints_of, reads_known_motion, reference_keypoints
from models.types import Clip, PoseTrack

MAX_FRAMES = 8
MIN_CONFIDENCE, MIN_JOINTS = 0.3, 4
_WIDER, _GREY = 0.2, 127
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectViews:
    """Square pictures uint8 `[S,S,3]`, S as large as each crop is; `truth` None without one."""

    output: tuple[np.ndarray, ...]
    reference: np.ndarray
    truth: tuple[np.ndarray, ...] | None


def subject_views(evidence: Evidence, estimator: str) -> SubjectViews:
    """`estimator`: name of a pose estimator, or ""."""
    truth = evidence.truth
    if estimator and not reads_known_motion(estimator):
        output, reference = _by_keypoints(evidence.output, estimator), _joint_boxes(reference_keypoints(evidence.reference, estimator))
        answer = None if truth is None else _by_keypoints(truth.clip, estimator)
    elif truth is not None:
        output = answer = [_mask_box(mask) for mask in truth.subject]
        reference = [_mask_box(truth.reference_subject)]
    else:
        output, reference, answer = [None] * len(evidence.output), [None], [None] * len(evidence.output)
    return SubjectViews(
        output=_views(evidence.output.frames, output),
        reference=squared(evidence.reference, reference[0]),
        truth=None if truth is None else _views(truth.clip.frames, answer),
    )


def _views(frames: np.ndarray, boxes: list[Box | None]) -> tuple[np.ndarray, ...]:
    return tuple(squared(frames[t], boxes[t]) for t in sampled(len(frames), MAX_FRAMES))


def _by_keypoints(clip: Clip, estimator: str) -> list[Box | None]:
    return _joint_boxes(keypoints_of(clip, estimator))


def _joint_boxes(track: PoseTrack) -> list[Box | None]:
    """Around all subjects of each frame; None where fewer than `MIN_JOINTS` joints are confident."""
    confident = track.confidence >= MIN_CONFIDENCE
    return [_box(points[sure]) if sure.sum() >= MIN_JOINTS else None for points, sure in zip(track.points, confident)]


def _mask_box(mask: np.ndarray) -> Box | None:
    return _box(np.argwhere(mask)[:, ::-1]) if mask.any() else None


def _box(points: np.ndarray) -> Box:
    """(left, top, right, bottom) px around points (x, y) `[n,2]`, widened; right and bottom belong to it."""
    low, high = points.min(0), points.max(0)
    more = _WIDER * (high - low + 1)
    return tuple(int(v) for v in (*np.floor(low - more), *np.ceil(high + more)))


def squared(picture: np.ndarray, box: Box | None = None) -> np.ndarray:
    """The part of uint8 `[H,W,3]` inside the box, in the middle of a grey square."""
    height, width = picture.shape[:2]
    left, top, right, bottom = box or (0, 0, width - 1, height - 1)
    part = picture[max(0, top) : bottom + 1, max(0, left) : right + 1]
    if not part.size:  # keypoints outside the picture
        part = picture
    rows, columns = part.shape[:2]
    side = max(rows, columns)
    square = np.full((side, side, 3), _GREY, np.uint8)
    y, x = (side - rows) // 2, (side - columns) // 2
    square[y : y + rows, x : x + columns] = part
    return square
