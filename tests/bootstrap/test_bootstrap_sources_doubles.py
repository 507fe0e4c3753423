"""Footage that comes again is found; footage that only resembles it is not."""

import cv2
import numpy as np
import pytest

from bootstrap.overlap.data import Names, first_of_each
from bootstrap.overlap.shared import Shared, shared
from bootstrap.sources.doubles import _within, pictures_of, same_footage, same_pictures, stand_ins
from bootstrap.sources.inspection import facts_of_image
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


def _head(seed: int, frames: int) -> np.ndarray:
    """A drawn head before a white ground; its colours and size are the seed's, its nods too."""
    rng = np.random.default_rng(seed)
    skin, hair, shirt = (tuple(map(int, rng.integers(10, 230, 3))) for _ in range(3))
    wide, tall, phase = rng.uniform(11, 17), rng.uniform(15, 21), rng.uniform(0, 6)
    video = np.full((frames, 64, 96, 3), 235, np.uint8)
    for t, frame in enumerate(video):
        x, y = int(48 + 3 * np.sin(t / FPS * 2 + phase)), int(30 + 2 * np.sin(t / FPS * 3 + phase))
        cv2.rectangle(frame, (24, 48), (72, 64), shirt, -1)
        cv2.ellipse(frame, (x, y - 4), (int(wide * 1.2), int(tall * 1.1)), 0, 0, 360, hair, -1)
        cv2.ellipse(frame, (x, y + 3), (int(wide), int(tall)), 0, 0, 360, skin, -1)
    return video


@pytest.mark.parametrize("frames", [18, 60])
def test_different_people_before_one_ground_are_no_doubles(frames):
    people = [facts(_head(seed, frames)) for seed in range(12)]
    assert same_footage(people) == [] and same_pictures([facts_of_image(_head(seed, 1)[0]) for seed in range(40)]) == []
    assert same_footage([*people, facts(_recoded(_head(3, frames)))]) == [(3, 12)]


def test_short_clips_that_only_resemble_each_other_are_no_doubles():
    def blocks(seed):
        still = np.kron(np.random.default_rng(seed).integers(0, 255, (4, 4, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
        return facts(np.stack([np.roll(still, 3 * t, axis=1) for t in range(6)]), 8.0)

    assert same_footage([blocks(seed) for seed in range(300)]) == []


def test_of_hashes_near_each_other_none_is_missed():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 1 << 63, 3000, dtype=np.uint64)
    asked = words[:40].copy()
    for number in range(40):
        for sign in rng.choice(63, number % 14, replace=False):
            asked[number] ^= np.uint64(1) << np.uint64(sign)
    found = {pair for first, second in _within(asked, words, 10) for pair in zip(first.tolist(), second.tolist())}
    assert found == set(zip(*(side.tolist() for side in np.nonzero(distance(asked[:, None], words[None]) <= 10)))) != set()


def test_a_name_that_stood_for_two_contents_is_told_twice():
    row = {"key": "k", "driving": "a.mp4", "window": [0.0, 1.0], "reference": "b.png", "reference_sha256": "2" * 64, "status": "kept"}
    rows = [{**row, "driving_sha256": one * 64} for one in ("0", "1", "1")]
    assert list(first_of_each(rows)) == rows[:2]
    assert [Names(rows).of(row, "driving") for row in rows[:2]] == ["a.mp4 (sha256 00000000)", "a.mp4 (sha256 11111111)"]
    assert Names(rows).of(rows[0], "reference") == "b.png"
