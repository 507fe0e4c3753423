"""The matcher: what it says of a still clip, and that it can learn to follow what moves."""

import pytest
import torch

from models.backbones.warp.matching import Matcher, cell_moves, coarse_moves, sample_at


def moved(generator, batch=8):
    """Two frames of coarse noise `[B,2,3,24,24]`, the second moved by up to 4 px, and where its cells come from."""
    coarse = torch.nn.functional.interpolate(torch.randn(batch, 3, 12, 12, generator=generator), size=(36, 36), mode="bilinear")
    shifts = torch.randint(-4, 5, (batch, 2), generator=generator)
    second = torch.stack([c[:, 6 + y : 30 + y, 6 + x : 30 + x] for c, (x, y) in zip(coarse, shifts.tolist())])
    origins = torch.zeros(batch, 2, 2, 6, 6)
    origins[:, 1] = shifts[:, :, None, None]
    return torch.stack([coarse[:, :, 6:30, 6:30], second], 1), origins


def test_what_does_not_move_hardly_seems_to_and_the_first_frame_never_does():
    torch.manual_seed(0)
    matcher = Matcher()
    frames, _ = moved(torch.Generator().manual_seed(1))
    still, said = matcher(frames[:, :1].expand(-1, 3, -1, -1, -1)), matcher(frames)
    assert said.shape == (8, 2, 5, 6, 6) and said[:, 0].eq(0).all()
    assert cell_moves(still)[..., 1:-1, 1:-1].abs().mean() < 1.0
    assert said[:, 1, 4].min() > 0 and said[:, 1, 4].max() <= 1
    assert torch.equal(cell_moves(said), coarse_moves(said))  # a new one refines nothing yet


def test_cells_that_are_no_even_multiple_of_its_raster_are_refused():
    for cell_px in (4, 8, 12):
        assert Matcher(cell_px)(torch.zeros(1, 2, 3, 24, 48)).shape == (1, 2, 5, 24 // cell_px, 48 // cell_px)
    for cell_px in (2, 3, 6):
        with pytest.raises(ValueError, match=f"cell_px: got {cell_px}, expected a multiple of 4"):
            Matcher(cell_px)


def test_neighbours_are_chained_from_the_first_frame_on_and_their_mean_with_it_is_taken(monkeypatch):
    def says(matcher, before, unit, seen):
        b, t = unit.shape[:2]
        told = torch.zeros(b, t, 5, 6, 6)
        told[:, :, 0] = torch.arange(1, t + 1).view(1, t, 1, 1) if before[:, 0].equal(before[:, 1]) else 0.5
        return told

    monkeypatch.setattr(Matcher, "_compare", says)
    frames = torch.rand(1, 4, 3, 24, 24, generator=torch.Generator().manual_seed(4))
    alone, chained = Matcher()(frames)[0, :, 0, 0, 0], Matcher()(frames, neighbours=True)[0, :, 0, 0, 0]
    assert alone.tolist() == [0, 1, 2, 3]
    assert torch.allclose(chained, torch.tensor([0, 0.75, 1.5, 2.25]))  # half way to 0.5, 1, 1.5; even already


def test_displacements_are_evened_out_over_time_and_the_last_one_stays(monkeypatch):
    leap = torch.tensor([0.0, 0.0, 2.0, 0.0])

    def says(matcher, before, unit, seen):
        told = torch.zeros(1, 4, 5, 6, 6)
        if before[:, 0].equal(before[:, 1]):
            told[:, :, 0] = 2 * leap.view(1, 4, 1, 1)
        return told

    monkeypatch.setattr(Matcher, "_compare", says)
    frames = torch.rand(1, 5, 3, 24, 24, generator=torch.Generator().manual_seed(4))
    assert torch.allclose(Matcher()(frames, neighbours=True)[0, :, 0, 0, 0], torch.tensor([0, 0, 0.2, 1.6, 0]))


def test_crisp_sampling_keeps_more_of_a_fine_pattern_and_moves_whole_pixels_alike():
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(5))
    half, whole = torch.full((1, 1, 2, 4, 4), 0.5), torch.full((1, 1, 2, 4, 4), 2.0)
    assert sample_at(picture, half, 0.5).var() > 1.1 * sample_at(picture, half).var()
    assert torch.allclose(sample_at(picture, whole, 0.5), sample_at(picture, whole), atol=1e-5)
