"""Draws docs/world.png: cases of world-v1 at 256 px; per case the driver over time, below it the reference and its truth in step.

python docs/draw_world.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from awbench.cases import Case  # noqa: E402
from awbench.suites.world import GRID, render_case  # noqa: E402
from awbench.suites.world_pool import reported_cases  # noqa: E402

CASES = (("wv-d017", "wv-d039"), ("wv-d047", "wv-d009"))
"""Tracked, closer than the reference, one driver for two, three that pass each other."""
SHOWN, EDGE, COLOURS = (0, 6, 12), 4, 256


def edged(tile: np.ndarray) -> np.ndarray:
    return np.pad(tile, ((EDGE, EDGE), (EDGE, EDGE), (0, 0)), constant_values=255)


def words(case: Case) -> np.ndarray:
    """What the case asks, on white."""
    tile, tags = np.full((GRID.height, GRID.width, 3), 255, np.uint8), case.tags
    who = {side: f"{tags[f'{side}_count']} {tags[f'{side}_body']}".removeprefix("1 ") for side in ("driver", "reference")}
    lines = (f"driver: {who['driver']}, {tags['motion'].replace('_', ' ')}", f"reference: {who['reference']}", f"camera: {tags['camera']}")
    for k, text in enumerate(lines):
        cv2.putText(tile, text, (8, 110 + 26 * k), cv2.FONT_HERSHEY_DUPLEX, 0.5, (60, 60, 70), 1, cv2.LINE_AA)
    return tile


def block(case_id: str) -> np.ndarray:
    """Two rows: words and the driver; the reference and the truth, at the same times."""
    item = next(item for item in reported_cases() if item.case.id.startswith(case_id))
    media = render_case(item, GRID)
    above = [words(item.case)] + [media.driving.frames[t] for t in SHOWN]
    below = [media.reference] + [media.truth.clip.frames[t] for t in SHOWN]
    return np.concatenate([np.concatenate([edged(tile) for tile in row], 1) for row in (above, below)])


def spaced(picture: np.ndarray) -> np.ndarray:
    return np.pad(picture, ((8, 8), (8, 8), (0, 0)), constant_values=255)


if __name__ == "__main__":
    picture = np.concatenate([np.concatenate([spaced(block(case)) for case in row], 1) for row in CASES])
    few = Image.fromarray(picture).quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(Path(__file__).with_name("world.png"), optimize=True)
