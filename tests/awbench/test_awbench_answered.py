"""How an answer is brought to the grid, and what is told of it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from awbench.answered import given_of, to_grid
from models.types import Clip, Grid
from tests.models.footage import numbered, numbers

GRID = Grid(width=48, height=32, fps=8.0, num_frames=8)


def test_what_reading_did_to_the_pixels_is_told_with_the_rest() -> None:
    clip = Clip(frames=numbered(8).frames, fps=8.0, notes=("alpha over white",))
    assert to_grid(clip, GRID) == (clip, "alpha over white")
    fitted, note = to_grid(Clip(frames=numbered(10).frames, fps=10.0, notes=("deinterlaced (bwdif)",)), GRID)
    assert note == "deinterlaced (bwdif); output resampled from 10 to 8 fps" and fitted.notes == ("deinterlaced (bwdif)",)


@pytest.mark.parametrize("fps", [12, 15, 20, 24, 25, Fraction(30000, 1001), 30, 60])
def test_an_answer_that_lasts_as_long_as_the_driver_holds_nothing(fps) -> None:
    """The last moment of the grid may lie nearer to the end than to the last frame: the frame is still being shown."""
    count = -(-7 * fps // 8) + 1
    clip = Clip(frames=numbered(int(count), fps=float(fps)).frames, fps=float(fps))
    fitted, note = to_grid(clip, GRID)
    assert "holds its last one" not in note and numbers(fitted)[-1] <= count - 1
    _, shorter = to_grid(Clip(frames=clip.frames[:-2], fps=float(fps)), GRID)
    assert "holds its last one" in shorter


@pytest.mark.parametrize(
    ("own_s", "declared_s", "expected"),
    [(None, None, None), (float("nan"), None, None), (1.0, None, 1.0), (1.0, 0.0, 0.0), (None, 0.5, 0.5)],
)
def test_what_a_system_says_of_its_first_frame_counts_where_the_run_declares_nothing(own_s, declared_s, expected) -> None:
    row = {"given_frames": 8, "given_fps": 8.0, "offset_s": own_s}
    assert given_of(row, GRID, declared_s).offset_s == expected
