"""One rule for the frame at time t, by every road, in every container."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from models.images import MediaError
from models.types import Grid
from models.video import encode_video, fit_clip, frames_of, nearest_frames, read_video, read_window
from models.video.times import TIE_S, Clock, lies_within, nearest, nice_rate
from tests.models.footage import film, numbered, numbers

RATES = [Fraction(12), Fraction(15), Fraction(20), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60)]


def by_the_rule(count: int, source: Fraction, grid: Fraction) -> list[int]:
    """Exact arithmetic: frame i is at i / source; the nearest to k / grid, the earlier of two; moments before the end."""
    moments = [Fraction(k) / grid for k in range(int(count * grid / source) + 2)]
    moments = [t for t in moments if t < count / source]
    return [min(range(count), key=lambda i: (abs(i / source - t), i)) for t in moments]


@pytest.mark.parametrize("source", RATES, ids=str)
@pytest.mark.parametrize("grid", RATES, ids=str)
def test_the_rule_is_what_exact_arithmetic_says(source, grid):
    expected = by_the_rule(40, source, grid)
    assert np.minimum(nearest_frames(len(expected), float(grid), float(source)), 39).tolist() == expected
    assert nearest(np.arange(40) / float(source), np.arange(len(expected)) / float(grid)).tolist() == expected


CONTAINERS = [
    ("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx"), ("mpegts", "libx264"), ("avi", "mpeg4"), ("flv", "flv"),
    ("apng", "apng"), ("asf", "wmv2"),
]  # fmt: skip


@pytest.mark.parametrize(("fmt", "codec"), CONTAINERS)
def test_every_road_gives_the_same_frames(fmt, codec):
    for source in RATES:
        options = {"crf": "4"} if codec == "libx264" else {} if codec == "apng" else {"b:v": "2M", "deadline": "realtime"}
        data = film(fmt, codec, numbered(40).frames, rate=source, options=options, pix_fmt="rgb24" if codec == "apng" else "yuv420p")
        whole = read_video(data)
        assert len(whole) == 40 and whole.fps == pytest.approx(float(source), abs=0.005), (fmt, source)
        for grid_fps in RATES if fmt in ("mp4", "matroska") else RATES[:1] + RATES[4:6]:
            expected = by_the_rule(40, source, grid_fps)
            grid = Grid(width=48, height=32, fps=float(grid_fps), num_frames=len(expected))
            assert numbers(read_window(data, grid)[0]) == expected, (fmt, source, grid_fps)
            assert numbers(fit_clip(whole, grid)) == expected, (fmt, source, grid_fps)


@pytest.mark.parametrize("times", [[0, 10, 20, 60, 70, 80, 90, 91, 93, 120], [0, 7, 9, 30, 31, 32, 50, 51, 52, 53]])
def test_a_variable_rate_gives_the_same_frames_by_every_road(times):
    data = film("mp4", "libx264", numbered(10).frames, rate=100, times=times, options={"crf": "4", "bf": "0"})
    end = Fraction(2 * times[-1] - times[-2], 100)
    for grid_fps in RATES:
        moments = [k / grid_fps for k in range(1000) if k / grid_fps < end]
        expected = [min(range(10), key=lambda i: (abs(Fraction(times[i], 100) - t), i)) for t in moments]
        grid = Grid(width=48, height=32, fps=float(grid_fps), num_frames=len(expected))
        assert numbers(read_window(data, grid)[0]) == expected
        answer = read_video(data, at_fps=float(grid_fps))
        assert numbers(fit_clip(answer, grid)) == expected and "variable rate" in answer.notes[-1]


def test_a_stamp_far_away_is_no_way_to_fill_the_memory():
    data = film("mp4", "libx264", numbered(4).frames, rate=100, times=[0, 10, 20, 10_000_000], options={"bf": "0"})
    with pytest.raises(MediaError, match="frames, at 30 fps, of 48x32 px are .* GiB decoded, at most 8; cut the film"):
        read_video(data, at_fps=30.0)
    assert len(read_video(data)) <= 6 and numbers(read_window(data, Grid(width=48, height=32, fps=10.0, num_frames=3))[0]) == [0, 1, 2]


def test_gif_wavers_and_still_gives_the_same_frames():
    data = film("gif", "gif", numbered(30).frames, rate=24, pix_fmt="bgr8")
    grid = Grid(width=48, height=32, fps=15.0, num_frames=17)
    assert numbers(fit_clip(read_video(data, at_fps=15.0), grid)) == numbers(read_window(data, grid)[0])
    assert len(read_video(data)) == 30


def test_the_last_frame_is_shown_for_one_gap_and_no_longer():
    assert lies_within(0.7499, 0.75) and not lies_within(0.75, 0.75) and not lies_within(0.75 - TIE_S / 2, 0.75)
    data = encode_video(numbered(6, fps=8.0))
    film_read = frames_of(data)
    assert [frame.time_s for frame in film_read] == [k / 8 for k in range(6)] and film_read.end_s == pytest.approx(0.75)


def test_stamps_that_begin_anew_go_on_where_the_clip_was():
    clock = Clock(10.0, 0.001)
    assert [round(clock.time_of(t), 3) for t in (5.0, 5.1, 5.2, 0.0, 0.1, None, 0.3)] == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert clock.restarts == 1


def test_two_clips_in_one_file_are_joined_and_it_is_said():
    data = 2 * film("mpegts", "libx264", numbered(20).frames, options={"crf": "4", "bf": "0"})
    read = frames_of(data)
    times = [frame.time_s for frame in read]
    assert len(times) == 40 and np.allclose(np.diff(times), 0.1, atol=1e-3) and "time stamps restart: parts joined" in read.notes


def test_small_disorder_is_no_new_beginning_and_times_never_go_back():
    clock = Clock(10.0, 0.001)
    times = [clock.time_of(t) for t in (0.0, 0.1, 0.3, 0.2, 0.4)]
    assert clock.restarts == 0 and np.all(np.diff(times) > 0) and times[-1] == pytest.approx(0.4)


def test_stamps_are_rounded_back_to_the_rate_and_no_further():
    clock = Clock(30.0, 0.001)
    assert [clock.time_of(t) for t in (0.0, 0.033, 0.067)] == [0.0, 1 / 30, 2 / 30]
    assert clock.time_of(0.092) == 0.092


@pytest.mark.parametrize(
    ("measured", "meant"), [(23.99808, 24.0), (29.967, 29.967), (29.97003, 30000 / 1001), (12.0005, 12.0), (59.9402, 60000 / 1001)]
)
def test_a_measured_rate_is_made_nice(measured, meant):
    assert nice_rate(measured) == pytest.approx(meant, abs=2e-3)
