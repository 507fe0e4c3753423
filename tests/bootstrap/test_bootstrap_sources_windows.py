"""Windows of a grid in a clip: by shot, away from what is unfit, where something moves."""

from dataclasses import replace

import numpy as np
import pytest

from bootstrap.sources.facts import ClipFacts, PeopleFacts, Unfit
from bootstrap.sources.windows import WindowRules, window_starts
from models.types import Grid
from models.video import read_window
from tests.bootstrap.made_footage import FPS, HEIGHT, WIDTH, facts, save, scene

GRID = Grid(width=WIDTH, height=HEIGHT, fps=12.0, num_frames=6)
MOVING = bytes([80] * 100)
PLAIN = ClipFacts(sha256="", size=(WIDTH, HEIGHT), frames=96, fps=24.0, end_s=4.0, motion=MOVING)


def test_windows_stand_side_by_side_or_by_the_stride():
    assert window_starts(PLAIN, GRID, WindowRules()) == tuple(0.5 * k for k in range(8))
    assert window_starts(PLAIN, GRID, WindowRules(stride_s=1.5)) == (0.0, 1.5, 3.0)


def test_no_window_runs_over_a_cut_or_into_a_fade():
    cut = replace(PLAIN, cuts_s=(1.2,), unfit=(Unfit(start_s=2.0, stop_s=3.0, why="fade"),))
    starts = window_starts(cut, GRID, WindowRules())
    span_s = 5 / 12
    assert starts and all(s + span_s < 1.2 or s > 1.2 for s in starts) and all(s + span_s < 2.0 or s > 3.0 for s in starts)
    assert window_starts(cut, GRID, WindowRules(cuts=True)) == window_starts(PLAIN, GRID, WindowRules())


def test_windows_show_as_many_people_as_are_asked_for_in_most_frames():
    one = WindowRules(subjects=1, estimator="tiny", stride_s=1.0)
    grid = replace(GRID, num_frames=12)  # 0.92 s: two or three samples
    seen = PeopleFacts(people=bytes([1, 1, 2, 2, 0, 1, 1, 1]))
    assert window_starts(PLAIN, grid, one, seen) == (0.0, 3.0)
    assert window_starts(PLAIN, grid, replace(one, subjects=2), seen) == (1.0,)
    nobody = window_starts(PLAIN, grid, replace(one, subjects=3), seen)
    assert nobody == "tiny does not find 3 person(s) in most frames of any window; it finds 0, 1, 2"
    short = replace(GRID, num_frames=2)  # between two samples: the nearest one speaks
    assert window_starts(replace(PLAIN, end_s=1.2), short, replace(one, stride_s=0.4), seen) == (0.0, 0.4)


@pytest.mark.parametrize("rules", [{"subjects": 1}, {"estimator": "tiny"}, {"subjects": -1, "estimator": "tiny"}])
def test_subjects_and_estimator_are_given_together(rules):
    with pytest.raises(ValueError, match="windows: (estimator|subjects): got"):
        WindowRules(**rules)


def test_what_is_published_names_no_folder():
    published = WindowRules(subjects=1, estimator="tracks:/home/somebody/poses").published
    assert published["estimator"] == "tracks" and published["subjects"] == 1
    assert WindowRules(subjects=1, estimator="/home/somebody/mine").published["estimator"] == "mine"


@pytest.mark.parametrize("at", [13, 20, 31])
@pytest.mark.parametrize("fps", [8.0, 24.0, 25.0, 30.0])
def test_what_is_read_at_a_start_shows_one_shot(tmp_path, at, fps):
    video = np.concatenate([np.full((at, HEIGHT, WIDTH, 3), 60, np.uint8), np.full((48 - at, HEIGHT, WIDTH, 3), 190, np.uint8)])
    video[:, 10:40, 10:40] = scene(48)[:, 10:40, 10:40]
    path = save(tmp_path / "cut.mp4", video, fps)
    starts = window_starts(facts(video, fps), GRID, WindowRules(stride_s=0.07))
    assert len(starts) > 3
    for start_s in starts:
        edge = read_window(path, GRID, start_s)[0].frames[:, :4].mean((1, 2, 3))
        assert np.ptp(edge) < 5


def test_the_last_frame_counts_as_long_as_it_is_shown():
    grid = replace(GRID, fps=30.0, num_frames=60)  # its last moment, 1.967 s, is nearest to the last frame of 2 s at 25 a second
    clip = replace(PLAIN, fps=25.0, frames=50, end_s=2.0)
    assert window_starts(clip, grid, WindowRules()) == (0.0,)
    assert window_starts(replace(clip, end_s=1.96), grid, WindowRules()).startswith("too short: 50 frame(s), shown until 1.960 s")


def test_still_windows_are_left_out_and_a_clip_at_a_low_rate_is_not_still():
    half = replace(PLAIN, motion=bytes([80] * 10 + [0] * 10))
    assert max(window_starts(half, GRID, WindowRules())) < 2.0
    assert window_starts(half, GRID, WindowRules(min_motion=0, max_held_s=0)) == window_starts(PLAIN, GRID, WindowRules())
    assert window_starts(replace(PLAIN, motion=bytes(20)), GRID, WindowRules()).startswith("still: ")
    slow = facts(scene(24, 5, 8.0), 8.0)
    assert len(window_starts(slow, replace(GRID, fps=25.0, num_frames=13), WindowRules())) >= 5


def test_bars_name_the_crop_that_removes_them():
    barred = replace(PLAIN, bars=(0, 16, WIDTH, 32))
    assert window_starts(barred, GRID, WindowRules()) == "black bars take 50% of the picture; cut them off (ffmpeg -vf crop=96:32:0:16)"
    assert window_starts(barred, GRID, WindowRules(max_bars=1)) == window_starts(PLAIN, GRID, WindowRules())


def test_what_stands_in_the_way_is_named():
    black = replace(PLAIN, cuts_s=(0.2,), unfit=(Unfit(start_s=0.3, stop_s=3.9, why="black"),))
    assert window_starts(black, GRID, WindowRules()) == "no window of 6 frames at 12 fps without a cut, black frames"


def test_rules_are_checked():
    with pytest.raises(ValueError, match="windows: max_bars: got 2, expected a number in 0-1"):
        WindowRules(max_bars=2)


def test_the_rate_of_the_footage_moves_no_window():
    assert FPS == 24.0
    assert window_starts(facts(scene(96)), GRID, WindowRules()) == window_starts(facts(scene(240, 1, 60.0), 60.0), GRID, WindowRules())
