"""The hunyuan and hunyuan15 adapters against diffusers' own pipelines: layout, words, times and latents."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from models.backbones.backbone import paint
from models.canvas import compose, left_half, right_half
from models.pixels import clips_to_signed, to_signed
from models.runtime import Runtime
from models.training.lora import LoraSpec, add_lora
from tests.models.tiny_pipelines import (
    FRAMES,
    SAVERS,
    SIDE,
    backbone_of,
    canvas_of,
    noise_of,
    pictures,
    save_hunyuan,
    save_hunyuan15,
    stock_pipeline,
)

torch.set_num_threads(1)
BOTH = ("hunyuan", "hunyuan15")
SAID, UNSAID = 'a painted knight says "oh"', "nothing"
STEPS, CHANNELS = 7, 4
STOCK_WORDS = {
    "hunyuan": {
        "encoder_hidden_states": "prompt_embeds",
        "pooled_projections": "pooled_prompt_embeds",
        "encoder_attention_mask": "prompt_attention_mask",
    },
    "hunyuan15": {
        "encoder_hidden_states": "prompt_embeds",
        "encoder_attention_mask": "prompt_embeds_mask",
        "encoder_hidden_states_2": "prompt_embeds_2",
        "encoder_attention_mask_2": "prompt_embeds_mask_2",
    },
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Family -> its folder without text encoders; family and " full" -> with them."""
    root = tmp_path_factory.mktemp("hunyuan")
    plain = {family: SAVERS[family](root / family) for family in BOTH}
    return plain | {f"{family} full": SAVERS[family](root / f"{family}_full", text_encoder=True) for family in BOTH}


def stock_words(family, condition, prefix=""):
    return {prefix + name: condition.words[ours] for ours, name in STOCK_WORDS[family].items()}


def stock_latents(family, folder, reference, noise, condition, words, guidance):
    """What diffusers' pipeline paints of the adapter's condition."""
    pipe, known = stock_pipeline(folder), condition.mask * condition.latents_BCThw2
    arguments = {"image": Image.fromarray(reference), "num_frames": FRAMES, "num_inference_steps": STEPS, "output_type": "latent", **words}
    if family == "hunyuan15":
        pipe.prepare_latents = lambda *_, **__: noise
        pipe.prepare_cond_latents_and_mask = lambda *_, **__: (known, condition.mask)
        pipe.guider.guidance_scale = guidance
        return pipe(**arguments).frames

    def as_the_adapter(_, args, kwargs):  # the pipeline itself zeroes all but the first frame of what prepare_latents gives
        hidden = torch.cat([kwargs["hidden_states"][:, :CHANNELS], known, condition.mask], 1)
        return args, kwargs | {"hidden_states": hidden}

    pipe.prepare_latents = lambda *_, **__: (noise, known.clone())
    pipe.transformer.register_forward_pre_hook(as_the_adapter, with_kwargs=True)
    return pipe(height=SIDE, width=2 * SIDE, true_cfg_scale=guidance, **arguments).frames


def compare(family, folder, guidance=1.0, by_prompt=False):
    backbone, (reference, driver) = backbone_of(family, folder), pictures()
    canvas = canvas_of(reference, driver)
    said = backbone.condition(canvas, (SAID,))
    unsaid, noise = replace(said, words=backbone.words(canvas, (UNSAID,))), noise_of(said)
    with torch.no_grad():
        ours = paint(backbone, noise, said, steps=STEPS, guidance=guidance, without=unsaid)
    words = {"prompt": SAID} if by_prompt else stock_words(family, said)
    if guidance > 1:  # of hunyuan: as embeddings, its pipeline would show Llava a black picture
        words |= {"negative_prompt": UNSAID} if family == "hunyuan15" else stock_words(family, unsaid, "negative_")
    stock = stock_latents(family, folder, reference, noise, said, words, guidance)
    return (ours if family == "hunyuan15" else ours[:, :, 1:]), stock


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("family", BOTH)
def test_the_stock_pipeline_makes_the_same_of_the_same_prompt_and_condition(folders, family, guidance):
    ours, stock = compare(family, folders[f"{family} full"], guidance, by_prompt=True)
    assert stock.shape == ours.shape and (stock - ours).abs().max() <= 1e-5


@pytest.mark.parametrize("family", BOTH)
def test_the_stock_pipeline_makes_the_same_without_text_encoders(folders, family):
    ours, stock = compare(family, folders[family])
    assert (stock - ours).abs().max() <= 1e-5


