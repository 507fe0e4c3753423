"""One pair: who is driver, reference and target, and what the checks say about planted faults."""

import numpy as np
import pytest

from bootstrap.filters import CHECKS, Pair, Rejection, Verdict, decide, judge
from bootstrap.pairing import PairSpec
from bootstrap.synthesis import Candidate, PairMedia, synthesize_pair
from bootstrap.thresholds import Thresholds
from models.images import read_image
from models.types import Clip
from models.video import Window, encode_video, read_video
from tests.bootstrap.factory_fakes import GRID, ShiftTeacher, moving_square

SPEC = PairSpec(key="abc", driving="d.mp4", identity="i.png", start_s=0.0, seed=1)


def _media() -> PairMedia:
    clip = moving_square((220, 60, 30), 40, frames=4)
    window = Window(start_s=0.0, crop=(0, 0, 32, 32), source_size=(32, 32), source_fps=8.0)
    identity = moving_square((20, 90, 220), 220).frames[0].copy()
    identity[::4, ::2], identity[26:] = 150, (90, 160, 60)  # another scene: else it would be the source in other colours
    return PairMedia(clip=clip, window=window, identity=identity)


def _candidate(**teacher) -> Candidate:
    return synthesize_pair(SPEC, _media(), ShiftTeacher(**teacher), GRID)


def _with_driver(driver: Clip) -> Candidate:
    made = _candidate()
    members = {**made.members, "driver.mp4": encode_video(driver, crf=4)}
    return Candidate(spec=SPEC, media=made.media, members=members)


def _driver(candidate: Candidate) -> Clip:
    return read_video(candidate.members["driver.mp4"])


def _failed(candidate: Candidate, **thresholds) -> list[str]:
    return [verdict.check for verdict in judge(candidate, GRID, Thresholds(**thresholds)) if not verdict.passed]


def test_the_target_is_the_source_and_the_reference_its_first_frame():
    made = _candidate()
    target, driver = read_video(made.members["target.mp4"]), read_video(made.members["driver.mp4"])
    assert np.array_equal(read_image(made.members["reference.png"]).image, target.frames[0])
    assert np.abs(target.frames.astype(int) - made.media.clip.frames).mean() < 1.5  # the codec, nothing else
    assert np.abs(driver.frames[0].astype(int) - made.media.identity).mean() < 1.5
    assert (len(driver), driver.size, driver.fps) == (len(target), target.size, target.fps)


def test_a_good_pair_passes_every_check_in_order():
    result = decide(_candidate(), GRID, Thresholds())
    assert isinstance(result, Pair)
    assert tuple(verdict.check for verdict in result.verdicts) == CHECKS and all(verdict.passed for verdict in result.verdicts)


def test_an_output_of_the_wrong_size_raises():
    with pytest.raises(ValueError, match=r"teacher output: size: got \(16, 16\), expected \(32, 32\)"):
        _candidate(size=(16, 16))


def test_a_frozen_driver_is_rejected_and_says_why():
    result = decide(_candidate(freeze=True), GRID, Thresholds())
    assert isinstance(result, Rejection) and result.reason.startswith("moving: 0 < 0.5")


def test_a_copy_of_the_target_is_rejected():
    assert "distinct" in _failed(_with_driver(_media().clip))
    assert "identity" in _failed(_with_driver(_media().clip))


def test_opposite_motion_is_rejected():
    made = _candidate()
    backwards = Clip(frames=_driver(made).frames[::-1], fps=8.0)
    assert _failed(_with_driver(backwards)) == ["motion_agreement"]


def test_a_short_driver_ends_the_judgement():
    short = Clip(frames=_driver(_candidate()).frames[:3], fps=8.0)
    verdicts = judge(_with_driver(short), GRID, Thresholds())
    assert [verdict.check for verdict in verdicts] == ["decodable", "length"] and verdicts[-1].value == 3


def test_a_driver_that_cannot_be_decoded_is_rejected():
    made = _candidate()
    broken = Candidate(spec=SPEC, media=made.media, members={**made.members, "driver.mp4": b"junk"})
    assert _failed(broken) == ["decodable"]


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="check identity: value: got nan, expected a finite number"):
        Verdict(check="identity", value=float("nan"), threshold=0.1, passed=False)


def test_thresholds_are_checked():
    with pytest.raises(ValueError, match="thresholds: motion_agreement: got 2, expected a number in 0-1"):
        Thresholds(motion_agreement=2)
