"""The layout of the canvas, cell by cell, against a plain loop."""

import pytest
import torch

from models.canvas import compose, given_places, model_input, output_region

B, C, T, H, W = 2, 3, 4, 2, 5


def parts():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(B, C, H, W, generator=generator), torch.randn(B, C, T, H, W, generator=generator)


def test_slot_zero_holds_the_reference_beside_a_blank():
    reference, motion = parts()
    canvas = compose(reference, motion, T)
    assert torch.equal(canvas.latents_BCShW[:, :, 0, :, :W], reference)
    assert not canvas.latents_BCShW[:, :, 0, :, W:].any()
    assert canvas.mask_B1ShW[:, 0, 0].mean() == 0.5


def test_later_slots_hold_the_driver_one_slot_late():
    reference, motion = parts()
    canvas = compose(reference, motion, T)
    for t in range(T):
        assert torch.equal(canvas.latents_BCShW[:, :, t + 1, :, W:], motion[:, :, t])
        assert not canvas.latents_BCShW[:, :, t + 1, :, :W].any()
        assert torch.equal(canvas.mask_B1ShW[0, 0, t + 1, 0], torch.tensor([0.0] * W + [1.0] * W))


def test_no_motion_leaves_the_driver_half_blank_with_mask_zero():
    reference, _ = parts()
    canvas = compose(reference, None, T)
    assert not canvas.latents_BCShW[..., W:].any() and not canvas.mask_B1ShW[..., W:].any()


def test_given_places_are_reference_and_driver_and_never_a_blank():
    reference, motion = parts()
    flat = compose(reference, motion, T).mask_B1ShW[0, 0].flatten()
    places = given_places(compose(reference, motion, T))
    assert places.shape == (T + 1, H * W) and places.flatten().sort().values.tolist() == flat.nonzero()[:, 0].tolist()
    assert torch.equal(given_places(compose(reference, None, T)), places[:1])


def test_model_input_puts_noise_only_where_the_clip_is_painted():
    reference, motion = parts()
    noisy = torch.ones(B, C, T, H, W)
    stacked = model_input(noisy, compose(reference, motion, T))
    assert stacked.shape == (B, 2 * C + 1, T + 1, H, 2 * W)
    assert stacked[:, :C].sum() == noisy.sum()
    assert torch.equal(output_region(stacked[:, :C]), noisy)


def test_a_driver_of_another_length_is_refused_with_both_shapes():
    reference, motion = parts()
    with pytest.raises(ValueError, match=r"\(2, 3, 3, 2, 5\).*\(2, 3, 4, 2, 5\)"):
        compose(reference, motion[:, :, :3], T)


def test_slots_name_where_each_picture_stands():
    reference, motion = parts()
    assert compose(reference, motion, T).slots_S.tolist() == [0, 1, 2, 3, 4]
    assert compose(reference, motion[:, :, :2], 2, (2, 4)).slots_S.tolist() == [0, 2, 4]
