"""The tiny family is the wan adapter in small: its codec is exact, its size bounded, its loss falls when it sees one pair."""

import pytest
import torch

from models.backbones.backbone import Backbone, canvas_loss, check_grid, keep_driver, paint, put_in_place, target_latents
from models.backbones.families import FAMILIES, build_backbone
from models.backbones.tiny import PatchCodec, TinyConfig
from models.backbones.wan import WanBackbone
from models.canvas import compose, left_half, right_half
from models.runtime import Runtime
from models.types import Grid

CPU = Runtime(device="cpu")
SMALL = {"family": "tiny", "width": 32, "layers": 2, "heads": 2}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def small(**fields):
    torch.manual_seed(0)
    return build_backbone({**SMALL, **fields}, None, CPU)


def canvas_of(frames=5, gap=1, driver=True, size=16):
    generator = torch.Generator().manual_seed(1)
    reference, clip = torch.rand(1, 3, size, size, generator=generator), torch.rand(1, 3, frames, size, size, generator=generator)
    return compose(reference * 2 - 1, clip * 2 - 1 if driver else None, frames, gap_frames=gap), clip * 2 - 1


def test_patches_are_an_orthonormal_map_that_keeps_white_noise_white():
    codec, clip = PatchCodec(8), torch.randn(2, 3, 5, 16, 24).clamp(-1, 1)
    latents = codec.encode(clip)
    assert latents.shape == (2, 192, 5, 2, 3) and torch.allclose(latents.square().sum(), clip.square().sum())
    assert torch.equal(codec.decode(latents), clip)
    assert torch.equal(codec.encode(clip)[0, :, 2, 1, 2].sort().values, clip[0, :, 2, 8:16, 16:24].flatten().sort().values)


def test_it_is_the_wan_adapter_at_no_more_than_six_million_weights():
    backbone = build_backbone({"family": "tiny"}, None, CPU)
    assert isinstance(backbone, WanBackbone) and isinstance(backbone, Backbone) and backbone.prediction == "clean"
    count = sum(p.numel() for p in backbone.transformer.parameters())
    assert count <= 6e6 and count * 2 <= 12e6  # as float16
    assert backbone.describe() == {"family": "tiny", **{k: getattr(TinyConfig(), k) for k in TinyConfig.__slots__}}


def test_the_network_heeds_reference_driver_and_time():
    backbone = small()
    (canvas, clip), noise = canvas_of(), torch.randn(1, 192, 5, 2, 4)
    condition, t = backbone.condition(canvas, ("",)), torch.tensor([0.5])
    said = backbone.denoise(noise, t, condition)
    blank = backbone.condition(canvas_of(driver=False)[0], ("",))
    other = backbone.condition(compose(-canvas.reference_B3HW, clip, 5, gap_frames=1), ("",))
    for changed in (backbone.denoise(noise, t, blank), backbone.denoise(noise, t, other), backbone.denoise(noise, t + 0.3, condition)):
        assert (left_half(changed) - left_half(said)).abs().max() > 1e-5


def test_clean_driver_tokens_stand_where_noise_would():
    backbone, (canvas, _) = small(), canvas_of()
    condition = keep_driver(backbone.condition(canvas, ("",)))
    noise = torch.randn_like(condition.latents_BCThw2)
    x = put_in_place(noise, condition)
    assert torch.equal(right_half(x), right_half(condition.latents_BCThw2)) and torch.equal(left_half(x), left_half(noise))
    painted = paint(backbone, noise, condition, steps=2, guidance=1.0, without=None)
    assert torch.equal(right_half(painted), right_half(condition.latents_BCThw2))


def test_guidance_leads_away_from_the_other_condition():
    backbone, (canvas, _) = small(), canvas_of()
    condition, noise = backbone.condition(canvas, ("",)), torch.randn(1, 192, 5, 2, 4)
    blank = backbone.condition(canvas_of(driver=False)[0], ("",))
    plain, none = (paint(backbone, noise, condition, steps=1, guidance=g, without=blank) for g in (1.0, 0.5))
    twice = paint(backbone, noise, condition, steps=1, guidance=2.0, without=blank)
    away = paint(backbone, noise, blank, steps=1, guidance=1.0, without=None)
    assert torch.equal(plain, none) and torch.allclose(twice, away + 2 * (plain - away), atol=1e-4)


def test_overfitting_one_pair_lowers_the_left_halfs_loss_tenfold():
    backbone = small(width=64)
    canvas, clip = canvas_of()
    condition = backbone.condition(canvas, ("",))
    clean = target_latents(backbone, clip, canvas)
    draws = [(torch.randn(clean.shape, generator=torch.Generator().manual_seed(k)), torch.tensor([0.2 + 0.07 * k])) for k in range(10)]

    def measured():
        with torch.no_grad():
            return sum(float(canvas_loss(backbone, clean, condition, noise, t, driver_weight=0.0)) for noise, t in draws) / len(draws)

    before, optimizer = measured(), torch.optim.AdamW(backbone.transformer.parameters(), lr=3e-3)
    for step in range(300):
        generator = torch.Generator().manual_seed(1000 + step)
        noise, t = torch.randn(clean.shape, generator=generator), torch.rand(1, generator=generator)
        canvas_loss(backbone, clean, condition, noise, t, driver_weight=0.0).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    assert measured() < before / 10


def test_the_driver_weight_adds_the_right_half_and_only_it():
    backbone, (canvas, clip) = small(), canvas_of()
    condition, clean = backbone.condition(canvas, ("",)), target_latents(backbone, clip, canvas)
    noise, t = torch.randn_like(clean), torch.tensor([0.6])
    said = backbone.denoise(noise * 0.6 + clean * 0.4, t, condition)
    left, right = (half(said - clean).square().mean() for half in (left_half, right_half))
    with torch.no_grad():
        alone, both = (canvas_loss(backbone, clean, condition, noise, t, driver_weight=w) for w in (0.0, 0.5))
    assert torch.allclose(alone, left, atol=1e-5) and torch.allclose(both, left + 0.5 * right, atol=1e-5)


def test_wrong_sizes_say_field_got_expected_and_fix():
    with pytest.raises(ValueError, match="grid width: got 60, expected a multiple of 8; take 64"):
        check_grid(small(), Grid(width=60, height=64, fps=8, num_frames=9))
    with pytest.raises(ValueError, match="width: got 30, expected heads = 4 times an even head size"):
        build_backbone({"family": "tiny", "width": 30}, None, CPU)
    with pytest.raises(ValueError, match="expected the fields of TinyConfig"):
        build_backbone({"family": "tiny", "depth": 3}, None, CPU)
    with pytest.raises(ValueError, match="did you mean tiny"):
        build_backbone({"family": "tinny"}, None, CPU)
    with pytest.raises(ValueError, match="weights: got .*, expected none"):
        from pathlib import Path

        build_backbone({"family": "tiny"}, Path("x"), CPU)


def test_every_family_in_the_table_can_be_imported():
    assert all(callable(FAMILIES.load(name)) for name in FAMILIES.entries)
