"""The orthonormal patch transform and the real Wan class at a tiny size."""

from dataclasses import replace

import pytest
import torch

from models.animators.load import SHIPPED, load_animator
from models.backbones.warp import attention
from models.backbones.warp.canvas import compose, given_places, model_input, output_region
from models.backbones.warp.layers import Layers, layers_of
from models.backbones.warp.matching import cell_moves, sample_at
from models.backbones.warp.network import Seen, TinyConfig, WarpNetwork, frames_to_latents, latents_to_frames

WEIGHTS = SHIPPED
SMALL = TinyConfig(width=32, layers=1, heads=2)
DEEP = TinyConfig(width=32, layers=2, heads=2)


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
    backbone = WarpNetwork(SMALL).eval()
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


def given(noisy_T, driven=True):
    """A backbone, noise, times and a canvas of two samples, T frames of 2x3 places."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    reference, driver = torch.randn(2, 192, 2, 3, generator=generator), torch.randn(2, 192, noisy_T, 2, 3, generator=generator)
    noisy = torch.randn(2, 192, noisy_T, 2, 3, generator=generator)
    return WarpNetwork(DEEP).eval(), noisy, torch.tensor([0.3, 0.9]), compose(reference, driver if driven else None, noisy_T)


class Dense:
    """Wan's own processor on the whole canvas, with the sight of every place spelled out as a mask."""

    def __init__(self, frames, half):
        self.mask = torch.zeros((frames + 1) * 2 * half * 2, (frames + 1) * 2 * half * 2, dtype=torch.bool)
        kind = [("blank" if x >= half and not s else "given" if x >= half or not s else "painted", s) for s, _, x in places(frames, half)]
        for a, (what, slot) in enumerate(kind):
            for b, (other, at) in enumerate(kind):
                seen = what == "painted" or (other == "given" and at in (0, slot))
                self.mask[a, b] = what == "blank" or (seen and other != "blank")

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, rotary_emb=None):
        from diffusers.models.transformers.transformer_wan import WanAttnProcessor

        mask = self.mask if encoder_hidden_states is None else None
        return WanAttnProcessor()(attn, hidden_states, encoder_hidden_states, mask, rotary_emb)


def places(frames, half):
    return [(s, y, x) for s in range(frames + 1) for y in range(2) for x in range(2 * half)]


@pytest.mark.parametrize("long", [1024, 4])
def test_the_forward_is_diffusers_own_with_the_sight_of_each_place_masked(long, monkeypatch):
    monkeypatch.setattr(attention, "_LONG", long)  # both kernels
    backbone, noisy, t, canvas = given(3)
    with torch.no_grad():
        ours, _ = backbone.heads(noisy, t, canvas)  # a new network's tokens hear nothing of its matches yet
        backbone.transformer.set_attn_processor(Dense(3, 3))
        text = torch.zeros(2, 1, backbone.transformer.config.text_dim)
        theirs = backbone.transformer(model_input(noisy, canvas), t * 1000, text, return_dict=False)[0]
    assert torch.allclose(ours, output_region(theirs), atol=1e-5)


def test_a_new_network_copies_the_reference_in_its_own_place_and_half_believes_it():
    backbone, noisy, t, canvas = given(3, driven=False)
    with torch.no_grad():
        parts = backbone.parts(*backbone.heads(noisy, t, canvas), canvas)
    reference = backbone.decode(canvas.latents_BCShW[:, :, :1, :, :3])
    assert torch.allclose(parts.copied, reference.expand_as(parts.copied), atol=1e-5)
    assert parts.origins.eq(0).all() and parts.origins.shape == (2, 3, 2, 4, 6) and parts.share.eq(0.5).all()
    assert torch.allclose(parts.clip, (parts.painted + parts.copied) / 2, atol=1e-5)


def test_a_new_network_moves_the_figure_and_the_ground_as_its_matches_say():
    backbone, noisy, t, canvas = given(3)
    with torch.no_grad():
        heads, seen = backbone.heads(noisy, t, canvas)
        parts = backbone.parts(heads, seen, canvas)
    assert seen.matches.shape == (2, 3, 5, 4, 6) and seen.matches[:, 0].eq(0).all() and parts.origins[:, 1:].abs().max() > 0.1
    assert seen.figure.shape == (2, 3, 1, 16, 24) and seen.reference_figure.shape == (2, 1, 16, 24)
    longer = layers_of(1.3 * cell_moves(seen.matches), seen.figure, torch.ones(2, 3, 1, 4, 6))  # all frames of a clip of three
    assert torch.allclose(parts.origins, longer.figure, atol=1e-5) and torch.allclose(parts.ground, longer.ground, atol=1e-5)


