"""Draws docs/canvas.png, the picture at the top of the README: two world cases laid out as the canvas sees them, truth for what is painted.

python docs/draw_canvas.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

from awbench.suites.world import render_case  # noqa: E402
from awbench.suites.world_design import heldout_cases  # noqa: E402
from models.images import encode_image  # noqa: E402
from models.types import Grid  # noqa: E402

CASES, GRID, SHOWN, EDGE = ("wh-0052", "wh-0030"), Grid(width=176, height=176, fps=8.0, num_frames=6), (0, 2, 4), 6


def canvas(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two halves with a white edge."""
    both = np.concatenate([left, right], 1)
    return np.pad(both, ((EDGE, EDGE), (EDGE, EDGE), (0, 0)), constant_values=255)


def row(case_id: str) -> np.ndarray:
    item = next(item for item in heldout_cases() if item.case.id == case_id)
    media = render_case(item, GRID)
    blank = np.full_like(media.reference, 127)
    parts = [canvas(media.reference, blank)]
    parts += [canvas(media.truth.clip.frames[t], media.driving.frames[t]) for t in SHOWN]
    return np.concatenate(parts, 1)


if __name__ == "__main__":
    Path(__file__).with_name("canvas.png").write_bytes(encode_image(np.concatenate([row(case) for case in CASES])))
