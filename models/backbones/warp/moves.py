"""What joints say of how a body has moved: the displacement of its bones, spread over the pixels about them.

    B_t(x) = sum_i w_i(x) (p_i(0) - p_i(t)),   w_i(x) ~ exp(-|x - p_i(t)|^2 / (2 SPREAD^2))

over points p_i along the bones of frame t, fading from FADE px on. Backward: where what stands at x in frame t stood in the first one.
Source: sparse motion of keypoints made dense, Siarohin et al., "First Order Motion Model", NeurIPS 2019, section 3.2. numpy only.
"""

from __future__ import annotations

import numpy as np

from models.pose.draw import MIN_CONFIDENCE
from models.pose.skeleton import BONES, SHOULDERS
from models.types import PoseTrack

_SPREAD_PX, _FADE_PX, _FADING_PX = 4.0, 6.0, 4.0
"""How far a point of a bone reaches, how far from all bones nothing fades, and how fast it does from there on; px at 48 px."""
_POINTS = np.linspace(0, 1, 5)
_NECK = tuple((0, shoulder) for shoulder in SHOULDERS)


def joint_moves(pose: PoseTrack, size: tuple[int, int], cell_px: int) -> np.ndarray:
    """Where the cells of every frame lie in the first one, relative, float32 `[T,H/cell,W/cell,2]` px; `size` (W,H) px as the joints'.

    Joints that are not seen in both frames say nothing; a frame without any has not moved.
    """
    width, height = size
    moves = np.zeros((len(pose), height // cell_px, width // cell_px, 2), np.float32)
    x, y = (np.arange(n // cell_px) * cell_px + (cell_px - 1) / 2 for n in size)
    middles = np.stack(np.meshgrid(x, y), -1).astype(np.float32)
    unit = min(size) / 48
    seen = pose.confidence >= MIN_CONFIDENCE
    points = np.nan_to_num(pose.points).clip(-1e4, 1e4)
    for t in range(1, len(pose)):
        at, back = _bone_points(points[t], points[0], seen[t] & seen[0])
        if not len(at):
            continue
        apart = np.square(middles[:, :, None] - at).sum(-1)
        nearest = apart.min(-1, keepdims=True)
        weight = np.exp(-(apart - nearest) / (2 * (_SPREAD_PX * unit) ** 2))
        fade = np.exp(-np.square(np.maximum(np.sqrt(nearest) - _FADE_PX * unit, 0)) / (2 * (_FADING_PX * unit) ** 2))
        moves[t] = fade * (weight @ back) / weight.sum(-1, keepdims=True)
    return moves


def _bone_points(now: np.ndarray, first: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points along the bones of all people `[N,2]`, and the way back from each to its place in the first frame."""
    at, back = [], []
    for person in range(len(now)):
        bones = np.array([bone for bone in (*BONES, *_NECK) if seen[person, list(bone)].all()], int).reshape(-1, 2)
        for points, kept in ((now, at), (first - now, back)):
            ends = points[person][bones]
            kept.append((ends[:, :1] * (1 - _POINTS[:, None]) + ends[:, 1:] * _POINTS[:, None]).reshape(-1, 2))
    return tuple(np.concatenate(kept).astype(np.float32) if kept else np.zeros((0, 2), np.float32) for kept in (at, back))
