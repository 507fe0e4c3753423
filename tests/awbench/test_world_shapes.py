"""Polygons and affines: closed forms."""

import numpy as np
import pytest

from awbench.world import affine, shapes


def area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))) / 2


SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])


def test_cut_keeps_the_side_below_the_line() -> None:
    left = shapes.cut(SQUARE, 0.0, 0.5)
    assert area(left) == pytest.approx(1.0)
    assert left[:, 0].max() == pytest.approx(0.5)


def test_cut_off_everything_is_empty() -> None:
    assert len(shapes.cut(SQUARE, 0.0, -1.0)) == 0


def test_stripes_fill_their_share() -> None:
    bands = shapes.stripes(SQUARE, 0.0, pitch=0.5, share=0.4)
    assert sum(map(area, bands)) == pytest.approx(0.4 * 4.0)


@pytest.mark.parametrize("direction", [1, -1])
def test_outset_grows_a_circle_by_the_distance_whatever_its_orientation(direction: int) -> None:
    circle = shapes.ellipse(1.0, -2.0, 3.0, 3.0, 64)[::direction]
    radius = np.linalg.norm(shapes.outset(circle, 0.25) - [1.0, -2.0], axis=1)
    np.testing.assert_allclose(radius, 3.25, atol=1e-3)


def test_spots_lie_inside_and_apart() -> None:
    circle = shapes.ellipse(0, 0, 1, 1, 48)
    found = shapes.spots(circle, np.random.default_rng(3), 6, 0.15)
    assert 3 <= len(found) <= 6
    assert all(np.linalg.norm(spot, axis=1).max() < 1.1 for spot in found)


def test_capsule_reaches_both_ends() -> None:
    limb = shapes.capsule(2.0, 0.5, 0.25)
    np.testing.assert_allclose([limb[:, 1].min(), limb[:, 1].max()], [-0.5, 2.25], atol=0.02)


def test_compose_with_inverse_is_identity() -> None:
    move = affine.place(np.array([1.0, -2.0]), np.array([0.5, 3.0]), 0.7, 2.0, 0.5, 0.3)
    expected = np.broadcast_to([[1.0, 0, 0], [0, 1.0, 0]], (2, 2, 3))
    np.testing.assert_allclose(affine.compose(move, affine.invert(move)), expected, atol=1e-12)


def test_place_rotates_clockwise_on_a_picture() -> None:
    quarter = affine.place(np.float64(0), np.float64(0), np.pi / 2)
    np.testing.assert_allclose(affine.apply(quarter, np.array([[1.0, 0.0]])), [[0.0, 1.0]], atol=1e-12)


def test_along_maps_the_axis_onto_the_joints() -> None:
    p, q = np.array([[1.0, 1.0]]), np.array([[4.0, 5.0]])
    frame = affine.along(p, q, length=2.0)
    np.testing.assert_allclose(affine.apply(frame, np.array([[0.0, 0.0], [0.0, 2.0]]))[0], [p[0], q[0]], atol=1e-12)


def test_along_stays_invertible_when_foreshortened_to_a_point() -> None:
    point = np.array([[1.0, 1.0]])
    assert abs(np.linalg.det(affine.along(point, point, length=2.0)[0, :, :2])) > 0.1
