"""Motion programmes: smooth, lively, functions of time alone."""

from dataclasses import fields

import numpy as np
import pytest

from awbench.world.families import FAMILIES, NOVEL_MOTIONS, TRAIN_MOTIONS
from awbench.world.motion import Controls, Motion

TIMES_S = np.arange(0, 2, 0.02)


def stacked(motion: Motion, times_s: np.ndarray) -> np.ndarray:
    """All channels `[C,T]`; the phase grows without bound and is left out."""
    controls = motion.at(times_s)
    return np.stack([getattr(controls, f.name) for f in fields(Controls) if f.name != "phase"])


def test_families_split_into_train_and_novel() -> None:
    assert len(TRAIN_MOTIONS) >= 10 and len(NOVEL_MOTIONS) >= 2
    assert set(TRAIN_MOTIONS) | set(NOVEL_MOTIONS) == set(FAMILIES) and not set(TRAIN_MOTIONS) & set(NOVEL_MOTIONS)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_programme_is_finite_smooth_and_visible_within_six_frames(family: str) -> None:
    for seed in range(4):
        values = stacked(Motion(family=family, seed=seed), TIMES_S)
        assert np.isfinite(values).all()
        assert np.abs(np.diff(values, axis=1)).max() < 0.5  # no jumps between steps of 20 ms
        assert np.ptp(values[:, TIMES_S < 0.75], axis=1).max() > 0.3


@pytest.mark.parametrize("family", FAMILIES)
def test_periods_are_neither_aliased_nor_still_at_8_fps(family: str) -> None:
    periods = [Motion(family=family, seed=seed).beat().period_s for seed in range(20)]
    assert 0.6 <= min(periods) and max(periods) <= 1.5


def test_values_do_not_depend_on_the_batch() -> None:
    motion = Motion(family="dance", seed=5)
    np.testing.assert_allclose(stacked(motion, TIMES_S)[:, 40:41], stacked(motion, TIMES_S[40:41]), atol=1e-12)


def test_delay_shifts_time() -> None:
    late = stacked(Motion(family="kick", seed=1, delay_s=0.5), TIMES_S)
    np.testing.assert_allclose(late, stacked(Motion(family="kick", seed=1), TIMES_S + 0.5), atol=1e-12)


def test_calm_shrinks_travel_but_not_gestures() -> None:
    full, calm = (Motion(family="hop", seed=2, calm=c).at(TIMES_S) for c in (1.0, 0.5))
    np.testing.assert_allclose(calm.lift, 0.5 * full.lift)
    np.testing.assert_array_equal(calm.arm_raise_l, full.arm_raise_l)


def test_seeds_give_different_programmes() -> None:
    assert not np.allclose(stacked(Motion(family="walk", seed=1), TIMES_S), stacked(Motion(family="walk", seed=2), TIMES_S))
