"""Footage that comes again is found; footage that only resembles it is not."""

import cv2
import numpy as np
import pytest

from bootstrap.sources.doubles import pictures_of, same_footage, same_pictures, stand_ins
from bootstrap.sources.inspection import facts_of_image
from bootstrap.sources.overlap import Shared, shared
from bootstrap.sources.prints import as_words, distance, mirrored, print_of
from models.types import Clip
from models.video import encode_video, read_video
from tests.bootstrap.made_footage import FPS, facts, ground, scene

FIVE_S = 120


def _recoded(video: np.ndarray) -> np.ndarray:
    return read_video(encode_video(Clip(frames=video, fps=FPS), crf=32, pix_fmt="yuv420p")).frames


def test_the_mirrored_hash_is_that_of_the_mirrored_picture():
    straight, turned = as_words(print_of(ground(3)))[0], as_words(print_of(ground(3)[:, ::-1]))[0]
    assert distance(mirrored(straight), turned) <= 1 and distance(straight, turned) > 10


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(_recoded, id="another codec"),
        pytest.param(lambda video: np.stack([cv2.resize(f, (48, 32), interpolation=cv2.INTER_AREA) for f in video]), id="half the size"),
        pytest.param(lambda video: video[:, :, ::-1], id="mirrored"),
        pytest.param(lambda video: video[24:], id="begun a second later"),
        pytest.param(lambda video: video[: FIVE_S - 36], id="ended earlier"),
    ],
)
def test_footage_that_comes_again_is_found(again):
    others = [facts(scene(FIVE_S, seed)) for seed in (2, 3)]
    clips = [others[0], facts(scene(FIVE_S, 1)), others[1], facts(np.ascontiguousarray(again(scene(FIVE_S, 1))))]
    assert same_footage(clips) == [(1, 3)]


def test_other_moments_of_one_scene_in_other_colours_or_alone_are_no_doubles():
    long = scene(2 * FIVE_S, 1)
    assert same_footage([facts(long[:FIVE_S]), facts(long[FIVE_S:])]) == []
    assert same_footage([facts(long), facts(long[..., ::-1])]) == []
    assert same_footage([facts(long)]) == [] and same_footage([]) == []


def test_pictures_are_found_in_their_clip_and_among_themselves():
    video = scene(FIVE_S, 1)
    half = cv2.resize(video[48], (48, 32), interpolation=cv2.INTER_AREA)
    images = [facts_of_image(ground(9)), facts_of_image(half), facts_of_image(np.ascontiguousarray(video[48, :, ::-1]))]
    assert pictures_of(images, [facts(scene(FIVE_S, 2)), facts(video)]) == [(1, 1), (2, 1)]
    assert same_pictures(images) == [(1, 2)] and same_pictures(images[:2]) == [] and same_pictures([]) == []


def test_the_first_in_order_stands_in_and_must_itself_be_used():
    assert stand_ins([(0, 1), (1, 2)], [0, 1, 2]) == {1: 0}  # 2 resembles only what is left out
    assert stand_ins([(0, 1)], [1, 0]) == {0: 1}


def test_what_two_collections_share_is_named_with_how_it_was_seen():
    video = scene(FIVE_S, 1)
    mine = {"a.mp4": facts(video, sha256="1"), "b.mp4": facts(scene(FIVE_S, 2), sha256="2"), "c.png": facts_of_image(ground(9), "3")}
    theirs = {"x": facts(_recoded(video), sha256="4"), "y": facts(scene(FIVE_S, 5), sha256="2"), "z": facts_of_image(video[24], "5")}
    assert shared(mine, theirs) == (
        Shared(mine="a.mp4", theirs="x", how="the same footage"),
        Shared(mine="a.mp4", theirs="z", how="a moment of the same footage"),
        Shared(mine="b.mp4", theirs="y", how="the same bytes"),
    )