def test_a_guidance_distilled_transformer_is_told_the_stock_default(tmp_path):
    ours, stock = compare("hunyuan", save_hunyuan(tmp_path / "distilled", guidance_embeds=True))
    assert (stock - ours).abs().max() <= 1e-5


def test_a_step_distilled_transformer_is_told_where_it_goes(tmp_path):
    folder = save_hunyuan15(tmp_path / "meanflow", use_meanflow=True)
    ours, stock = compare("hunyuan15", folder)
    assert (stock - ours).abs().max() <= 1e-5
    backbone, heard = backbone_of("hunyuan15", folder), []
    backbone.transformer.register_forward_pre_hook(lambda _, __, kwargs: heard.append(kwargs["timestep_r"].item()), with_kwargs=True)
    condition = backbone.condition(canvas_of(*pictures()), ("",))
    with torch.no_grad():
        paint(backbone, noise_of(condition), condition, steps=2, guidance=1.0, without=None)
        backbone.denoise(noise_of(condition), torch.tensor([0.3]), condition)  # as in training
    assert heard[0] == pytest.approx(7 * 0.5 / (1 + 6 * 0.5) * 1000, rel=1e-4) and heard[1] == 0 and heard[2] == pytest.approx(300)


def heard_by(transformer, act):
    heard = {}
    hook = transformer.register_forward_pre_hook(lambda _, __, kwargs: heard.update(kwargs), with_kwargs=True)
    act()
    hook.remove()
    return heard


@pytest.mark.parametrize("family", BOTH)
def test_the_left_half_of_the_mask_is_stock_and_the_right_half_is_all_known(folders, family):
    backbone, (reference, driver) = backbone_of(family, folders[family]), pictures()
    condition = backbone.condition(canvas_of(reference, driver, gap_frames=0), ("",))
    pipe, words = stock_pipeline(folders[family]), stock_words(family, condition)
    size = {"height": SIDE, "width": SIDE} if family == "hunyuan" else {}
    call = {"image": Image.fromarray(reference), "num_frames": FRAMES, "num_inference_steps": 1, "output_type": "latent", **size, **words}
    stock = heard_by(pipe.transformer, lambda: pipe(**call))["hidden_states"]
    noise = noise_of(condition)
    with torch.no_grad():
        ours = heard_by(backbone.transformer, lambda: backbone.denoise(noise, torch.tensor([0.5]), condition))["hidden_states"]
    assert torch.equal(left_half(ours)[:, 2 * CHANNELS :], stock[:, 2 * CHANNELS :]) and right_half(ours)[:, 2 * CHANNELS :].eq(1).all()
    assert not left_half(ours)[:, CHANNELS : 2 * CHANNELS, 1:].any() and not stock[:, CHANNELS : 2 * CHANNELS, 1:].any()
    assert torch.equal(ours[:, :CHANNELS], noise)
    assert torch.equal(right_half(ours)[:, CHANNELS : 2 * CHANNELS], right_half(condition.latents_BCThw2))


def test_the_first_latents_of_15_are_the_stock_ones_of_a_picture_of_double_width(folders):
    """Its VAE is causal to the letter; that of the first HunyuanVideo takes the mean of its groups over all frames."""
    canvas, pipe = canvas_of(*pictures()), stock_pipeline(folders["hunyuan15"])
    ours = backbone_of("hunyuan15", folders["hunyuan15"]).condition(canvas, ("",)).latents_BCThw2
    stock = pipe.vae.encode(canvas.pixels_B3THW2[:, :, :1]).latent_dist.mode() * pipe.vae.config.scaling_factor
    assert (ours[:, :, :1] - stock).abs().max() <= 1e-5


@pytest.mark.parametrize("family", BOTH)
def test_a_latent_frame_that_the_gap_or_a_tail_cuts_is_not_known(folders, family):
    reference, driver = (to_signed(pictures()[0])[None], clips_to_signed(pictures()[1][None]))
    canvas = compose(reference, driver, FRAMES, gap_frames=3, tail_B3nHW=driver[:, :, :5])
    known = backbone_of(family, folders[family]).condition(canvas, ("",)).mask[0, 0, :, 0]
    assert known[:, 0].tolist() == [1, 1, 0] and known[:, -1].tolist() == [0, 0, 1]


