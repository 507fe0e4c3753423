"""Wan-Fun-Control from published files: diffusers' pixels where its classes suffice, the original's forward where they do not."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from models.backbones.wan import WanCodec
from models.baselines.local.controlled import Shot
from models.baselines.local.openpose import draw_openpose
from models.baselines.local.wan_fun_control import WanFunControlOptions, capabilities, create, estimate, options
from models.baselines.local.wan_fun_control_transformer import load_transformer
from models.estimate import Workload
from models.pixels import clips_to_signed, to_signed
from models.runtime import Runtime
from tests.models import tiny_pipelines as tiny
from tests.models.tiny_local import FPS, SIZE, request_of, save_fun_control

torch.set_num_threads(1)
QUICK = WanFunControlOptions(steps=2, area_px=0, segment=9)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """V1.0 and V1.1 with all encoders, V1.1 without any."""
    place = tmp_path_factory.mktemp("fun")
    return {
        "v10": save_fun_control(place / "v10", reference=False),
        "v11": save_fun_control(place / "v11", reference=True),
        "bare": save_fun_control(place / "bare", reference=True, clip=False),
    }


def animator_of(folder, **changes):
    return create(str(folder), runtime=tiny.CPU, options=replace(QUICK, **changes))


def weights_of(folder):
    return next((folder / "transformer").glob("*.safetensors"))


@pytest.mark.parametrize("guidance", [1.0, 6.0])
def test_v10_is_the_stock_image_to_video_pipeline_with_another_condition(folders, tmp_path, guidance):
    asked = request_of(9)
    ours = animator_of(folders["v10"], guidance=guidance).animate(asked).clip.frames
    tiny.save_wan(tmp_path / "stock", image_encoder=True, text_encoder=True, unipc=True, in_channels=48, added_kv_proj_dim=24)
    pipe = tiny.stock_pipeline(tmp_path / "stock")  # the same seed: the same weights under diffusers' own names
    codec, drawn = WanCodec(pipe.vae), draw_openpose(asked.pose, asked.size)
    with torch.no_grad():
        control, first = codec.encode(clips_to_signed(drawn[None])), codec.encode(to_signed(asked.reference[None])[:, :, None])
    start = torch.zeros_like(control)
    start[:, :, :1] = first
    noise = torch.randn(control.shape, generator=torch.Generator().manual_seed(asked.seed))
    pipe.prepare_latents = lambda *_, **__: (noise, torch.cat([control, start], dim=1))
    shape = {"height": SIZE[1], "width": SIZE[0], "num_frames": 9, "num_inference_steps": 2, "guidance_scale": guidance}
    said = {"prompt": asked.prompt, "negative_prompt": QUICK.negative_prompt}
    stock = pipe(image=Image.fromarray(asked.reference), **shape, **said).frames[0]
    assert np.array_equal(ours, np.uint8(np.round(stock * 255))) and ours.std() > 1


def test_v11_puts_the_references_tokens_before_the_videos(folders):
    """Against the original's forward written out: tokens of the reference first, RoPE a frame longer, its outputs dropped."""
    transformer = load_transformer(folders["bare"] / "transformer", torch.float32)
    torch.manual_seed(0)
    hidden, reference = torch.randn(1, 48, 3, 4, 6), torch.randn(1, 16, 4, 6)
    text, t = torch.randn(1, 512, 32), torch.tensor([500.0])
    with torch.no_grad():
        channels = torch.cat([hidden, reference[:, :, None].expand(-1, -1, 3, -1, -1)], dim=1)
        ours = transformer(channels, t, text, return_dict=False)[0]
        plain, embedding = transformer, transformer.patch_embedding
        video = torch.nn.functional.conv3d(hidden, embedding.weight, embedding.bias, stride=(1, 2, 2)).flatten(2).transpose(1, 2)
        tokens = torch.cat([embedding.ref_conv(reference).flatten(2).transpose(1, 2), video], dim=1)
        turns = plain.rope(torch.zeros(1, 48, 4, 4, 6))
        temb, modulation, words, _ = plain.condition_embedder(t, text, None)
        for block in plain.blocks:
            tokens = block(tokens, words, modulation.unflatten(1, (6, -1)), turns)
        shift, scale = (plain.scale_shift_table + temb[:, None]).chunk(2, dim=1)
        out = plain.proj_out(plain.norm_out(tokens) * (1 + scale) + shift)[:, 6:]
    theirs = out.reshape(1, 3, 2, 3, 1, 2, 2, 16).permute(0, 7, 1, 4, 2, 5, 3, 6).reshape(1, 16, 3, 4, 6)
    assert ours.shape == theirs.shape and (ours - theirs).abs().max() < 1e-5


@pytest.mark.parametrize("kind", ["v10", "v11"])
def test_what_is_given_as_first_frame(kind, folders):
    """V1.0 starts from the reference, V1.1 has it beside the video; both go on from the last frame painted."""
    painter, rng, blank = animator_of(folders[kind]).painter, np.random.default_rng(0), np.zeros((0, SIZE[1], SIZE[0], 3), np.uint8)
    reference, last = rng.integers(0, 256, (2, SIZE[1], SIZE[0], 3), np.uint8)
    control = rng.integers(0, 256, (5, SIZE[1], SIZE[0], 3), np.uint8)
    shot = Shot(reference=reference, control=control, tail=blank, prompt="", generator=torch.Generator())
    codec = painter.codec
    with torch.no_grad():
        first, then = painter.condition(shot), painter.condition(replace(shot, tail=last[None]))
        of_reference, of_last = (codec.encode(to_signed(picture[None])[:, :, None])[:, :, 0] for picture in (reference, last))
        assert torch.equal(first[:, :16], codec.encode(clips_to_signed(control[None])))
    expected = of_reference if kind == "v10" else torch.zeros_like(of_reference)
    assert torch.equal(first[:, 16:32, 0], expected) and torch.equal(then[:, 16:32, 0], of_last)
    assert not first[:, 16:32, 1:].any() and first.shape[1] == (32 if kind == "v10" else 48)
    assert kind == "v10" or torch.equal(first[:, 32:, 0], of_reference)


