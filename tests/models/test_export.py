"""Exports that other programs load to the same outputs, and a pipeline object that says what the animator says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from models.animators.checkpoint import load_checkpoint, read_card, save_checkpoint
from models.animators.places import way_to
from models.animators.sampling import Sampling
from models.export.card import check_license, model_card, place_free, public_name
from models.export.comfy import WAN_LAYERS, comfy_layer, comfy_state, write_comfy
from models.export.layouts import LAYOUTS, layout_of
from models.export.lora import LORA_FILE, check_lora, folded, split_scale, write_diffusers_lora
from models.export.pipeline import InContextPipeline
from models.export.whole import trained_transformer, write_transformer
from models.types import AnimationRequest, Clip

GRID = {"width": 32, "height": 32, "fps": 8.0, "num_frames": 9}
WAN = {"num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 36, "out_channels": 16, "text_dim": 32, "freq_dim": 256}
WAN |= {"ffn_dim": 32, "num_layers": 2, "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "rope_max_seq_len": 32}
TINY = {"width": 24, "layers": 1, "heads": 2, "patch_px": 8, "rope_theta": 50.0, "shift": 3.0}


def save_wan(folder: Path) -> Path:
    from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler, WanImageToVideoPipeline, WanTransformer3DModel

    torch.manual_seed(0)
    vae = {"base_dim": 3, "z_dim": 16, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1, "temperal_downsample": [False, True, True]}
    parts = {"transformer": WanTransformer3DModel(patch_size=(1, 2, 2), **WAN), "vae": AutoencoderKLWan(**vae)}
    parts["scheduler"] = FlowMatchEulerDiscreteScheduler(shift=3.0)
    WanImageToVideoPipeline(tokenizer=None, text_encoder=None, image_encoder=None, image_processor=None, **parts).save_pretrained(folder)
    return folder


def card_of(family: dict, **fields) -> dict:
    plain = {"motion": {"kind": "raw"}, "grid": GRID, "gap_frames": 1, "prediction": "velocity", "steps": 7, "adapter": None}
    data = {"kind": "pairs", "examples": 12, "teacher": "ab" * 32}
    told = {"name": "knight", "sampling": {"steps": 2}, "data": data, "filter_metrics": ["motion_fidelity"], "sha256": "cd" * 32}
    return {"class": "InContextAnimator", **plain, **told, "backbone": family, **fields}


def save_lora(folder: Path, base: Path, alpha: float | None, layers: tuple[str, ...] = ("feed_forward",)) -> Path:
    """A checkpoint of a LoRA whose output is not zero."""
    from models.backbones.diffusers_folder import fingerprint
    from models.backbones.families import build_backbone
    from models.runtime import Runtime
    from models.training.lora import LoraSpec, add_lora, lora_state

    backbone = build_backbone({"family": "wan"}, base, Runtime(device="cpu"))
    add_lora(backbone, LoraSpec(rank=4, alpha=alpha, layers=layers))
    generator = torch.Generator().manual_seed(1)
    weights = {name: 0.3 * torch.randn(w.shape, generator=generator) for name, w in lora_state(backbone.transformer).items()}
    named = {"name": base.name, "fingerprint": fingerprint(base), "path": way_to(base, folder)}
    adapter = {"rank": 4, "alpha": alpha, "layers": list(layers)}
    save_checkpoint(folder, weights=weights, card=card_of({"family": "wan", "weights": named}, adapter=adapter), half=False)
    return folder


def save_tiny(folder: Path, motion: str = "raw") -> Path:
    from models.backbones.families import build_backbone
    from models.runtime import Runtime

    torch.manual_seed(3)
    backbone = build_backbone({"family": "tiny", **TINY}, None, Runtime(device="cpu"))
    fields = {"family": "tiny", **TINY}
    save_checkpoint(folder, weights=backbone.transformer.state_dict(), card=card_of(fields, motion={"kind": motion}), half=False)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_wan(tmp_path_factory.mktemp("weights") / "Tiny-Wan-I2V")


def lora_of(checkpoint: Path):
    card = read_card(checkpoint)
    return card["adapter"], load_file(checkpoint / "model.safetensors")


def asked(transformer) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    hidden = torch.randn(1, 36, 3, 4, 8, generator=generator)
    words = torch.randn(1, 3, 32, generator=generator)
    with torch.no_grad():
        return transformer(hidden_states=hidden, timestep=torch.tensor([500.0]), encoder_hidden_states=words, return_dict=False)[0]


def stock(base: Path):
    from diffusers import WanImageToVideoPipeline

    absent = dict.fromkeys(("tokenizer", "text_encoder", "image_encoder", "image_processor"))
    return WanImageToVideoPipeline.from_pretrained(base, **absent)


@pytest.mark.parametrize(("alpha", "layers"), [(None, ("feed_forward",)), (3.0, ("feed_forward", "attention")), (0.25, ("attention",))])
def test_the_stock_pipeline_says_what_the_checkpoint_says(base, tmp_path, alpha, layers):
    checkpoint = save_lora(tmp_path / "knight", base, alpha, layers)
    adapter, weights = lora_of(checkpoint)
    own = asked(load_checkpoint(checkpoint).backbone.transformer)
    write_diffusers_lora(tmp_path / "out", LAYOUTS["wan"], folded(weights, 4, 4.0 if alpha is None else alpha))

    plain, from_file, from_dict = stock(base), stock(base), stock(base)
    from_file.load_lora_weights(tmp_path / "out")
    from_dict.load_lora_weights(load_file(tmp_path / "out" / LORA_FILE))  # no metadata comes along here
    assert (asked(from_file.transformer) - own).abs().max() <= 1e-6
    assert (asked(from_dict.transformer) - own).abs().max() <= 1e-6
    assert (asked(plain.transformer) - own).abs().max() > 1e-3  # the LoRA does something, so that the above says something


@pytest.mark.parametrize(("alpha", "layers"), [(None, ("feed_forward",)), (3.0, ("feed_forward", "attention")), (0.1, ("feed_forward",))])
def test_the_comfyui_file_comes_back_through_diffusers_to_the_bit(base, tmp_path, alpha, layers):
    from diffusers import WanImageToVideoPipeline
    from diffusers.loaders.lora_conversion_utils import _convert_non_diffusers_wan_lora_to_diffusers

    _, weights = lora_of(save_lora(tmp_path / "knight", base, alpha, layers))
    said = 4.0 if alpha is None else alpha
    write_comfy(tmp_path / "comfyui" / "knight.safetensors", comfy_state(weights, said, WAN_LAYERS, "knight"))
    stored = load_file(tmp_path / "comfyui" / "knight.safetensors")
    kinds = {name.rsplit(".", 2 if name.endswith("weight") else 1)[1] for name in stored}
    assert kinds == {"lora_down", "lora_up", "alpha"} and all(name.startswith("diffusion_model.blocks.") for name in stored)

    back = _convert_non_diffusers_wan_lora_to_diffusers(dict(stored))
    write_diffusers_lora(tmp_path / "out", LAYOUTS["wan"], folded(weights, 4, said))
    ours = load_file(tmp_path / "out" / LORA_FILE)
    assert back.keys() == ours.keys() and all(torch.equal(back[name], ours[name]) for name in ours)
    assert WanImageToVideoPipeline.lora_state_dict(tmp_path / "comfyui").keys() == ours.keys()


def test_the_comfyui_strength_is_alpha_over_rank(base, tmp_path):
    """ComfyUI's own sum: W + alpha / rank up @ down."""
    _, weights = lora_of(save_lora(tmp_path / "knight", base, 3.0))
    state = comfy_state(weights, 3.0, WAN_LAYERS, "knight")
    layer = "diffusion_model.blocks.1.ffn.0"
    up, down = state[f"{layer}.lora_up.weight"], state[f"{layer}.lora_down.weight"]
    patched = state[f"{layer}.alpha"].item() / down.shape[0] * up @ down
    trained = load_checkpoint(tmp_path / "knight").backbone.transformer.blocks[1].ffn.net[0].proj.get_delta_weight("actorforge")
    assert torch.allclose(patched, trained, atol=1e-6) and trained.abs().max() > 0.1


