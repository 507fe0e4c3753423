"""The wan_ti2v adapter against diffusers' own pipeline: known latents in place, one time a token."""

import json
from dataclasses import replace

import pytest
import torch
from PIL import Image

from models.backbones.backbone import paint
from models.canvas import compose, left_half, right_half
from models.pixels import clips_to_signed, to_signed
from tests.models.tiny_pipelines import FRAMES, SIDE, backbone_of, canvas_of, noise_of, pictures, save_wan_ti2v, stock_pipeline

torch.set_num_threads(1)
STEPS = 7


@pytest.fixture(scope="module")
def euler(tmp_path_factory):
    return save_wan_ti2v(tmp_path_factory.mktemp("ti2v") / "euler")


@pytest.fixture(scope="module")
def unipc(tmp_path_factory):
    return save_wan_ti2v(tmp_path_factory.mktemp("ti2v") / "unipc", unipc=True)


@pytest.mark.parametrize("kind, guidance", [("euler", 1.0), ("euler", 4.0), ("unipc", 4.0)])
def test_the_stock_pipeline_makes_the_same_of_the_same_condition(kind, guidance, request):
    folder = request.getfixturevalue(kind)
    backbone, (reference, driver) = backbone_of("wan_ti2v", folder), pictures()
    base, generator = backbone.condition(canvas_of(reference, driver), ("",)), torch.Generator().manual_seed(0)
    said, unsaid = (replace(base, words={"encoder_hidden_states": torch.randn(1, 5, 32, generator=generator)}) for _ in range(2))
    noise = noise_of(said)
    with torch.no_grad():
        ours = paint(backbone, noise, said, steps=STEPS, guidance=guidance, without=unsaid)
    pipe = stock_pipeline(folder)
    pipe.prepare_latents = lambda *_, **__: (noise, said.latents_BCThw2, 1 - said.kept)
    words = {"prompt_embeds": said.words["encoder_hidden_states"], "negative_prompt_embeds": unsaid.words["encoder_hidden_states"]}
    shape = {"height": SIDE, "width": 2 * SIDE, "num_frames": FRAMES, "num_inference_steps": STEPS, "guidance_scale": guidance}
    stock = pipe(image=Image.fromarray(reference), output_type="latent", **shape, **words).frames
    assert stock.shape == ours.shape and (stock - ours).abs().max() <= 1e-5


def test_the_left_half_of_what_is_known_is_stock_and_the_right_half_is_all_known(euler):
    backbone, (reference, driver) = backbone_of("wan_ti2v", euler), pictures()
    arguments = (to_signed(reference)[None], 1, 16, SIDE, SIDE, FRAMES, torch.float32, torch.device("cpu"), torch.Generator())
    _, _, unknown = stock_pipeline(euler).prepare_latents(*arguments)
    ours = backbone.condition(canvas_of(reference, driver, gap_frames=0), ("",))
    assert torch.equal(left_half(ours.kept), 1 - unknown) and right_half(ours.kept).eq(1).all() and ours.mask.shape[1] == 0


def test_the_first_latents_are_the_stock_ones_of_a_picture_of_double_width(euler):
    canvas = canvas_of(*pictures())
    arguments = (canvas.pixels_B3THW2[:, :, 0], 1, 16, SIDE, 2 * SIDE, FRAMES, torch.float32, torch.device("cpu"), torch.Generator())
    _, latents, _ = stock_pipeline(euler).prepare_latents(*arguments)
    ours = backbone_of("wan_ti2v", euler).condition(canvas, ("",)).latents_BCThw2
    assert (ours[:, :, :1] - latents).abs().max() <= 1e-5


def test_a_latent_frame_that_the_gap_or_a_tail_cuts_is_not_known(euler):
    reference, driver = (to_signed(pictures()[0])[None], clips_to_signed(pictures()[1][None]))
    canvas = compose(reference, driver, FRAMES, gap_frames=3, tail_B3nHW=driver[:, :, :5])
    kept = backbone_of("wan_ti2v", euler).condition(canvas, ("",)).kept[0, 0, :, 0]
    assert kept[:, 0].tolist() == [1, 1, 0] and kept[:, -1].tolist() == [0, 0, 1]


def test_known_tokens_are_at_time_zero_and_stay_what_they_are(euler):
    backbone = backbone_of("wan_ti2v", euler)
    condition, heard = backbone.condition(canvas_of(*pictures()), ("",)), {}
    backbone.transformer.register_forward_pre_hook(lambda _, __, kwargs: heard.update(kwargs), with_kwargs=True)
    with torch.no_grad():
        painted = paint(backbone, noise_of(condition), condition, steps=2, guidance=1.0, without=None)
    known = condition.kept[0, 0, :, ::2, ::2].flatten().bool()
    assert heard["timestep"].shape == (1, known.numel()) and known.any() and not known.all()
    assert heard["timestep"][0, known].eq(0).all() and heard["timestep"][0, ~known].gt(0).all()
    where = condition.kept.expand_as(painted).bool()
    assert torch.equal(painted[where], condition.latents_BCThw2[where])


def test_a_folder_without_times_for_tokens_is_refused(euler, tmp_path):
    import shutil

    folder = shutil.copytree(euler, tmp_path / "copy")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"expand_timesteps": False}))
    with pytest.raises(ValueError, match="backbone wan_ti2v: expand_timesteps: got False, expected true in model_index.json; "):
        backbone_of("wan_ti2v", folder)