def test_a_long_driver_goes_on_segment_by_segment(folders):
    animator, shots = animator_of(folders["bare"]), []
    paint = animator.painter.paint
    animator.painter.paint = lambda shot: shots.append((shot, paint(shot))) or shots[-1][1]
    result = animator.animate(request_of(20))
    assert len(result.clip) == 20 and [len(shot.tail) for shot, _ in shots] == [0, 1, 1] and result.provenance["segments"] == 3
    assert np.array_equal(shots[1][0].tail[0], shots[0][1][8]) and np.array_equal(result.clip.frames[9:17], shots[1][1][1:])


def test_reference_seed_and_pose_decide_and_nothing_else_does(folders):
    animator, asked = animator_of(folders["v11"]), request_of(5)
    first = animator.animate(asked).clip.frames
    assert np.array_equal(animator.animate(asked).clip.frames, first)
    others = (replace(asked, seed=4), replace(asked, reference=255 - asked.reference), replace(asked, pose=None), replace(asked, prompt=""))
    assert all((animator.animate(other).clip.frames != first).any() for other in others)


def test_diffusers_own_names_are_read_too(folders, tmp_path):
    folder = shutil.copytree(folders["v11"], tmp_path / "converted")
    transformer = load_transformer(folder / "transformer", torch.float32)
    state = {name.replace("patch_embedding.ref_conv", "ref_conv"): tensor for name, tensor in transformer.state_dict().items()}
    save_file(state, weights_of(folder))
    (folder / "transformer" / "config.json").write_text(json.dumps({"_class_name": "WanTransformer3DModel", "num_attention_heads": 2}))
    converted, published = (animator_of(place).animate(request_of(5)).clip.frames for place in (folder, folders["v11"]))
    assert np.array_equal(converted, published)


def test_odd_sizes_rates_and_lengths_come_back_as_asked(folders):
    size, frames, fps = (33, 61), 10, 25.0
    result = animator_of(folders["bare"]).animate(request_of(frames, size=size, fps=fps))
    assert result.clip.size == size and len(result.clip) == frames and result.clip.fps == fps and result.provenance["note"]


def test_the_runtime_is_honoured(folders):
    runtime = Runtime(device="cpu", dtype="bfloat16", attention="native", block_cache=0.2)
    animator = create(str(folders["v11"]), runtime=runtime, options=QUICK)
    transformer = animator.painter.pipe.transformer
    assert transformer.patch_embedding.ref_conv.weight.dtype == torch.bfloat16 and transformer.is_cache_enabled
    assert {p.dtype for n, p in transformer.named_parameters() if "scale_shift_table" in n or "norm2" in n} == {torch.float32}
    assert animator.animate(request_of(5)).provenance["runtime"] == runtime.record()


def spoil(folder, what):
    file = weights_of(folder)
    state = load_file(file)
    if what == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    elif what == "missing":
        save_file({name: tensor for name, tensor in state.items() if name != "blocks.1.self_attn.q.weight"}, file)
    elif what == "left over":
        save_file(state | {"control_adapter.conv.weight": torch.zeros(1)}, file)
    elif what == "heads":
        (folder / "transformer" / "config.json").write_text(json.dumps({"_class_name": "WanModel"}))
    elif what == "in-paint":
        save_file(state | {"patch_embedding.weight": torch.zeros(24, 36, 1, 2, 2)}, file)
    elif what == "no clip":
        index = json.loads((folder / "model_index.json").read_text())
        (folder / "model_index.json").write_text(json.dumps(index | {"image_encoder": [None, None], "image_processor": [None, None]}))


@pytest.mark.parametrize(
    "what, said",
    [
        ("cut", "damaged weights"),
        ("missing", r"blocks.1.attn1.to_q.weight"),
        ("left over", "control_adapter"),
        ("heads", "num_heads"),
        ("in-paint", "in_channels: got 36, expected 48"),
        ("no clip", "image_encoder"),
    ],
)
def test_a_folder_that_is_not_whole_is_an_error_with_its_name(folders, tmp_path, what, said):
    folder = shutil.copytree(folders["v11"], tmp_path / "broken")
    spoil(folder, what)
    with pytest.raises(ValueError, match=said):
        animator_of(folder)


def test_options_estimate_and_what_is_stated(folders):
    animator, seen = animator_of(folders["bare"]), []
    animator.painter.pipe.transformer.patch_embedding.register_forward_hook(lambda m, i, out: seen.append(out[0, 0].numel()))
    animator.animate(request_of(20))
    told = estimate("wan_fun_control", Workload(size=SIZE, num_frames=20, fps=FPS), QUICK)
    assert sum(seen) == told.tokens * told.passes and told.passes == QUICK.steps * 2
    assert options("wan_fun_control") is WanFunControlOptions and "pose" in capabilities("wan_fun_control").needs
    with pytest.raises(ValueError, match="folder"):
        create(None)
    with pytest.raises(ValueError, match="segment"):
        WanFunControlOptions(segment=12)
