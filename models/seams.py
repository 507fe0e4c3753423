"""How visible it is that a clip was painted in pieces."""

from __future__ import annotations

from typing import Sequence

import numpy as np


def seams(frames: np.ndarray, starts: Sequence[int]) -> dict[str, float]:
    """`{"seam_ratio": ...}`: how much more a clip `[T,H,W,3]` changes where a window begins than from frame to frame inside of windows.

    Mean absolute differences; 1 is a seam nobody sees. Empty for one window, and where nothing moves inside.
    """
    changes = np.array([np.abs(b.astype(np.int16) - a).mean() for a, b in zip(frames[:-1], frames[1:])])
    edges = np.isin(np.arange(1, len(frames)), starts)
    if not edges.any() or edges.all() or changes[~edges].mean() == 0:
        return {}
    return {"seam_ratio": round(float(changes[edges].mean() / changes[~edges].mean()), 3)}
