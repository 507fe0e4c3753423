"""The wan adapter against diffusers' own pipeline: the same condition in, the same latents out."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from models.backbones.backbone import keep_driver, paint
from models.canvas import compose, left_half, right_half
from models.pixels import clips_to_signed, to_signed
from models.training.lora import LoraSpec, add_lora
from tests.models.tiny_pipelines import FRAMES, SIDE, backbone_of, canvas_of, noise_of, pictures, save_wan, stock_pipeline

torch.set_num_threads(1)
SAID, UNSAID = "a painted knight waves", "nothing"
STEPS = 7


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return save_wan(tmp_path_factory.mktemp("wan") / "plain")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """With text encoder, tokenizer, CLIP and the scheduler of the released model."""
    return save_wan(tmp_path_factory.mktemp("wan") / "full", image_encoder=True, text_encoder=True, unipc=True)


def conditions(backbone, canvas, seed=0):
    """With and without the prompt; random words where the folder has no text encoder."""
    said = backbone.condition(canvas, (SAID,))
    if said.words["encoder_hidden_states"].any():
        return said, replace(said, words=backbone.words(canvas, (UNSAID,)))
    generator = torch.Generator().manual_seed(seed)
    words = [{"encoder_hidden_states": torch.randn(1, 5, 32, generator=generator)} for _ in range(2)]
    return replace(said, words=words[0]), replace(said, words=words[1])


@pytest.mark.parametrize("guidance", [1.0, 5.0])
@pytest.mark.parametrize("kind", ["plain", "full"])
def test_the_stock_pipeline_makes_the_same_of_the_same_condition(kind, guidance, request):
    folder = request.getfixturevalue(kind)
    backbone, (reference, driver) = backbone_of("wan", folder), pictures()
    said, unsaid = conditions(backbone, canvas_of(reference, driver))
    noise = noise_of(said)
    with torch.no_grad():
        ours = paint(backbone, noise, said, steps=STEPS, guidance=guidance, without=unsaid)
        alone = paint(backbone, noise, said, steps=STEPS, guidance=1.0, without=None)
    pipe = stock_pipeline(folder)
    pipe.prepare_latents = lambda *_, **__: (noise, torch.cat([said.mask, said.latents_BCThw2], 1))
    words = {"prompt": SAID, "negative_prompt": UNSAID}
    if kind == "plain":
        names = ("prompt_embeds", "negative_prompt_embeds")
        words = {name: condition.words["encoder_hidden_states"] for name, condition in zip(names, (said, unsaid))}
    shape = {"height": SIDE, "width": 2 * SIDE, "num_frames": FRAMES, "num_inference_steps": STEPS, "guidance_scale": guidance}
    stock = pipe(image=Image.fromarray(reference), output_type="latent", **shape, **words).frames
    assert stock.shape == ours.shape and (stock - ours).abs().max() <= 1e-5
    assert guidance == 1 or (ours - alone).abs().max() > 1e-3  # guidance is not idle


def stock_condition(pipe, image, width):
    noise, condition = pipe.prepare_latents(image, 1, 16, SIDE, width, FRAMES, torch.float32, torch.device("cpu"), torch.Generator())
    return condition[:, :4], condition[:, 4:]


def test_the_left_half_of_the_mask_is_stock_and_the_right_half_is_all_known(plain):
    backbone, (reference, driver) = backbone_of("wan", plain), pictures()
    mask, _ = stock_condition(stock_pipeline(plain), to_signed(reference)[None], SIDE)
    ours = backbone.condition(canvas_of(reference, driver, gap_frames=0), ("",)).mask
    assert torch.equal(left_half(ours), mask) and right_half(ours).eq(1).all()


@pytest.mark.parametrize("gap, blank", [(1, [1, 0, 0]), (3, [1, 0.5, 0]), (5, [1, 1, 0])])
def test_the_gap_is_blank_in_the_right_half_of_the_mask(plain, gap, blank):
    ours = backbone_of("wan", plain).condition(canvas_of(*pictures(), gap_frames=gap), ("",)).mask
    assert (1 - right_half(ours)).mean(dim=(0, 1, 3, 4)).tolist() == blank


def test_a_tail_is_given_frame_by_frame(plain):
    reference, driver = pictures()
    parts = (to_signed(reference)[None], clips_to_signed(driver[None]))
    canvas = compose(*parts, FRAMES, gap_frames=1, tail_B3nHW=parts[1][:, :, :2])
    mask = left_half(backbone_of("wan", plain).condition(canvas, ("",)).mask)
    assert mask[0, :, :, 0, 0].T.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]]


def test_without_a_driver_the_latents_are_the_stock_ones_of_a_picture_of_double_width(plain):
    reference, _ = pictures()
    canvas = canvas_of(reference, None)
    _, latents = stock_condition(stock_pipeline(plain), canvas.pixels_B3THW2[:, :, 0], 2 * SIDE)
    ours = backbone_of("wan", plain).condition(canvas, ("",)).latents_BCThw2
    assert (ours - latents).abs().max() <= 1e-5


def test_clip_sees_the_reference_alone_and_the_prompt_is_heard(full):
    backbone, (reference, driver) = backbone_of("wan", full), pictures()
    base = backbone.words(canvas_of(reference, driver), (SAID,))
    pipe = stock_pipeline(full)
    assert torch.allclose(base["encoder_hidden_states_image"], pipe.encode_image(Image.fromarray(reference)), atol=1e-6)
    other_driver = backbone.words(canvas_of(reference, pictures(1)[1]), (SAID,))
    assert all(torch.equal(base[name], other_driver[name]) for name in base)
    assert not torch.allclose(
        base["encoder_hidden_states_image"], backbone.words(canvas_of(pictures(1)[0], driver), (SAID,))["encoder_hidden_states_image"]
    )
    assert not torch.allclose(
        base["encoder_hidden_states"], backbone.words(canvas_of(reference, driver), (UNSAID,))["encoder_hidden_states"]
    )


def test_a_kept_driver_stands_clean_from_first_to_last(plain):
    backbone = backbone_of("wan", plain)
    condition = keep_driver(backbone.condition(canvas_of(*pictures()), ("",)))
    with torch.no_grad():
        painted = paint(backbone, noise_of(condition), condition, steps=3, guidance=1.0, without=None)
        other = paint(backbone, noise_of(condition, 1), condition, steps=3, guidance=1.0, without=None)
    assert torch.equal(right_half(painted), right_half(condition.latents_BCThw2)) and torch.equal(right_half(painted), right_half(other))
    assert not torch.allclose(left_half(painted), left_half(other))


@pytest.mark.parametrize(
    "layers, parts",
    [(("feed_forward",), ["ffn.net.0.proj", "ffn.net.2"]), (("attention",), ["attn1.to_k", "attn1.to_out.0", "attn1.to_q", "attn1.to_v"])],
)
def test_lora_takes_the_video_stream_alone(plain, layers, parts):
    backbone = backbone_of("wan", plain)
    add_lora(backbone, LoraSpec(rank=2, layers=layers))
    adapted = sorted(name.removesuffix(".lora_A") for name, _ in backbone.transformer.named_modules() if name.endswith(".lora_A"))
    assert adapted == [f"blocks.{n}.{part}" for n in range(2) for part in parts]
    assert all(p.requires_grad == ("lora_" in name) for name, p in backbone.transformer.named_parameters())


def test_the_shift_of_both_schedulers_is_read(plain, full):
    assert backbone_of("wan", plain).shift == 3.0 and backbone_of("wan", full).shift == 3.0


def test_two_experts_are_refused(tmp_path):
    import json

    folder = save_wan(tmp_path / "experts")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"boundary_ratio": 0.9}))
    with pytest.raises(ValueError, match="backbone wan: boundary_ratio: got 0.9, expected null: one transformer; "):
        backbone_of("wan", folder)
