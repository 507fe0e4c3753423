"""driver_leak: 1 for the driver handed back, 0 for the reference, unscored where both are one."""

from dataclasses import replace

import numpy as np
import pytest

from awbench.cases import Truth
from awbench.evidence import Evidence
from awbench.metrics.driver_leak import METRIC
from awbench.metrics.metric import Unscored
from awbench.metrics.shown_through import undue_share
from models.types import Clip


def clip(colour, seed=None) -> Clip:
    noise = np.random.default_rng(sum(colour) if seed is None else seed).integers(-9, 10, (4, 32, 32, 3))
    return Clip(frames=np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8), fps=8.0)


def leak(output, driver=(30, 60, 200), reference=(200, 80, 40), track="cross"):
    evidence = Evidence(case_id="c", output=clip(output), driver=clip(driver), reference=clip(reference).frames[0], track=track)
    return METRIC.function(evidence)


def test_the_driver_handed_back_leaks_and_the_reference_does_not():
    assert leak((30, 60, 200)) == 1.0 and leak((200, 80, 40)) == 0.0
    assert not METRIC.higher_is_better


def test_the_driver_in_other_colours_leaks_too():
    driver = clip((30, 60, 200))
    recoloured = Clip(frames=np.clip(driver.frames[..., ::-1].astype(int) + 20, 0, 255).astype(np.uint8), fps=8.0)
    evidence = Evidence(case_id="c", output=recoloured, driver=driver, reference=clip((200, 80, 40)).frames[0])
    assert METRIC.function(evidence) == 1.0


def test_self_track_is_unscored():
    assert isinstance(leak((30, 60, 200), track="self"), Unscored)


def walk(look: int, path, size=96) -> np.ndarray:
    """A patterned square on a patterned ground, float32 `[12,96,96,3]`; `path`: its left edge at frame t, px."""
    rng = np.random.default_rng(look)
    ground, square = (np.kron(rng.integers(0, 256, (n, n, 3)), np.ones((4, 4, 1))) for n in (size // 4, 10))
    frames = np.repeat(ground[None], 12, 0)
    for t, frame in enumerate(frames):
        left = int(path(t))
        frame[28:68, left : left + 40] = square
    return frames.astype(np.float32)


def there(t):
    return 10 + 3 * t


def evidence_of(output, driver) -> Evidence:
    """The reference shows look 2."""
    output, driver, reference = (np.clip(np.round(frames), 0, 255).astype(np.uint8) for frames in (output, driver, walk(2, there)[0]))
    return Evidence(case_id="c", output=Clip(frames=output, fps=12.0), driver=Clip(frames=driver, fps=12.0), reference=reference)


def told(output, driver):
    return METRIC.function(evidence_of(output, driver))


@pytest.mark.parametrize(("share", "shift"), [(0.2, 0), (0.2, 2), (0.35, 0)])
@pytest.mark.parametrize("answer", [there, lambda t: 10, lambda t: 40 - 2 * t], ids=["follows", "still", "elsewhere"])
def test_a_ghost_of_the_driver_leaks(share, shift, answer):
    driver = walk(1, there)
    assert told((1 - share) * walk(2, answer) + share * np.roll(driver, shift, 2), driver) == 1.0


@pytest.mark.parametrize("answer", [there, lambda t: 10, lambda t: 40 - 2 * t], ids=["follows", "still", "elsewhere"])
def test_an_answer_of_its_own_does_not_leak_wherever_it_moves(answer):
    assert told(walk(2, answer), walk(1, there)) == 0.0


def test_a_driver_that_hardly_moves_has_no_ghost_to_tell():
    assert told(0.8 * walk(2, there) + 0.2 * walk(1, lambda t: 10), walk(1, lambda t: 10)) == 0.0


def test_the_share_is_about_what_was_mixed_in_and_none_of_an_answer_of_its_own():
    driver = walk(1, there)
    for share in (0.2, 0.5):
        assert undue_share(evidence_of((1 - share) * walk(2, lambda t: 10) + share * driver, driver)) == pytest.approx(share, abs=0.02)
    assert undue_share(evidence_of(walk(2, lambda t: 40 - 2 * t), driver)) < 0.02


def test_a_ghost_over_an_answer_that_lags_is_found_at_the_drivers_own_time():
    driver, answer = walk(1, there), walk(2, lambda t: 40 - 2 * t)
    ghost = evidence_of(0.7 * answer + 0.3 * driver, driver)
    for frames, source, lag_s in ((slice(0, 10), slice(2, 12), 2 / 12), (slice(2, 12), slice(0, 10), -2 / 12)):
        apart = [list(range(12))[chosen] for chosen in (frames, source)]
        assert undue_share(ghost.cut(*apart, lag_s=lag_s)) > 0.2 > 0.1 > undue_share(ghost.cut(*apart, lag_s=0.0))


def test_where_the_reference_shows_the_drivers_scene_nothing_is_told():
    assert undue_share(evidence_of(walk(2, there), walk(2, there))) is None


def test_what_the_truth_shows_of_the_driver_is_no_fault():
    driver, twin = walk(1, there), 0.6 * walk(2, there) + 0.4 * walk(1, there)
    known = evidence_of(twin, driver)
    seen = np.ones(known.output.frames.shape[:3], bool)
    truth = Truth(clip=known.output, subject=seen, seen=seen, flow=None, reference_subject=seen[0])
    assert undue_share(known) > 0.25 and undue_share(replace(known, truth=truth)) == 0.0
