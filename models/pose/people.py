"""People found frame by frame -> one array in which each keeps its place, by the nearest mean position in the frame before.

Legend: T frames, N people, J joints.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np


def stack_people(frames: Sequence[tuple[np.ndarray, np.ndarray]], joints: int) -> tuple[np.ndarray, np.ndarray]:
    """Points `[n,J,2]` and confidence `[n,J]` of every frame -> `[T,N,J,2]`, `[T,N,J]`, N = most people of a frame; absent ones are 0."""
    count = max((len(points) for points, _ in frames), default=0)
    points_TNJ2 = np.zeros((len(frames), count, joints, 2), np.float32)
    confidence_TNJ = np.zeros((len(frames), count, joints), np.float32)
    last: dict[int, np.ndarray] = {}
    for t, (points, confidence) in enumerate(frames):
        free, middles = list(range(count)), points.mean(1)
        for person in range(len(points)):
            slot = min(free, key=lambda s: (s not in last, np.linalg.norm(last[s] - middles[person]) if s in last else s))
            free.remove(slot)
            last[slot] = middles[person]
            points_TNJ2[t, slot], confidence_TNJ[t, slot] = points[person], confidence[person]
    return points_TNJ2, confidence_TNJ