@pytest.mark.parametrize("scale", [1.0, 0.75, 0.25, 1 / 256, 2.0, 3.7])
def test_a_scale_is_split_into_its_product(scale):
    down, up = split_scale(scale)
    assert down * up == scale and np.log2(up) == round(np.log2(up))


@pytest.mark.parametrize(("family", "loads"), [("hunyuan", "load_lora_weights"), ("hunyuan15", "load_lora_adapter")])
def test_the_hunyuan_file_is_what_its_loader_takes(family, loads, tmp_path):
    import diffusers

    layout = LAYOUTS[family]
    weights = {
        "transformer_blocks.0.ff.net.2.lora_A.weight": torch.ones(2, 8),
        "transformer_blocks.0.ff.net.2.lora_B.weight": torch.ones(6, 2),
    }
    write_diffusers_lora(tmp_path, layout, weights)
    assert set(load_file(tmp_path / LORA_FILE)) == {f"transformer.{name}" for name in weights}
    owner = getattr(diffusers, layout.pipeline if layout.loads_lora else layout.transformer)
    assert hasattr(owner, loads) and hasattr(getattr(diffusers, layout.pipeline), "load_lora_weights") == layout.loads_lora


def test_a_hunyuan15_transformer_loads_its_file(tmp_path):
    from diffusers import HunyuanVideo15Transformer3DModel
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    sizes = {
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "num_layers": 1,
        "num_refiner_layers": 1,
        "in_channels": 9,
        "out_channels": 4,
    }
    words = {"text_embed_dim": 16, "text_embed_2_dim": 8, "image_embed_dim": 12, "rope_axes_dim": (4, 6, 6)}
    torch.manual_seed(0)
    trained = HunyuanVideo15Transformer3DModel(**sizes, **words)
    plain = HunyuanVideo15Transformer3DModel(**sizes, **words)
    plain.load_state_dict(trained.state_dict())
    trained.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=r"transformer_blocks\.\d+\.ff\.net\.2", init_lora_weights=False))
    write_diffusers_lora(tmp_path, LAYOUTS["hunyuan15"], get_peft_model_state_dict(trained))
    plain.load_lora_adapter(tmp_path, weight_name=LORA_FILE)
    layers = [model.transformer_blocks[0].ff.net[2] for model in (trained, plain)]
    x = torch.randn(3, layers[0].base_layer.in_features)
    assert torch.equal(layers[0](x), layers[1](x)) and not torch.equal(layers[0](x), layers[0].base_layer(x))


