"""Stretches move pictures, points and origins alike; colours are one map for a whole picture."""

import numpy as np
import pytest

from models.training.augment import (
    SampleChange,
    random_colours,
    random_stretch,
    recolour,
    stretch_fields,
    stretch_origins,
    stretch_pictures,
    stretch_points,
    with_own_proportions,
)

SIZE = (48, 40)


def test_no_stretch_changes_nothing():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 40, 48, 3), dtype=np.uint8)
    same = np.array([[1.0, 0, 0], [0, 1, 0]])
    assert np.array_equal(stretch_pictures(pictures, same), pictures)
    assert np.array_equal(stretch_points(np.ones((3, 2)), same), np.ones((3, 2)))


def test_points_land_where_the_picture_shows_them():
    for seed in range(20):
        stretch = random_stretch(np.random.default_rng(seed), SIZE)
        y, x = np.mgrid[:40, :48]
        dot = np.exp(-((x - 26) ** 2 + (y - 18) ** 2) / 18)[..., None]
        moved = stretch_fields(dot, stretch)[..., 0]
        centre = np.array([(moved * x).sum(), (moved * y).sum()]) / moved.sum()
        assert np.abs(centre - stretch_points(np.array([26.0, 18.0]), stretch)).max() < 0.5


@pytest.mark.parametrize("cell", [1, 4])
def test_stretched_origins_join_the_same_two_points(cell):
    stretch = random_stretch(np.random.default_rng(3), SIZE)
    origins = np.zeros((40 // cell, 48 // cell, 2), np.float32) + np.float32([5, -2])
    moved = stretch_origins(origins, stretch, cell)
    here, there = np.array([22.0, 20.0]), np.array([27.0, 18.0])
    assert np.allclose(moved, stretch_points(there, stretch) - stretch_points(here, stretch), atol=1e-4)


def test_a_driver_of_its_own_proportions_keeps_the_middle_and_little_else():
    rng = np.random.default_rng(0)
    stretch = random_stretch(rng, SIZE)
    own = with_own_proportions(stretch, rng, SIZE)
    scale = own[:, :2] @ np.linalg.inv(stretch[:, :2])
    assert (
        np.allclose(scale, np.diag(np.diag(scale))) and np.abs(np.log(np.diag(scale))).max() <= 0.15 and not np.allclose(scale, np.eye(2))
    )
    old_middle = np.append((np.array(SIZE) - 1) / 2, 1)
    new = stretch_points(old_middle[:2], stretch)  # shown in the middle before the own proportions
    assert np.allclose(own @ np.append(new, 1), old_middle[:2], atol=1e-3)


def test_colours_are_one_map_and_stay_in_range():
    rng = np.random.default_rng(1)
    for _ in range(10):
        colours = random_colours(rng)
        picture = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        once, twice = recolour(picture, colours), recolour(np.stack([picture, picture]), colours)
        assert once.dtype == np.uint8 and np.array_equal(twice[0], once) and np.array_equal(twice[1], once)
        assert np.ptp(recolour(np.full((2, 2, 3), 90, np.uint8), colours), axis=(0, 1)).max() == 0


@pytest.mark.parametrize("flip,stretch", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_labels_go_where_their_pixels_go_and_know_no_colours(flip, stretch):
    labels = np.zeros((3, 40, 48), np.uint8)
    labels[:, 10:25, 8:20] = 255
    for seed in range(5):
        change = SampleChange.draw(np.random.default_rng(seed), SIZE, flip=flip, stretch=stretch, colour=0.0)
        assert np.array_equal(change.labels(labels), change.pictures(labels[..., None].repeat(3, -1))[..., 0])
        coloured = SampleChange.draw(np.random.default_rng(seed), SIZE, flip=flip, stretch=stretch, colour=1.0)
        assert np.array_equal(coloured.labels(labels), change.labels(labels)) and coloured.colours is not None