def test_estimated_flow_counts_as_much_as_the_matches():
    backbone, noisy, t, canvas = given(3)
    moves = torch.full((2, 3, 2, 4, 6), 5.0)
    with torch.no_grad():
        seen = backbone.heads(noisy, t, canvas, moves)[1]
    half = layers_of(1.3 * (cell_moves(seen.matches) + 5) / 2, seen.figure, torch.ones(2, 3, 1, 4, 6))
    assert torch.allclose(seen.layers.figure, half.figure, atol=1e-5)


def seen_of(figure, ground, apart=0.0):
    """What is seen of a driver whose figure and ground move so; half of the reference is its figure."""
    reference_figure = torch.zeros(2, 1, 16, 24)
    reference_figure[..., 12:] = 1
    return Seen(
        matches=torch.zeros(2, 3, 5, 4, 6),
        figure=torch.zeros(2, 3, 1, 16, 24),
        reference_figure=reference_figure,
        layers=Layers(figure=figure, ground=ground),
        apart=torch.full((2,), apart),
        doubt=torch.zeros(2),
    )


def test_the_way_to_the_reference_is_asked_for_once_and_carried_along_by_the_driver():
    backbone, _, _, canvas = given(3)
    words = torch.zeros(2, 3, 2, 4, 6)
    words[:, 0, 0, :, 3:] = 0.5  # in the first frame the right half comes from 2 px further right
    moves = torch.zeros(2, 3, 2, 4, 6)
    moves[:, 1:, 0] = 8.0  # later everything comes from 8 px, two cells, further right in the driver
    words[:, 1:] = 0.2  # what later frames say of it does not count
    heads = torch.cat([torch.zeros(2, 256, 3, 2, 3), frames_to_latents(words, 2)], 1)
    dx = backbone.parts(heads, seen_of(moves, 0 * moves, apart=3.0), canvas).origins[:, :, 0]
    assert torch.allclose(dx[:, 0], words[:, 0, 0] * 4 + 3)
    assert torch.allclose(dx[:, 1:, :, 0], torch.tensor(11.0)) and torch.allclose(dx[:, 1:, :, 1:], torch.tensor(13.0))


def test_a_way_to_the_reference_that_is_shorter_than_the_doubt_about_it_is_none():
    backbone, _, _, canvas = given(3)
    words = torch.zeros(2, 3, 2, 4, 6)
    words[:, 0, 0, :, 1], words[:, 0, 0, :, 4] = 0.45, 2.0  # 1.8 and 8 px
    heads = torch.cat([torch.zeros(2, 256, 3, 2, 3), frames_to_latents(words, 2)], 1)
    still = torch.zeros(2, 3, 2, 4, 6)
    seen = replace(seen_of(still, still), doubt=torch.tensor([0.0, 2.0]))
    sure, doubted = backbone.parts(heads, seen, canvas).origins[:, 0, 0]
    assert torch.allclose(sure, 4 * words[0, 0, 0])
    assert doubted[:, 1].eq(0).all() and torch.allclose(doubted[:, 4], torch.tensor(8 * (1 - (2 / 8) ** 2)))


@pytest.mark.parametrize(("kept", "doubt"), [(4, 0.0), (1, 1.5), (0, 2.0)])
def test_what_a_whole_clip_does_not_show_is_doubted_and_a_pair_of_frames_is_not(kept, doubt):
    backbone = given(3)[0]
    driver = torch.rand(2, 3, 3, 16, 24) * 2 - 1
    driver[..., 4 * kept :, :] = -1  # rows of cells
    with torch.no_grad():
        seen = [backbone.see(driver, driver[:, 0], neighbours=whole).doubt for whole in (True, False)]
    assert torch.allclose(seen[0], torch.full((2,), doubt)) and seen[1].eq(0).all()


def test_the_figure_moves_over_a_ground_that_stays():
    backbone, _, _, canvas = given(3)
    moves = torch.zeros(2, 3, 2, 4, 6)
    moves[:, 1:, 0] = 4.0  # the figure, the right half, has moved 4 px to the left
    parts = backbone.parts(torch.zeros(2, 264, 3, 2, 3), seen_of(moves, 0 * moves), canvas)
    reference = backbone.decode(canvas.latents_BCShW[:, :, :1, :, :3])[:, 0]
    assert torch.allclose(parts.copied[:, 1, ..., :7], reference[..., :7], atol=1e-4)
    assert torch.allclose(parts.copied[:, 1, ..., 9:19], reference[..., 13:23], atol=1e-4)


