"""The box of `--fit subject`: laid over what moves, the head kept, the camera's motion taken off."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.framing import fit_box, fit_image
from models.subject import HEADROOM, STILL_HEIGHT, motion_map, moving_box, subject_box
from models.types import Clip, Grid
from models.video import encode_video, fit_clip, read_window

GROUND = cv2.resize(np.random.default_rng(3).integers(60, 200, (40, 60, 3), dtype=np.uint8), (480, 320), interpolation=cv2.INTER_CUBIC)
FIGURE = cv2.resize(np.random.default_rng(4).integers(0, 255, (20, 8, 3), dtype=np.uint8), (40, 130), interpolation=cv2.INTER_CUBIC)


def filmed(size, places, pan: int = 0, frames: int = 10) -> np.ndarray:
    """A textured figure of 40x130 px that swings about the place (x, y) of its corner, before a ground that the camera may pan over."""
    width, height = size
    out = []
    for t in range(frames):
        image = np.roll(np.tile(GROUND, (3, 3, 1)), -pan * t, 1)[:height, :width].copy()
        for x, y in places:
            x = x + round(8 * np.sin(t))
            image[y : y + 130, x : x + 40] = FIGURE
        out.append(image)
    return np.stack(out)


@pytest.mark.parametrize("pan", [0, 3])
def test_the_head_of_a_standing_figure_is_kept_on_a_wide_grid(pan):
    frames = filmed((200, 320), [(80, 20)], pan)
    x, y, w, h = subject_box(frames, (200, 320), (448, 256))
    assert subject_box(frames, (200, 320), (448, 256)) == (x, y, w, h)
    assert (x, w) == (0, 200) and h == round(200 * 256 / 448) and 0 <= y <= 20 and 20 - y <= 2.5 * HEADROOM * h
    assert fit_box((200, 320), (448, 256))[1] > 60  # where the centred crop beheads it


def test_a_figure_that_fits_whole_stands_in_the_middle():
    x, y, w, h = subject_box(filmed((200, 320), [(80, 150)]), (200, 320), (1, 1))
    assert h == 200 and abs((y + h / 2) - (150 + 65)) < 20


@pytest.mark.parametrize("pan", [0, 3])
@pytest.mark.parametrize("place", [40, 220, 400])
def test_on_a_tall_grid_the_box_goes_where_the_motion_is(place, pan):
    frames = filmed((480, 270), [(place, 100)], pan)
    x, _, w, _ = subject_box(frames, (480, 270), (256, 448))
    assert x <= place - 4 and place + 44 <= x + w


def test_what_moves_is_found_and_nothing_where_nothing_does():
    x, y, w, h = moving_box(motion_map(filmed((480, 270), [(300, 100)])), (480, 270))
    assert abs(x + w / 2 - 320) < 25 and abs(y - 100) < 20 and abs(y + h - 230) < 20
    still = STILL_HEIGHT * (270 - 240)
    assert subject_box(filmed((480, 270), []), (480, 270), (480, 240)) == (0, still, 480, 240)


def test_a_still_picture_is_cut_above_the_middle():
    image = filmed((200, 400), [(80, 40)])[0]
    box = subject_box(image[None], (200, 400), (200, 100))
    assert box == (0, round(STILL_HEIGHT * 300), 200, 100)
    assert np.array_equal(fit_image(image, (200, 100), "subject"), image[60:160])
    assert subject_box(image[None], (200, 400), (100, 400)) == (50, 0, 100, 400)


def test_noise_is_no_subject():
    noise = np.random.default_rng(0).normal(0, 4, (6, 270, 480, 3))
    frames = np.clip(filmed((480, 270), [])[:6] + noise, 0, 255).astype(np.uint8)
    assert subject_box(frames, (480, 270), (480, 240))[1] == STILL_HEIGHT * (270 - 240)


def test_a_window_and_a_clip_are_framed_alike_and_say_where(tmp_path):
    frames = filmed((200, 320), [(80, 20)], frames=12)
    path = tmp_path / "a.mp4"
    path.write_bytes(encode_video(Clip(frames=frames, fps=10.0), crf=1))
    grid = Grid(width=112, height=64, fps=10.0, num_frames=8)
    clip, window = read_window(path, grid, 0.2, fit="subject")
    assert window.crop == clip.origin.crop and window.crop[2:] == (200, 114) and window.crop[1] <= 20
    x, y, w, h = window.crop
    expected = np.stack([fit_image(frame, grid.size, "crop", box=window.crop) for frame in frames[2:10]])
    assert np.abs(clip.frames.astype(int) - expected).mean() < 3
    again = fit_clip(Clip(frames=frames[2:], fps=10.0), grid, fit="subject")
    assert np.abs(again.frames.astype(int) - clip.frames).mean() < 3
    with pytest.raises(ValueError, match="does not look at the picture"):
        fit_box((200, 320), grid.size, "subject")
