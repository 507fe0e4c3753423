"""What a sample goes through: pictures, points and skeletons move alike, and switches switch."""

import numpy as np
import pytest

from models.pose.draw import draw_poses
from models.training.augment import Augmentation, joined, random_colours, random_stretch, recolour, stretch_pictures, stretch_points
from models.types import PoseTrack

SIZE = (48, 40)
OFF = {name: 0.0 for name in Augmentation.__slots__}


def pose(points):
    return PoseTrack(points=points[None, None].astype(np.float32), confidence=np.ones((1, 1, 17)), skeleton="coco17", fps=8.0)


def test_no_stretch_changes_nothing():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 40, 48, 3), dtype=np.uint8)
    same = np.array([[1.0, 0, 0], [0, 1, 0]])
    assert np.array_equal(stretch_pictures(pictures, same), pictures)
    assert np.array_equal(stretch_points(np.ones((3, 2)), same), np.ones((3, 2)))


def dot(at):
    y, x = np.mgrid[:40, :48]
    return (255 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 18)).astype(np.uint8)[..., None].repeat(3, -1)


def middle(picture):
    y, x = np.mgrid[:40, :48]
    weight = picture[..., 0].astype(float)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def test_points_land_where_the_picture_shows_them():
    for seed in range(20):
        stretch = random_stretch(np.random.default_rng(seed), SIZE)
        assert np.abs(middle(stretch_pictures(dot((26, 18)), stretch)) - stretch_points(np.array([26.0, 18.0]), stretch)).max() < 0.5


def test_joined_stretches_are_one_after_the_other():
    one, two = (random_stretch(np.random.default_rng(seed), SIZE) for seed in (1, 2))
    point = np.array([20.0, 17.0])
    assert np.allclose(stretch_points(point, joined([one, two])), stretch_points(stretch_points(point, one), two), atol=1e-4)
    assert joined([]) is None and np.array_equal(joined([one]), one)


def test_colours_are_one_map_and_stay_in_range():
    rng = np.random.default_rng(1)
    for _ in range(10):
        colours = random_colours(rng)
        picture = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        once, twice = recolour(picture, colours), recolour(np.stack([picture, picture]), colours)
        assert once.dtype == np.uint8 and np.array_equal(twice[0], once) and np.array_equal(twice[1], once)
        wanted = (picture - 127.5) @ colours[:, :3].T + colours[:, 3] + 127.5
        assert np.abs(np.clip(wanted, 0, 255) - once).max() <= 1.01  # fixed-point arithmetic


@pytest.mark.parametrize("name", Augmentation.__slots__)
def test_each_switch_changes_what_it_says_and_nothing_else(name):
    change = Augmentation(**{**OFF, name: 1.0}).draw(np.random.default_rng(0), SIZE)
    pictures = np.random.default_rng(1).integers(0, 256, (2, 40, 48, 3), dtype=np.uint8)
    joints = pose(np.random.default_rng(2).uniform(10, 30, (17, 2)))
    said = {
        "target": not np.array_equal(change.of_pictures(pictures), pictures),
        "driver": not np.array_equal(change.of_driver(pictures), pictures),
        "pose": not np.allclose(change.of_pose(joints, SIZE).points, joints.points),
    }
    both, own, skeleton = {"target", "driver", "pose"}, {"driver"}, {"pose"}
    expected = {"mirror": both, "sample_stretch": both, "sample_colour": {"target", "driver"}, "bones": skeleton}
    assert {key for key, changed in said.items() if changed} == expected.get(name, own)


def test_all_switches_off_change_nothing():
    change = Augmentation(**OFF).draw(np.random.default_rng(0), SIZE)
    picture = np.random.default_rng(1).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    assert np.array_equal(change.of_pictures(picture), picture) and np.array_equal(change.of_driver(picture), picture)


def test_a_mirrored_skeleton_lies_over_the_mirrored_picture():
    change = Augmentation(**{**OFF, "mirror": 1.0}).draw(np.random.default_rng(0), SIZE)
    joints = pose(np.random.default_rng(2).uniform(8, 36, (17, 2)))
    mirrored = change.of_pose(joints, SIZE)
    assert np.allclose(mirrored.points[0, 0, 5], (SIZE[0] - 1, 0) + joints.points[0, 0, 6] * (-1, 1))
    here, there = draw_poses(joints, SIZE), draw_poses(mirrored, SIZE)
    covered = (here[:, :, ::-1].max(-1) > 128), (there.max(-1) > 128)
    assert (covered[0] & covered[1]).sum() > 0.9 * covered[0].sum()


def test_shares_outside_of_zero_and_one_are_refused():
    with pytest.raises(ValueError, match="mirror: got 1.5, expected 0 to 1"):
        Augmentation(mirror=1.5)
