"""Figure and ground of the warps: how displacements are carried on."""

import pytest
import torch

from models.backbones.warp.layers import ground_of, layers_of, shown, shrunk, sideways


def test_the_figures_displacement_goes_on_beyond_its_outline_and_the_ground_beneath_it():
    figure = torch.zeros(1, 1, 1, 48, 48)
    figure[..., 16:32, 20:28] = 1
    moves = torch.zeros(1, 1, 2, 12, 12)
    moves[:, :, 0], moves[:, :, 1] = 1.0, 0.0  # the camera moves, the figure moves otherwise
    moves[:, :, :, 4:8, 5:7] = torch.tensor([-3.0, 2.0]).view(2, 1, 1)
    layers = layers_of(moves, figure, torch.ones(1, 1, 1, 12, 12))
    for y, x in ((5, 5), (5, 4), (5, 7), (3, 5)):  # on it and beside it
        assert torch.allclose(layers.figure[0, 0, :, y, x], torch.tensor([-3.0, 2.0]), atol=0.3)
    assert torch.allclose(layers.ground[0, 0], torch.tensor([1.0, 0.0]).view(2, 1, 1).expand(2, 12, 12), atol=0.05)


def test_a_zoom_of_the_ground_is_carried_on_beneath_the_figure_and_what_bleeds_about_it_is_not():
    across = torch.linspace(-1, 1, 12)
    zoom = torch.stack([across.expand(12, 12), across[:, None].expand(12, 12)])[None, None]
    figure = torch.zeros(1, 1, 1, 48, 48)
    figure[..., 16:32, 16:32] = 1
    moves = zoom.clone()
    moves[..., 3:9, 3:9] = 4.0  # the figure, and a cell about it that its flow drags along
    assert (layers_of(moves, figure, torch.ones(1, 1, 1, 12, 12)).ground - zoom).abs().max() < 0.1


def test_what_is_all_ground_moves_as_it_does_and_where_no_ground_is_seen_it_stands_still():
    moves, telling = torch.full((1, 2, 2, 6, 6), 2.5), torch.ones(1, 2, 1, 6, 6)
    ground = layers_of(moves, torch.zeros(1, 2, 1, 24, 24), telling)
    assert torch.allclose(ground.ground, moves, atol=0.2) and torch.allclose(ground.figure, moves, atol=1e-3)
    figure = layers_of(moves, torch.ones(1, 2, 1, 24, 24), telling)
    assert figure.ground.abs().max() < 1e-6 and torch.allclose(figure.figure, moves, atol=1e-3)
    still = layers_of(0 * moves, torch.full((1, 2, 1, 24, 24), 0.5), telling)
    assert still.figure.eq(0).all() and still.ground.eq(0).all()


def test_before_a_skeleton_no_camera_moves():
    figure = torch.zeros(1, 1, 1, 48, 48)
    figure[..., 12:36, 20:28] = 1
    skeleton = torch.full((1, 1, 3, 48, 48), -1.0)
    skeleton[..., 1, 14:34, 23:25] = 1.0
    telling = shown(skeleton, (12, 12))
    assert (
        telling.shape == (1, 1, 1, 12, 12) and telling[..., 4:8, 5:7].all() and telling.sum() == 12
    )  # the cells of the bone, and no other
    moves = torch.full((1, 1, 2, 12, 12), 3.0)
    layers = layers_of(moves, figure, telling)
    assert layers.ground.abs().max() < 1e-4 and torch.allclose(layers.figure, moves, atol=1e-3)
    noise = torch.rand(1, 1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    assert shown(noise, (12, 12)).all() and not shown(skeleton[..., :8], (12, 2)).any()


def test_how_far_two_figures_stand_apart_is_shrunk_where_it_is_little_and_zero_without_a_figure():
    def box(left):
        figure = torch.zeros(1, 1, 24, 48)
        figure[..., 6:18, left : left + 8] = 1
        return figure

    assert sideways(box(10), box(20)).item() == pytest.approx(10 * (1 - 0.3**2), rel=1e-3)
    assert sideways(box(20), box(10)).item() == pytest.approx(-10 * (1 - 0.3**2), rel=1e-3)
    assert sideways(box(20), box(21)) == 0 and sideways(box(20), 0 * box(0)) == 0 and sideways(0 * box(0), box(20)) == 0


def test_what_is_shorter_than_doubt_shrinks_to_nothing_and_keeps_its_direction():
    vectors = torch.tensor([[0.0, 0.0], [1.2, 1.6], [3.0, -4.0], [-30.0, 40.0]])
    kept = shrunk(vectors, 2.0)
    assert kept[:2].eq(0).all() and torch.equal(shrunk(vectors, 0.0), vectors)
    assert torch.allclose(kept[2:], vectors[2:] * torch.tensor([[1 - 0.16], [1 - 0.0016]]))


@pytest.mark.parametrize("size", [(24, 48), (23, 37)])
def test_the_ground_beneath_a_figure_is_what_lies_around_it(size):
    slope = torch.linspace(-1, 1, size[1]).expand(1, 3, *size)
    figure = torch.zeros(1, 1, *size)
    figure[..., 6:18, 14:24] = 1
    shown = torch.where(figure > 0, torch.full_like(slope, 5.0), slope)
    ground = ground_of(shown, figure)
    assert torch.equal(ground[..., :14], slope[..., :14]) and (ground - slope).abs().max() < 0.35
    assert torch.isfinite(ground_of(shown, torch.ones_like(figure))).all()
