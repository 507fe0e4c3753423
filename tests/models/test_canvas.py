"""The layout of the canvas, frame by frame and half by half, and its masks against what diffusers' stock pipeline makes."""

import pytest
import torch

from models.canvas import LEFT, RIGHT, beside, compose, given_mask, known_mask, left_half, right_half

B, T, H, W = 2, 9, 8, 16


def parts(frames=T):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(B, 3, H, W, generator=generator) + 0.1, torch.rand(B, 3, frames, H, W, generator=generator) + 0.1


@pytest.mark.parametrize("gap", [1, 4, 8])
def test_every_place_holds_what_the_paper_puts_there(gap):
    reference, driver = parts()
    canvas = compose(reference, driver, T, gap_frames=gap)
    for t in range(T):
        left, right = canvas.pixels_B3THW2[:, :, t, :, :W], canvas.pixels_B3THW2[:, :, t, :, W:]
        assert torch.equal(left, reference) if t == 0 else not left.any()
        assert torch.equal(right, driver[:, :, t]) if t >= gap else not right.any()
        assert canvas.given_2T[LEFT, t] == (t == 0) and canvas.given_2T[RIGHT, t] == (t >= gap)
    assert torch.equal(canvas.reference_B3HW, reference)


def test_no_driver_leaves_its_half_blank_and_not_given():
    canvas = compose(parts()[0], None, T, gap_frames=1)
    assert not right_half(canvas.pixels_B3THW2).any() and not canvas.given_2T[RIGHT].any() and canvas.given_2T[LEFT].sum() == 1


def test_a_tail_stands_after_the_reference_and_is_given():
    reference, driver = parts()
    canvas = compose(reference, driver, T, gap_frames=1, tail_B3nHW=driver[:, :, :4] - 1)
    assert torch.equal(left_half(canvas.pixels_B3THW2)[:, :, 1:5], driver[:, :, :4] - 1)
    assert canvas.given_2T[LEFT].tolist() == [True] * 5 + [False] * 4


def test_the_target_is_encoded_beside_the_canvas_own_driver():
    reference, driver = parts()
    canvas = compose(reference, driver, T, gap_frames=4)
    both = beside(driver, canvas)
    assert torch.equal(left_half(both), driver) and torch.equal(right_half(both), right_half(canvas.pixels_B3THW2))


@pytest.mark.parametrize("stride", [1, 4])
def test_masks_fold_frames_as_the_stock_pipeline_does(stride):
    reference, driver = parts()
    canvas = compose(reference, driver, T, gap_frames=4)
    mask = given_mask(canvas, 2, 3, time_stride=stride)
    latent_frames = (T - 1) // stride + 1
    assert mask.shape == (1, stride, latent_frames, 2, 6)
    assert left_half(mask)[:, :, 0].all() and not left_half(mask)[:, :, 1:].any()
    frames = torch.cat([canvas.given_2T[RIGHT, :1].expand(stride), canvas.given_2T[RIGHT, 1:]]).float()
    for latent in range(latent_frames):
        for channel in range(stride):
            assert (right_half(mask)[0, channel, latent] == frames[latent * stride + channel]).all()
    known = known_mask(canvas, 2, 3, time_stride=stride)
    assert torch.equal(known[0, 0, :, 0, 5], torch.tensor([frames[k * stride : (k + 1) * stride].min() for k in range(latent_frames)]))


def test_what_does_not_fit_is_refused_with_both_sizes():
    reference, driver = parts()
    with pytest.raises(ValueError, match=r"driver: got \(2, 3, 9, 8, 16\), expected \(2, 3, 7, 8, 16\)"):
        compose(reference, driver, 7, gap_frames=1)
    with pytest.raises(ValueError, match="frames: got 9, expected more than the start gap of 9; use a longer driver"):
        compose(reference, driver, T, gap_frames=9)
    with pytest.raises(ValueError, match="tail frames: got 8, expected 1 to 7"):
        compose(reference, driver, T, gap_frames=1, tail_B3nHW=driver[:, :, :8])
