"""Time: held frames left out, other rates laid beside the driver, a lag found and undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from awbench.alignment import Given, aligned, answered, best_lag, shown
from awbench.evidence import Evidence
from awbench.metrics.motion_fidelity import motion_fidelity
from awbench.metrics.ssim import ssim
from awbench.suites.world import render_case
from awbench.suites.world_design import dev_cases
from models.types import Clip, Grid
from models.video import fit_clip

GRID = Grid(width=64, height=64, fps=12.0, num_frames=18)


@pytest.fixture(scope="module")
def case() -> Evidence:
    moving = [item for item in dev_cases() if item.case.tags["motion"] in ("dance", "jump", "walk", "wave")]
    media = render_case(moving[0], GRID)
    return Evidence(case_id="c", output=media.truth.clip, driver=media.driving, reference=media.reference, truth=media.truth)


def late(clip: Clip, frames: int) -> Clip:
    """The clip `frames` early (its beginning is missing, its end held) or, negative, late."""
    places = np.clip(np.arange(len(clip)) + frames, 0, len(clip) - 1)
    return Clip(frames=clip.frames[places], fps=clip.fps)


def whole(case: Evidence) -> Given:
    return Given(frames=len(case.driver), fps=case.driver.fps)


def test_an_answer_in_time_is_left_as_it_is(case):
    found = aligned(case, whole(case))
    assert found.lag_s == 0 and found.completeness == 1 and found.output is case.output and found.truth is case.truth


@pytest.mark.parametrize("frames", [1, 2, 5, -1, -4])
def test_a_lag_is_found_told_and_undone(case, frames):
    total = len(case.driver)
    given = Given(frames=total - max(0, frames), fps=GRID.fps)
    found = aligned(replace(case, output=late(case.output, frames)), given)
    assert found.lag_s == pytest.approx(frames / GRID.fps)
    assert found.completeness == pytest.approx((total - abs(frames)) / total, abs=1 / total)
    assert ssim(found) > 0.97 and motion_fidelity(found) > 0.97


def test_a_declared_offset_is_undone_and_is_not_a_lag(case):
    given = Given(frames=len(case.driver) - 3, fps=GRID.fps, offset_s=3 / GRID.fps)
    found = aligned(replace(case, output=late(case.output, 3)), given)
    assert found.lag_s == 0 and ssim(found) > 0.99 and len(found.output) == len(case.driver) - 3


def test_lags_with_the_truth_withheld(case):
    """Seen or not, a lag is never invented: the answer is the driver itself, whose motion cannot be mistaken."""
    hidden = replace(case, truth=None, output=case.driver)
    assert aligned(hidden, whole(case)).lag_s == 0
    assert aligned(replace(hidden, output=late(case.driver, 4)), Given(frames=14, fps=GRID.fps)).lag_s == pytest.approx(4 / GRID.fps)
    still = Clip(frames=np.repeat(case.reference[None], len(case.driver), 0), fps=GRID.fps)
    assert aligned(replace(hidden, output=still), whole(case)).lag_s == 0


def test_held_frames_are_not_compared_and_count_as_missing(case):
    held = Clip(frames=case.output.frames[np.minimum(np.arange(18), 12)], fps=GRID.fps)
    found = aligned(replace(case, output=held), Given(frames=13, fps=GRID.fps))
    assert found.completeness == pytest.approx(13 / 18) and len(found.output) == 13 and ssim(found) == pytest.approx(1)
    assert found.truth.flow.shape[0] == 12 and found.truth.subject.shape[0] == 13


@pytest.mark.parametrize("fps", [8.0, 9.0, 11.0, 15.0, 24.0])
def test_another_frame_rate_costs_no_motion(case, fps):
    """The same film rendered at another rate and brought to the grid as any answer is."""
    moving = [item for item in dev_cases() if item.case.tags["motion"] in ("dance", "jump", "walk", "wave")]
    grid = Grid(width=64, height=64, fps=fps, num_frames=int(np.ceil(GRID.num_frames / GRID.fps * fps)))
    film = render_case(moving[0], grid).truth.clip
    found = aligned(replace(case, output=fit_clip(film, GRID)), Given(frames=len(film), fps=fps))
    assert found.lag_s == 0 and motion_fidelity(found) > 0.9


def test_which_frames_show_their_own_moment():
    assert shown(6, 12.0, Given(frames=6, fps=12.0)).tolist() == [0, 1, 2, 3, 4, 5]
    assert shown(6, 12.0, Given(frames=3, fps=6.0)).tolist() == [0, 2, 4]
    assert shown(6, 12.0, Given(frames=4, fps=8.0)).tolist() == [0, 3]
    assert shown(6, 12.0, Given(frames=4, fps=12.0)).tolist() == [0, 1, 2, 3]
    assert shown(25, 25.0, Given(frames=24, fps=24.0)).tolist() == [*range(13), *range(14, 25)]
    assert answered(6, 12.0, Given(frames=4, fps=8.0)) == 1 and answered(6, 12.0, Given(frames=4, fps=12.0)) == pytest.approx(4 / 6)


def test_a_slideshow_is_not_a_whole_answer(case):
    """A right answer at one frame a second: what it does not show is missing, whatever it holds."""
    assert answered(33, 16.0, Given(frames=3, fps=1.0)) == pytest.approx(1 / 8)
    assert answered(6, 6.0, Given(frames=6, fps=6.0)) == 1  # no slower than was asked for
    slow = fit_clip(Clip(frames=case.output.frames[::3], fps=GRID.fps / 3), GRID)
    found = aligned(replace(case, output=slow), Given(frames=6, fps=GRID.fps / 3))
    assert found.completeness == pytest.approx(0.5, abs=0.06) and ssim(found) > 0.97


def test_without_motion_there_is_no_lag():
    assert best_lag([(np.zeros((5, 8)), np.ones((5, 8)))], 3) == 0
    assert best_lag([(np.zeros((0, 1)), np.zeros((0, 1)))], 3) == 0


def test_a_still_picture_is_neither_early_nor_late(case):
    for frame in (0, 9, 17):
        still = Clip(frames=np.repeat(case.output.frames[frame : frame + 1], len(case.output), 0), fps=GRID.fps)
        assert aligned(replace(case, output=still), whole(case)).lag_s == 0


def test_an_answer_of_nothing_is_refused():
    with pytest.raises(ValueError, match="frames"):
        Given(frames=0, fps=8.0)
    with pytest.raises(ValueError, match="fps"):
        Given(frames=3, fps=0.0)