def test_every_family_has_a_layout_whose_classes_exist():
    import diffusers

    from models.backbones.families import FAMILIES

    assert set(FAMILIES.entries) == set(LAYOUTS)
    assert all(hasattr(diffusers, name) for layout in LAYOUTS.values() for name in (layout.pipeline, layout.transformer))


@pytest.mark.parametrize("family", ["wan", "wan_ti2v"])
def test_every_layer_that_lora_may_take_has_a_name_in_comfyui(family):
    from models.backbones.wan import LORA_LAYERS

    assert set(LORA_LAYERS) == {"feed_forward", "attention"}
    names = {
        f"blocks.3.{part}" for part in ("ffn.net.0.proj", "ffn.net.2", *(f"attn1.{to}" for to in ("to_q", "to_k", "to_v", "to_out.0")))
    }
    there = {comfy_layer(name, LAYOUTS[family].comfy_layers, "x") for name in names}
    expected = {"ffn.0", "ffn.2", "self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o"}
    assert there == {f"diffusion_model.blocks.3.{name}" for name in expected}
    with pytest.raises(ValueError, match="got proj_out, expected one with a name in ComfyUI; use --format diffusers"):
        comfy_layer("proj_out", LAYOUTS[family].comfy_layers, "x")


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({}, "LoRA weights: got none"),
        ({"a.lora_A.weight": torch.ones(4, 2)}, "pairs of"),
        ({"a.lora_A.weight": torch.ones(3, 2), "a.lora_B.weight": torch.ones(2, 4)}, "rank of a.lora_A.weight: got 3, expected 4"),
        ({"a.weight": torch.ones(4, 2)}, "got a.weight"),
    ],
)
def test_weights_that_are_no_lora_of_the_card_are_refused(weights, said):
    with pytest.raises(ValueError, match=said):
        check_lora(weights, 4, "x")


