"""One pair: who is driver, reference and target."""

import numpy as np
import pytest

from bootstrap.pairing import PairSpec
from bootstrap.synthesis import PairMedia, answer_of, driver_of, encode_driver, encode_target
from models.images import read_image
from models.video import Window, read_video
from tests.bootstrap.factory_fakes import GRID, ShiftTeacher, moving_square

SPEC = PairSpec(key="abc", driving="d.mp4", identity="i.png", start_s=0.0, seed=1)


def _media() -> PairMedia:
    clip = moving_square((220, 60, 30), 40, frames=4)
    window = Window(start_s=0.0, crop=(0, 0, 32, 32), source_size=(32, 32), source_fps=8.0)
    identity = moving_square((20, 90, 220), 220).frames[0].copy()
    identity[::4, ::2], identity[26:] = 150, (90, 160, 60)  # another scene: else it would be the source in other colours
    return PairMedia(clip=clip, window=window, identity=identity)


def test_the_target_is_the_source_and_the_reference_its_first_frame():
    media = _media()
    members, (answer, _) = encode_target(media, "yuv444p"), driver_of(answer_of(SPEC, media, ShiftTeacher(), GRID), GRID)
    target, driver = read_video(members["target.mp4"]), read_video(encode_driver(answer, "yuv444p"))
    assert np.array_equal(read_image(members["reference.png"]).image, target.frames[0])
    assert np.abs(target.frames.astype(int) - media.clip.frames).mean() < 1.5  # the codec, nothing else
    assert np.abs(driver.frames[0].astype(int) - media.identity).mean() < 1.5
    assert (len(driver), driver.size, driver.fps) == (len(target), target.size, target.fps)


def test_an_output_of_the_wrong_size_raises():
    with pytest.raises(ValueError, match=r"teacher output: size: got \(16, 16\), expected \(32, 32\)"):
        driver_of(answer_of(SPEC, _media(), ShiftTeacher(size=(16, 16)), GRID), GRID)
