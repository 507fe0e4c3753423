"""Renderings: deterministic, frame by frame alike, a visible subject everywhere, refusals."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from awbench.world.families import NOVEL_MOTIONS, TRAIN_MOTIONS
from awbench.world.render import _scene, in_view_of, render
from awbench.world.shot import FRAMINGS, SUBJECTS, Shot, sample_shot, with_motion_of
from awbench.world.subjects import character

SIZE = (40, 40)
LOOKS = [
    [179.3, 209.5, 172.8],
    [178.1, 181.3, 197.3],
    [163.1, 190.5, 182.5],
    [177.4, 181.6, 200.6],
    [183.5, 176.3, 187.9],
    [184.7, 172.0, 154.5],
]
"""Mean colours of one frame per body plan."""


def shot_of(subject: str, seed: int = 3, **fixed: object) -> Shot:
    return sample_shot("heldout", seed, subject=subject, **{"framing": "full", "camera": "static", "count": 1, **fixed})


@pytest.mark.parametrize("subject", SUBJECTS)
def test_equal_shots_give_equal_bytes_with_cold_caches(subject: str) -> None:
    first = render(shot_of(subject, camera="moving"), SIZE, 3, 8)
    character.cache_clear()
    _scene.cache_clear()
    again = render(shot_of(subject, camera="moving"), SIZE, 3, 8)
    assert first.clip.frames.tobytes() == again.clip.frames.tobytes() and first.subject.tobytes() == again.subject.tobytes()


@pytest.mark.parametrize("camera", ["static", "moving"])
@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_frame_knows_nothing_of_the_length_and_the_rate_of_its_clip(subject: str, camera: str) -> None:
    shot = shot_of(subject, camera=camera, count=2)
    clip = render(shot, SIZE, 5, 8).clip
    np.testing.assert_array_equal(render(shot, SIZE, 1, 8).clip.frames, clip.frames[:1])  # as references are rendered
    np.testing.assert_array_equal(render(shot, SIZE, 3, 4).clip.frames, clip.frames[::2])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_starting_later_shows_the_same_motion_later(subject: str) -> None:
    shot = replace(shot_of(subject), start_s=2.0)
    early, late = render(shot, SIZE, 6, 8).clip, render(replace(shot, start_s=2.5), SIZE, 2, 8).clip
    np.testing.assert_array_equal(early.frames[4:], late.frames)


def test_a_camera_starts_at_rest() -> None:
    moving = [shot_of("bird", seed, camera="moving") for seed in range(6)]
    for shot in moving:
        still = replace(shot, camera="static")
        first, later = np.abs(np.subtract(*(render(one, SIZE, 2, 1 / 0.6).clip.frames.astype(int) for one in (shot, still))))
        assert first.max() < 25 and first.mean() < 0.5  # not 0: polygons are cut at another border, noise is rounded differently
        assert later.mean() > 1.0


def test_the_truth_of_a_shot_with_itself_is_the_shot() -> None:
    shot = shot_of("quadruped", camera="moving")
    np.testing.assert_array_equal(render(with_motion_of(shot, shot), SIZE, 3, 8).clip.frames, render(shot, SIZE, 3, 8).clip.frames)


def test_the_truth_keeps_the_scene_of_the_reference() -> None:
    reference, driver = shot_of("human", 4), shot_of("human", 9)
    truth = render(with_motion_of(reference, driver), SIZE, 2, 8)
    own = render(reference, SIZE, 2, 8)
    union = (truth.subject | own.subject).astype(np.uint8)
    outside = np.stack([cv2.dilate(mask, np.ones((3, 3))) for mask in union]) == 0  # soft edges are half subject
    outside[:, SIZE[1] // 2 :] = False  # shadows differ on the ground
    np.testing.assert_array_equal(truth.clip.frames[outside], own.clip.frames[outside])


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_motion_shows_a_subject_of_plausible_area_that_moves(subject: str, framing: str) -> None:
    low, high = {"full": (0.06, 0.55), "half": (0.12, 0.9), "face": (0.1, 0.98)}[framing]
    for seed, motion in enumerate(TRAIN_MOTIONS + NOVEL_MOTIONS):
        made = render(shot_of(subject, seed, motion=motion, framing=framing), SIZE, 4, 8)
        area = made.subject.mean((1, 2))
        assert low < area.min() and area.max() < high, (motion, area)
        assert np.abs(np.diff(made.clip.frames.astype(int), axis=0))[made.subject[:-1]].mean() > 1.0, motion


@pytest.mark.parametrize("subject", SUBJECTS)
def test_full_subjects_are_large_and_stand_out(subject: str) -> None:
    tall, apart = [], []
    for seed in range(12):
        made = render(shot_of(subject, seed, motion="nod"), (48, 48), 1, 8)
        rows = np.flatnonzero(made.subject[0].any(1))
        tall.append((rows[-1] - rows[0] + 1) / 48)
        frame, mask = made.clip.frames[0].astype(float), made.subject[0]
        apart.append(np.linalg.norm(frame[mask].mean(0) - frame[~mask].mean(0)))
    assert 0.5 < np.mean(tall) < 0.85 and np.mean(apart) > 50


def test_identities_differ() -> None:
    shots = [shot_of("cartoon", 5), replace(shot_of("cartoon", 5), identities=(11,))]
    one, two = (render(shot, SIZE, 1, 8) for shot in shots)
    both = one.subject[0] & two.subject[0]
    assert np.abs(one.clip.frames[0].astype(int) - two.clip.frames[0])[both].mean() > 10


def test_characters_cross_in_front_of_each_other() -> None:
    shots = [shot_of("human", seed, count=2, motion="walk") for seed in range(8)]
    areas = np.stack([render(shot, SIZE, 24, 4).subject.mean((1, 2)) for shot in shots])
    assert (areas.min(1) < 0.75 * areas.max(1)).any()


@pytest.mark.parametrize("size", [(64, 36), (36, 64)])
def test_sizes_need_not_be_square(size: tuple[int, int]) -> None:
    made = render(shot_of("bird", camera="moving"), size, 2, 8)
    assert made.clip.size == size and made.subject.shape == (2, size[1], size[0]) and 0.03 < made.subject.mean() < 0.6


@pytest.mark.parametrize(
    ("size", "frames", "fps", "field"),
    [((4, 40), 1, 8, "size"), ((40.0, 40), 1, 8, "size"), (SIZE, 0, 8, "num_frames"), (SIZE, 1, 0, "fps"), (SIZE, 1, float("inf"), "fps")],
)
def test_bad_rasters_are_refused(size: tuple, frames: int, fps: float, field: str) -> None:
    with pytest.raises(ValueError, match=f"render: {field}: got .* expected "):
        render(shot_of("blob"), size, frames, fps)


def test_looks_are_frozen() -> None:
    """Suites cache renderings by recipe: a changed look must be a decision. Tolerant, as resampling differs a little by platform."""
    shots = [shot_of(subject, 21) for subject in SUBJECTS]
    means = np.stack([render(shot, (48, 48), 2, 4).clip.frames[1].reshape(-1, 3).mean(0) for shot in shots])
    np.testing.assert_allclose(means, LOOKS, atol=0.8)


def test_everything_is_seen_by_a_camera_at_rest() -> None:
    shot = shot_of("blob")
    assert in_view_of(shot, shot, SIZE, 3, 8).all()


def test_a_moving_camera_uncovers_what_the_reference_does_not_show() -> None:
    reference = shot_of("bird", 7, motion="nod")
    hidden = []
    for camera_seed in range(1, 40, 2):
        truth = replace(reference, camera="moving", camera_seed=camera_seed)
        seen = in_view_of(truth, reference, SIZE, 8, 8) | render(truth, SIZE, 8, 8).subject
        assert seen[0].all() and seen[:, 18:22, 18:22].all()
        hidden.append(1 - seen.mean())
    assert max(hidden) > 0.05 and min(hidden) == 0  # pans uncover, zooms do not