def test_a_transformer_trained_whole_loads_as_its_card_says(tmp_path):
    """The README's own lines, run: tiny's rotary base has no place in diffusers' configuration."""
    checkpoint = save_tiny(tmp_path / "small")
    card = read_card(checkpoint)
    write_transformer(tmp_path / "out", trained_transformer(checkpoint, card, load_file(checkpoint / "model.safetensors")))
    text = model_card(card, name="small", layout=layout_of(card, "small"), comfy_file=None, license_id=None)
    lines = text.split("### diffusers")[1].split("```python\n")[1].split("```")[0]
    space: dict = {}
    exec(lines.replace("THIS_FOLDER", str(tmp_path / "out")), space)
    own = load_checkpoint(checkpoint).backbone.transformer
    generator = torch.Generator().manual_seed(0)
    hidden, words = torch.randn(1, 385, 3, 4, 8, generator=generator), torch.zeros(1, 1, 8)
    ask = {"hidden_states": hidden, "timestep": torch.tensor([500.0]), "encoder_hidden_states": words, "return_dict": False}
    with torch.no_grad():
        loaded = space["transformer"](**ask)[0]
        assert (loaded - own(**ask)[0]).abs().max() <= 1e-5  # other alignment in memory, other rounding
        own.rope = type(own.rope)(12, (1, 1, 1), 64)
        assert (loaded - own(**ask)[0]).abs().max() > 1e-3  # so the remark is needed


def test_a_wan_trained_whole_leaves_no_path_in_its_configuration(base, tmp_path):
    from diffusers import WanTransformer3DModel

    from models.backbones.diffusers_folder import fingerprint

    torch.manual_seed(9)
    weights = WanTransformer3DModel(patch_size=(1, 2, 2), **WAN).state_dict()
    named = {"name": base.name, "fingerprint": fingerprint(base), "path": way_to(base, tmp_path / "full")}
    save_checkpoint(tmp_path / "full", weights=weights, card=card_of({"family": "wan", "weights": named}), half=False)
    card = read_card(tmp_path / "full")
    trained = trained_transformer(tmp_path / "full", card, load_file(tmp_path / "full" / "model.safetensors"))
    assert trained.config["_name_or_path"].startswith(str(base))  # diffusers would write it
    write_transformer(tmp_path / "out", trained)
    assert "_name_or_path" not in json.loads((tmp_path / "out/transformer/config.json").read_text())
    loaded = WanTransformer3DModel.from_pretrained(tmp_path / "out", subfolder="transformer")
    assert (asked(loaded) - asked(load_checkpoint(tmp_path / "full").backbone.transformer)).abs().max() <= 1e-5
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["transformer"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("rtmlib:/home/me/my models/rtm", "rtmlib:rtm"),
        ("recorded:/home/me/clips/", "recorded:clips"),
        ("../../home/me/Wan2.1", "Wan2.1"),
        ("C:\\Users\\me\\Wan", "C:Wan"),
        ("wan_14b_e2e", "wan_14b_e2e"),
    ],
)
def test_of_a_path_only_its_end_is_told(said, told):
    assert place_free(said) == told
    assert "/" not in public_name(said) and " " not in public_name(said) and public_name(said)


def test_the_card_tells_everything_but_where(base):
    import yaml

    weights = {"name": "/data/alice/Wan2.1-I2V", "fingerprint": "ef" * 32, "path": "../../alice/Wan2.1-I2V"}
    fields = {"family": "wan", "weights": weights}
    recipe = {
        "recipe": "wan_14b_e2e",
        "optimizer": {"lr": 5e-05},
        "batch_size": 2,
        "backbone": fields,
        "motion": {"estimator": "/home/alice/x"},
    }
    motion = {"kind": "skeleton", "estimator": "rtmlib:/home/alice/models/rtm", "normalised": True}
    more = {"adapter": {"rank": 256, "alpha": 128.0, "layers": ["feed_forward"]}, "parents": {"init": "12" * 32}, "recipe": recipe}
    card = card_of(fields, motion=motion, **more)
    text = model_card(card, name="knight", layout=LAYOUTS["wan"], comfy_file="comfyui/knight.safetensors", license_id="apache-2.0")
    front = yaml.safe_load(text.split("---")[1])
    assert front["license"] == "apache-2.0" and front["base_model"] == "Wan2.1-I2V" and front["base_model_relation"] == "adapter"
    assert front["pipeline_tag"] == "image-to-video" and front["library_name"] == "diffusers" and "lora" in front["tags"]
    told = [
        "rank 256",
        "alpha 128",
        "ef" * 32,
        "cd" * 32,
        "ab" * 32,
        "12" * 32,
        "32x32 px, 8 fps",
        "rtmlib:rtm",
        "motion_fidelity",
        "lr 5e-05",
    ]
    told += [
        "load_lora_weights",
        "comfyui/knight.safetensors",
        "InContextPipeline",
        "Consent",
        "Synthetic media",
        "wan_14b_e2e",
        "12 examples",
    ]
    assert [word for word in told if word not in text] == [] and "alice" not in text and "/home" not in text


