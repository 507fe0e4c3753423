"""The orthonormal patch transform and the real Wan class at a tiny size."""

import pytest
import torch

from models.backbones.tiny import TinyBackbone, TinyConfig, frames_to_latents, latents_to_frames
from models.canvas import compose

SMALL = TinyConfig(width=32, layers=1, heads=2)


def test_patch_transform_keeps_energy_and_inverts():
    frames = torch.rand(2, 3, 3, 16, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    latents = frames_to_latents(frames, 8)
    assert latents.shape == (2, 192, 3, 2, 3)
    assert torch.allclose((latents**2).sum(), (frames**2).sum(), rtol=1e-5)
    assert torch.allclose(latents_to_frames(latents, 8), frames, atol=1e-5)


def test_a_patch_becomes_the_channels_of_its_token():
    frames = torch.arange(2 * 3 * 8 * 16, dtype=torch.float32).reshape(1, 2, 3, 8, 16)
    latents = frames_to_latents(frames, 8)
    assert torch.equal(latents[0, :, 1, 0, 1].reshape(3, 8, 8), frames[0, 1, :, :, 8:])


def test_sizes_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="20x16 px, expected multiples of 8"):
        frames_to_latents(torch.zeros(1, 1, 3, 16, 20), 8)


def test_forward_paints_the_output_region_and_heeds_reference_driver_and_time():
    torch.manual_seed(0)
    backbone = TinyBackbone(SMALL).eval()
    generator = torch.Generator().manual_seed(1)
    reference, driver = torch.randn(1, 192, 2, 2, generator=generator), torch.randn(1, 192, 3, 2, 2, generator=generator)
    noisy = torch.randn(1, 192, 3, 2, 2, generator=generator)
    with torch.no_grad():
        base = backbone(noisy, torch.tensor([0.5]), compose(reference, driver, 3))
        others = [
            backbone(noisy, torch.tensor([0.5]), compose(-reference, driver, 3)),
            backbone(noisy, torch.tensor([0.5]), compose(reference, -driver, 3)),
            backbone(noisy, torch.tensor([0.9]), compose(reference, driver, 3)),
        ]
    assert base.shape == noisy.shape
    assert all(not torch.allclose(base, other) for other in others)


def test_shipped_size_stays_below_six_million_parameters():
    assert sum(p.numel() for p in TinyBackbone(TinyConfig()).parameters()) < 6e6


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="width: got 100, expected a multiple of heads = 3"):
        TinyConfig(width=100, heads=3)


def test_rotary_base_and_gain_reach_the_network():
    plain, tuned = TinyBackbone(SMALL), TinyBackbone(TinyConfig(width=32, layers=1, heads=2, rope_theta=50.0, qk_gain=1.5))
    assert tuned.transformer.blocks[0].attn1.norm_q.weight.unique().tolist() == [1.5]
    assert torch.equal(plain.transformer.rope.freqs_cos[:, 0], tuned.transformer.rope.freqs_cos[:, 0])  # the fastest pair turns once a step
    slowest = plain.transformer.rope.t_dim - 1
    assert tuned.transformer.rope.freqs_cos[63, slowest] < plain.transformer.rope.freqs_cos[63, slowest]
    with pytest.raises(ValueError, match="rope_theta"):
        TinyConfig(rope_theta=0.5)


def test_short_attention_is_the_attention_of_diffusers():
    from diffusers.models.transformers.transformer_wan import WanAttnProcessor

    torch.manual_seed(0)
    backbone = TinyBackbone(SMALL).eval()
    canvas, noisy = compose(torch.randn(2, 192, 2, 2), torch.randn(2, 192, 3, 2, 2), 3), torch.randn(2, 192, 3, 2, 2)
    with torch.no_grad():
        ours = backbone(noisy, torch.tensor([0.5, 0.9]), canvas)
        backbone.transformer.set_attn_processor(WanAttnProcessor())
        theirs = backbone(noisy, torch.tensor([0.5, 0.9]), canvas)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_frames_left_out_keep_the_others_at_their_slots():
    torch.manual_seed(0)
    backbone = TinyBackbone(SMALL).eval()
    reference, driver, noisy = torch.randn(1, 192, 2, 2), torch.randn(1, 192, 1, 2, 2), torch.randn(1, 192, 1, 2, 2)
    t = torch.tensor([0.5])
    with torch.no_grad():
        first, same, third = (backbone(noisy, t, compose(reference, driver, 1, slots)) for slots in (None, (1,), (3,)))
    assert torch.equal(first, same) and not torch.allclose(first, third)