def test_copying_takes_pixels_from_their_origins():
    reference = torch.arange(16.0).expand(1, 3, 16, 16)  # the colour is the column
    origins = torch.zeros(1, 2, 2, 4, 4)
    origins[:, 1, 0], origins[:, 1, 1] = 3.0, -5.0
    copied = sample_at(reference, origins)
    assert torch.allclose(copied[0, 0], reference[0], atol=1e-4)
    assert torch.allclose(copied[0, 1], (reference[0] + 3).clamp(max=15), atol=1e-4)  # edges are replicated


def test_cells_that_do_not_divide_a_patch_are_refused():
    with pytest.raises(ValueError, match="cell_px: got 3, expected a divisor of patch_px = 8"):
        TinyConfig(cell_px=3)
    with pytest.raises(ValueError, match="cell_px.*all >= 1"):
        TinyConfig(cell_px=0)


def test_what_is_given_does_not_depend_on_the_noise_nor_one_driving_frame_on_a_later_one():
    backbone, noisy, t, canvas = given(3)
    kept = []
    backbone.transformer.blocks[-1].register_forward_hook(lambda block, inputs, output: kept.append(output))
    with torch.no_grad():
        backbone(noisy, t, canvas)
        backbone(-noisy, t, canvas)
        latents = canvas.latents_BCShW.clone()
        latents[:, :, 3, :, 3:] = 0  # the last driving frame
        backbone(noisy, t, replace(canvas, latents_BCShW=latents))
    first, other_noise, other_driver = kept
    assert torch.equal(first[:, :24], other_noise[:, :24]) and not torch.allclose(first[:, 24:], other_noise[:, 24:])
    assert torch.equal(first[:, :18], other_driver[:, :18]) and not torch.allclose(first[:, 18:24], other_driver[:, 18:24])


def test_a_blank_driver_half_has_no_tokens():
    backbone, noisy, t, canvas = given(3, driven=False)
    kept = []
    backbone.transformer.blocks[0].register_forward_hook(lambda block, inputs, output: kept.append(output.shape[1]))
    with torch.no_grad():
        assert backbone(noisy, t, canvas).shape == noisy.shape
    assert kept == [4 * 6] and given_places(canvas).tolist() == [[0, 1, 2, 6, 7, 8]]


@pytest.mark.parametrize("name", ["tiny_prior", "tiny_pose", "tiny_e2e"])
def test_shipped_size_stays_below_six_million_parameters(name):
    assert sum(p.numel() for p in load_animator(name).network.parameters()) < 6e6
    assert (WEIGHTS / name / "model.safetensors").stat().st_size <= 12e6


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="width: got 100, expected a multiple of heads = 3"):
        TinyConfig(width=100, heads=3)


def test_rotary_base_and_gain_reach_the_network():
    plain, tuned = WarpNetwork(SMALL), WarpNetwork(TinyConfig(width=32, layers=1, heads=2, rope_theta=50.0, qk_gain=1.5))
    assert tuned.transformer.blocks[0].attn1.norm_q.weight.unique().tolist() == [1.5]
    assert torch.equal(plain.transformer.rope.freqs_cos[:, 0], tuned.transformer.rope.freqs_cos[:, 0])  # the fastest pair turns once a step
    slowest = plain.transformer.rope.t_dim - 1
    assert tuned.transformer.rope.freqs_cos[63, slowest] < plain.transformer.rope.freqs_cos[63, slowest]
    with pytest.raises(ValueError, match="rope_theta"):
        TinyConfig(rope_theta=0.5)


def test_a_canvas_longer_than_its_positions_is_refused():
    noisy = torch.zeros(1, 192, 64, 1, 1)
    with pytest.raises(ValueError, match=r"got \(65, 1, 2\), expected at most 64 each; choose a smaller grid"):
        WarpNetwork(SMALL)(noisy, torch.ones(1), compose(noisy[:, :, 0], noisy, 64))


def test_frames_left_out_keep_the_others_at_their_slots():
    torch.manual_seed(0)
    backbone = WarpNetwork(SMALL).eval()
    reference, driver, noisy = torch.randn(1, 192, 2, 2), torch.randn(1, 192, 1, 2, 2), torch.randn(1, 192, 1, 2, 2)
    t = torch.tensor([0.5])
    with torch.no_grad():
        first, same, third = (backbone(noisy, t, compose(reference, driver, 1, slots)) for slots in (None, (1,), (3,)))
    assert torch.equal(first, same) and not torch.allclose(first, third)