def test_a_license_has_the_hub_s_form():
    check_license(None), check_license("cc-by-nc-4.0")
    with pytest.raises(ValueError, match="--license: got 'Apache 2.0'"):
        check_license("Apache 2.0")


def picture(seed: int = 0, size=(40, 48)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)


def clip(frames: int = 12, fps: float = 8.0) -> Clip:
    return Clip(frames=np.stack([picture(seed, (40, 40)) for seed in range(frames)]), fps=fps)


@pytest.fixture(scope="module")
def pipe(tmp_path_factory):
    return InContextPipeline.from_pretrained(save_tiny(tmp_path_factory.mktemp("tiny") / "small"))


def test_the_pipeline_says_what_the_animator_says(pipe):
    given, driving = picture(), clip()
    request = AnimationRequest(id="x", reference=given, driving=driving, size=(40, 48), num_frames=12, seed=5)
    wanted = pipe.animator.animate(request).clip
    out = pipe(given, driving, width=40, height=48, seed=5)
    assert out.frames.shape == (1, 12, 48, 40, 3) and out.frames.dtype == np.float32 and out.fps == 8.0 and out.seed == 5
    assert np.array_equal(np.round(out.frames[0] * 255).astype(np.uint8), wanted.frames)

    pictures = pipe(Image.fromarray(given), [Image.fromarray(f) for f in driving.frames], width=40, height=48, seed=5, output_type="pil")
    assert isinstance(pictures.frames[0][0], Image.Image) and np.array_equal(np.stack(pictures.frames[0]), wanted.frames)
    tensor = pipe(given, driving.frames, width=40, height=48, seed=5, output_type="pt").frames
    assert tensor.shape == (1, 12, 3, 48, 40) and torch.equal(tensor[0].movedim(1, -1), torch.from_numpy(out.frames[0]))


def test_files_rates_and_sizes(pipe, tmp_path):
    from models.video import write_video

    Image.fromarray(picture()).save(tmp_path / "a.png")
    write_video(tmp_path / "d.mp4", clip(12, fps=16.0))
    out = pipe(str(tmp_path / "a.png"), tmp_path / "d.mp4", seed=0)
    assert out.frames.shape[1] == 6 and out.fps == 8.0  # brought to the rate of the training clips
    assert out.frames.shape[2:4] == pipe.animator.canvas_size((40, 48))[::-1]
    assert pipe(picture(), tmp_path / "d.mp4", seed=0, fps=16.0, num_frames=3).frames.shape[1] == 3
    slow, fast = clip(12, fps=8.0), clip(12, fps=16.0)
    every_other = pipe(picture(), slow.frames[::2], seed=0).frames
    assert np.array_equal(pipe(picture(), fast, seed=0).frames, every_other) and pipe(picture(), slow, seed=0).frames.shape[1] == 12
    veiled = Image.new("RGBA", (40, 48), (255, 0, 0, 0))
    assert np.array_equal(pipe(veiled, clip(2), seed=0).frames, pipe(np.full((48, 40, 3), 255, np.uint8), clip(2), seed=0).frames)