@pytest.mark.parametrize("family", BOTH)
def test_encoders_see_the_reference_alone_and_the_prompt_is_heard(folders, family):
    backbone, (reference, driver) = backbone_of(family, folders[f"{family} full"]), pictures()
    base = backbone.words(canvas_of(reference, driver), (SAID,))
    other_driver = backbone.words(canvas_of(reference, pictures(1)[1]), (SAID,))
    assert all(torch.equal(base[name], other_driver[name]) for name in base)
    seen = "image_embeds" if family == "hunyuan15" else "encoder_hidden_states"
    assert not torch.allclose(base[seen], backbone.words(canvas_of(pictures(1)[0], driver), (SAID,))[seen])
    other_prompt = backbone.words(canvas_of(reference, driver), (UNSAID,))
    heard = ["encoder_hidden_states", "encoder_hidden_states_2" if family == "hunyuan15" else "pooled_projections"]
    assert all(not torch.allclose(base[name], other_prompt[name]) for name in heard)


@pytest.mark.parametrize("family", BOTH)
def test_prompts_of_any_length_are_encoded_side_by_side(folders, family):
    backbone, (reference, driver) = backbone_of(family, folders[f"{family} full"]), pictures()
    canvas, prompts = canvas_of(reference, driver), (SAID, "a robot waves " * 400)
    one = [backbone.words(canvas, (prompt,)) for prompt in prompts]
    two = compose(
        *(part.repeat(2, *[1] * (part.ndim - 1)) for part in (canvas.reference_B3HW, clips_to_signed(driver[None]))), FRAMES, gap_frames=3
    )
    both = backbone.words(two, prompts)
    assert all(torch.allclose(both[name], torch.cat([words[name] for words in one]), atol=1e-5) for name in both)


def test_without_encoders_the_words_are_one_zero_token(tmp_path, folders):
    canvas = canvas_of(*pictures())
    words = backbone_of("hunyuan", folders["hunyuan"]).words(canvas, ("x",))
    assert words["encoder_hidden_states"].shape == (1, 1, 16) and words["pooled_projections"].shape == (1, 8)
    assert words["encoder_attention_mask"].tolist() == [[1]] and not words["encoder_hidden_states"].any()
    folder = save_hunyuan15(tmp_path / "bare", image_encoder=False)
    backbone = backbone_of("hunyuan15", folder)
    condition = backbone.condition(canvas, ("x",))
    assert condition.words["image_embeds"].shape == (1, 1, 12) and condition.words["encoder_attention_mask_2"].tolist() == [[0]]
    with torch.no_grad():
        assert paint(backbone, noise_of(condition), condition, steps=2, guidance=1.0, without=None).isfinite().all()


VIDEO = {
    ("hunyuan", "feed_forward"): [
        "single_transformer_blocks.0.proj_mlp",
        "transformer_blocks.0.ff.net.0.proj",
        "transformer_blocks.0.ff.net.2",
    ],
    ("hunyuan", "attention"): [f"single_transformer_blocks.0.attn.to_{x}" for x in "kqv"]
    + [f"transformer_blocks.0.attn.to_{x}" for x in ("k", "out.0", "q", "v")],
    ("hunyuan15", "feed_forward"): [f"transformer_blocks.{n}.ff.net.{x}" for n in range(2) for x in ("0.proj", "2")],
    ("hunyuan15", "attention"): [f"transformer_blocks.{n}.attn.to_{x}" for n in range(2) for x in ("k", "out.0", "q", "v")],
}


@pytest.mark.parametrize("family, layers", VIDEO)
def test_lora_takes_the_video_stream_alone(folders, family, layers):
    backbone = backbone_of(family, folders[family])
    add_lora(backbone, LoraSpec(rank=2, layers=(layers,)))
    adapted = sorted(name.removesuffix(".lora_A") for name, _ in backbone.transformer.named_modules() if name.endswith(".lora_A"))
    assert adapted == VIDEO[family, layers]
    assert not any(part in name for name in adapted for part in ("context", "add_", "refiner"))
    assert all(p.requires_grad == ("lora_" in name) for name, p in backbone.transformer.named_parameters())


@pytest.mark.parametrize("kind, channels", [("token_replace", 4), (None, 9)])
def test_other_ways_to_condition_are_refused_before_anything_is_read(tmp_path, kind, channels):
    folder = save_hunyuan(tmp_path / "other", image_condition_type=kind, in_channels=channels)
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(
        ValueError, match=f"backbone hunyuan: image_condition_type: got {kind}, expected latent_concat; take the 33-channel"
    ):
        backbone_of("hunyuan", folder)


def test_a_cache_diffusers_has_not_is_refused(folders):
    with pytest.raises(ValueError, match="backbone hunyuan15: block_cache: got 0.1, expected 0; "):
        backbone_of("hunyuan15", folders["hunyuan15"], Runtime(device="cpu", block_cache=0.1))