def test_settings_of_a_call_are_its_own(pipe):
    before, seen = pipe.animator.sampling, []
    out = pipe(picture(), clip(), seed=1, num_inference_steps=3, guidance_scale=1.5, progress=lambda *at: seen.append(at))
    assert out.provenance["steps"] == 3 and out.provenance["windows"] == 2
    assert seen == [(done, 6) for done in range(1, 7)] and pipe.animator.sampling is before == Sampling(steps=2)
    assert type(pipe.animator.backbone).__name__ == "TinyBackbone"
    assert not np.array_equal(out.frames, pipe(picture(), clip(), seed=1).frames)


def test_noise_comes_from_a_seed_or_a_generator_that_moves_on(pipe):
    def call(**how):
        return pipe(picture(), clip(2), **how)

    generator = torch.Generator().manual_seed(4)
    first, second = call(generator=generator), call(generator=generator)
    again = call(generator=torch.Generator().manual_seed(4))
    assert first.seed == again.seed != second.seed and np.array_equal(first.frames, again.frames)
    assert np.array_equal(call(seed=second.seed).frames, second.frames) and call().seed != call().seed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image": np.zeros((4, 4), np.uint8)}, "image: got uint8"),
        ({"image": "nowhere.png"}, "image: got no file nowhere.png"),
        ({"driving_video": "nowhere.mp4"}, "driving_video: got no file nowhere.mp4"),
        ({"driving_video": []}, "driving_video: got an empty list"),
        ({"driving_video": 7}, "driving_video: got int, expected a path"),
        ({"driving_video": [picture(), picture(size=(4, 4))]}, r"size of driving_video\[1\]: got \(4, 4\), expected \(40, 48\)"),
        ({"driving_video": np.zeros((2, 4, 4, 3), np.float32)}, r"frames: got float32 \(2, 4, 4, 3\), expected uint8"),
        ({"num_frames": 13}, "num_frames: got 13, expected 1 to 12"),
        ({"height": 32}, r"width, height: got \(None, 32\), expected both or neither"),
        ({"output_type": "latent"}, "output_type: got 'latent', expected np or pil or pt"),
        ({"seed": 1, "generator": torch.Generator()}, "generator, seed: got both"),
        ({"generator": [torch.Generator()]}, "generator: got list, expected one torch.Generator"),
        ({"num_inference_steps": 0}, "steps: got 0"),
        ({"fps": 0}, "fps: got 0"),
    ],
)
def test_mistakes_name_the_argument(pipe, changes, said):
    with pytest.raises(ValueError, match=said):
        pipe(**{"image": picture(), "driving_video": clip(), **changes})


def test_base_weights_may_lie_elsewhere(base, tmp_path, monkeypatch):
    monkeypatch.delenv("ACTORFORGE_WEIGHTS", raising=False)
    checkpoint = save_lora(tmp_path / "knight", base, 2.0)
    moved = tmp_path / "elsewhere" / "knight"
    moved.parent.mkdir()
    checkpoint.rename(moved)
    with pytest.raises(ValueError, match="base weights"):
        InContextPipeline.from_pretrained(moved)
    pipe = InContextPipeline.from_pretrained(moved, weights=base)
    assert pipe(picture(size=(64, 64)), clip(3), seed=0).frames.shape == (1, 3, 32, 32, 3)
    with pytest.raises(ValueError, match="expected a local diffusers folder"):
        InContextPipeline.from_pretrained(moved, weights=tmp_path / "none")
    with pytest.raises(ValueError, match="has no base weights"):
        InContextPipeline.from_pretrained(save_tiny(tmp_path / "small"), weights=base)


def test_a_checkpoint_of_another_class_is_refused():
    with pytest.raises(ValueError, match="class: got WarpAnimator, expected InContextAnimator"):
        InContextPipeline.from_pretrained("tiny_e2e")


def test_replacing_a_pose_works_for_skeletons(tmp_path):
    from models.types import PoseTrack

    checkpoint = save_tiny(tmp_path / "posed", motion="skeleton")
    points = np.random.default_rng(0).uniform(0, 40, (4, 1, 17, 2)).astype(np.float32)
    pose = PoseTrack(points=points, confidence=np.ones((4, 1, 17)), skeleton="coco17", fps=8.0)
    pipe = InContextPipeline.from_pretrained(checkpoint)
    one, other = (pipe(picture(), clip(4), seed=0, pose=track).frames for track in (pose, replace(pose, points=points + 9)))
    assert not np.array_equal(one, other)
