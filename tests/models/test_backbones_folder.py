"""What holds for every family that is built from a diffusers folder: painting, LoRA checkpoints, animation, overfitting, refusals."""

import json
import re
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.animators.checkpoint import load_checkpoint, save_checkpoint
from models.animators.in_context import InContextAnimator
from models.animators.motion import Raw
from models.animators.places import way_to
from models.animators.sampling import Sampling
from models.backbones import diffusers_folder
from models.backbones.backbone import Backbone, Condition, canvas_loss, check_grid, keep_driver, paint, target_latents
from models.backbones.diffusers_folder import fingerprint
from models.canvas import compose, left_half, right_half
from models.pixels import clips_to_signed, to_signed
from models.runtime import Runtime
from models.training.lora import LoraSpec, add_lora, lora_state
from models.types import AnimationRequest, Clip, Grid
from tests.models.tiny_pipelines import CPU, FRAMES, SAVERS, SIDE, backbone_of, canvas_of, noise_of, pictures

torch.set_num_threads(1)
FAMILIES = tuple(SAVERS)
LATENTS = {"wan": (16, 3, 4, 8), "wan_ti2v": (16, 3, 2, 4), "hunyuan": (4, 3, 4, 8), "hunyuan15": (4, 3, 2, 4)}
WIDE = {
    "wan": {"num_attention_heads": 8, "attention_head_dim": 64},
    "wan_ti2v": {"num_attention_heads": 8, "attention_head_dim": 64},
    "hunyuan": {"num_attention_heads": 8},
    "hunyuan15": {"num_attention_heads": 8},
}
"""Wide enough that a frozen random head can say a token's velocity: a released model's head needs no such help."""
MESSAGE = re.compile(r"^[^:]+: [^:]+: got .+, expected .+; .+", re.DOTALL)
"""Item, field, got, expected, what to do."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    return {family: save(root / family) for family, save in SAVERS.items()}


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A wan folder with every component."""
    return SAVERS["wan"](tmp_path_factory.mktemp("complete") / "wan", image_encoder=True, text_encoder=True)


@pytest.fixture
def copy(folders, tmp_path):
    return lambda family: shutil.copytree(folders[family], tmp_path / family)


def painted(backbone, canvas, steps=2, seed=0):
    condition = backbone.condition(canvas, ("",) * len(canvas.reference_B3HW))
    with torch.no_grad():
        return paint(backbone, noise_of(condition, seed), condition, steps=steps, guidance=1.0, without=None)


def refused(act, *parts):
    """The message of the ValueError that `act` must raise, which names item, field, got, expected and a way out."""
    with pytest.raises(ValueError) as caught:
        act()
    message = str(caught.value)
    assert MESSAGE.match(message) and all(part in message for part in parts), message


# what a backbone does


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_becomes_a_backbone_that_paints(folders, family):
    backbone = backbone_of(family, folders[family])
    condition = backbone.condition(canvas_of(*pictures()), ("a knight waves",))
    channels, frames, height, width = LATENTS[family]
    assert isinstance(backbone, Backbone) and backbone.codec.channels == channels and backbone.codec.time_stride == 4
    assert condition.latents_BCThw2.shape == (1, *LATENTS[family])
    assert condition.mask.shape[2:] == condition.kept.shape[2:] == (frames, height, width)
    with torch.no_grad():
        latents = paint(backbone, noise_of(condition), condition, steps=3, guidance=1.0, without=None)
    pixels = backbone.codec.decode(latents)
    assert latents.shape == condition.latents_BCThw2.shape and latents.isfinite().all()
    assert pixels.shape == (1, 3, FRAMES, SIDE, 2 * SIDE) and pixels.abs().max() <= 1
    card = backbone.describe()
    assert card["family"] == family and card["weights"] == {"name": family, "fingerprint": fingerprint(folders[family])}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_left_half_heeds_reference_driver_gap_and_noise(folders, family):
    backbone, (reference, driver), (other_reference, other_driver) = backbone_of(family, folders[family]), pictures(), pictures(1)
    base = left_half(painted(backbone, canvas_of(reference, driver)))
    assert torch.equal(base, left_half(painted(backbone, canvas_of(reference, driver))))
    others = [
        painted(backbone, canvas_of(other_reference, driver)),
        painted(backbone, canvas_of(reference, other_driver)),
        painted(backbone, canvas_of(reference, driver, gap_frames=7)),
        painted(backbone, canvas_of(reference, driver), seed=1),
    ]
    assert all((left_half(other) - base).abs().max() > 1e-4 for other in others)  # ten times what parity with diffusers is held to


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_is_its_samples(folders, family):
    backbone = backbone_of(family, folders[family])
    (a, b), (c, d) = pictures(), pictures(1)
    both = compose(to_signed(np.stack([a, c])), clips_to_signed(np.stack([b, d])), FRAMES, gap_frames=3)
    conditions = [backbone.condition(canvas, ("",) * n) for canvas, n in ((both, 2), (canvas_of(a, b), 1), (canvas_of(c, d), 1))]
    x, t = noise_of(conditions[0]), torch.tensor([0.2, 0.8])
    with torch.no_grad():
        two = backbone.denoise(x, t, conditions[0])
        one = torch.cat([backbone.denoise(x[i : i + 1], t[i : i + 1], conditions[1 + i]) for i in range(2)])
    assert torch.allclose(conditions[0].latents_BCThw2, torch.cat([c.latents_BCThw2 for c in conditions[1:]]), atol=1e-5)
    assert torch.allclose(two, one, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_coarse_number_format_rounds_and_no_more(folders, family):
    """The path itself stays float32, and so do VAE and condition."""
    exact, coarse = (backbone_of(family, folders[family], Runtime(device="cpu", dtype=name)) for name in ("float32", "bfloat16"))
    canvas = canvas_of(*pictures())
    assert torch.equal(exact.condition(canvas, ("",)).latents_BCThw2, coarse.condition(canvas, ("",)).latents_BCThw2)
    one, two = painted(exact, canvas), painted(coarse, canvas)
    assert two.dtype == torch.float32 and 0 < (one - two).abs().mean() < 0.02 * one.std()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_kept_driver_stands_clean(folders, family):
    backbone = backbone_of(family, folders[family])
    condition = keep_driver(backbone.condition(canvas_of(*pictures()), ("",)))
    with torch.no_grad():
        latents = paint(backbone, noise_of(condition), condition, steps=2, guidance=1.0, without=None)
    assert torch.equal(right_half(latents), right_half(condition.latents_BCThw2))


@pytest.mark.parametrize("family", ["wan", "hunyuan"])
def test_a_cache_over_steps_forgets_the_clip_before(folders, family):
    backbone = backbone_of(family, folders[family], Runtime(device="cpu", block_cache=0.9))
    first = painted(backbone, canvas_of(*pictures()), steps=3)
    assert (first - painted(backbone_of(family, folders[family]), canvas_of(*pictures()), steps=3)).abs().max() > 1e-6  # it did skip
    painted(backbone, canvas_of(*pictures(1, 5), frames=5))
    assert torch.equal(first, painted(backbone, canvas_of(*pictures()), steps=3))


# what is trained, and what comes back


def train_lora(backbone, layers=("feed_forward",)):
    """A LoRA whose output is not zero."""
    add_lora(backbone, LoraSpec(rank=4, layers=layers))
    generator = torch.Generator().manual_seed(0)
    for name, parameter in backbone.transformer.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.3, generator=generator)


def save_lora(out, folder, backbone, sampling):
    described, grid = backbone.describe(), {"width": SIDE, "height": SIDE, "fps": 8.0, "num_frames": FRAMES}
    card = {
        "backbone": described | {"weights": described["weights"] | {"path": way_to(folder, out)}},
        "adapter": asdict(LoraSpec(rank=4)),
        "motion": {"kind": "raw"},
        "grid": grid,
        "gap_frames": 3,
        "prediction": backbone.prediction,
        "sampling": asdict(sampling),
    }
    save_checkpoint(out, weights=lora_state(backbone.transformer), card=card, half=False)
    return Grid(**grid)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_lora_checkpoint_comes_back_exactly_and_animates(folders, tmp_path, family):
    backbone, sampling = backbone_of(family, folders[family]), Sampling(steps=2, tail_frames=4)
    without = painted(backbone, canvas_of(*pictures()))
    train_lora(backbone)
    grid = save_lora(tmp_path / "checkpoint", folders[family], backbone, sampling)
    animator = load_checkpoint(tmp_path / "checkpoint", CPU)
    ours, theirs = painted(backbone, canvas_of(*pictures())), painted(animator.backbone, canvas_of(*pictures()))
    assert torch.equal(ours, theirs) and (ours - without).abs().max() > 1e-3
    trained = InContextAnimator(
        backbone=backbone, motion=Raw(), grid=grid, gap_frames=3, name="x", weights_hash="0" * 64, sampling=sampling
    )
    reference, driver = pictures(2, frames=20)
    request = AnimationRequest(id="a", reference=reference, driving=Clip(frames=driver, fps=8), size=(40, 28), num_frames=19, seed=1)
    clip = animator.animate(request).clip
    assert clip.frames.shape == (19, 28, 40, 3) and clip.fps == 8 and np.array_equal(clip.frames, trained.animate(request).clip.frames)


@pytest.mark.parametrize("tail, frames", [(0, 9), (0, 20), (5, 20), (1, 3)])
@pytest.mark.parametrize("family", FAMILIES)
def test_drivers_of_any_length_are_animated_at_the_size_asked_for(folders, family, tail, frames):
    grid = Grid(width=SIDE, height=SIDE, fps=8.0, num_frames=FRAMES)
    backbone, sampling = backbone_of(family, folders[family]), Sampling(steps=1, tail_frames=tail)
    animator = InContextAnimator(
        backbone=backbone, motion=Raw(), grid=grid, gap_frames=3, name="x", weights_hash="0" * 64, sampling=sampling
    )
    reference, driver = pictures(3, frames=frames)
    request = AnimationRequest(id="a", reference=reference, driving=Clip(frames=driver, fps=12), size=(64, 32), num_frames=frames, seed=0)
    result = animator.animate(request)
    assert result.clip.frames.shape == (frames, 32, 64, 3) and result.clip.fps == 12 and result.clip.frames.std() > 1
    assert (result.provenance["windows"] > 1) == (frames > FRAMES)


@pytest.mark.parametrize("family", FAMILIES)
def test_lora_learns_one_pair_by_heart(tmp_path, family):
    """Four fixed draws of noise at four times; LoRA of rank 8 on the feed-forward layers, everything else frozen and random."""
    backbone = backbone_of(family, SAVERS[family](tmp_path / family, **WIDE[family]))
    torch.manual_seed(0)
    (reference, driver), (_, target) = pictures(), pictures(1)
    canvas, times = canvas_of(reference, driver), torch.tensor([0.3, 0.5, 0.7, 0.9])
    condition = four_times(backbone.condition(canvas, ("",)))
    clean = target_latents(backbone, clips_to_signed(target[None]), canvas).expand_as(condition.latents_BCThw2)
    noise = noise_of(condition)
    add_lora(backbone, LoraSpec(rank=8))
    frozen = {name: p.clone() for name, p in backbone.transformer.named_parameters() if not p.requires_grad}
    optimizer = torch.optim.Adam([p for p in backbone.transformer.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    while len(losses) < 300 and (not losses or losses[-1] > losses[0] / 10):
        loss = canvas_loss(backbone, clean, condition, noise, times, driver_weight=0.0)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] <= losses[0] / 10, f"{losses[0]:.3f} -> {losses[-1]:.3f} in {len(losses)} steps"
    assert all(torch.equal(p, frozen[name]) for name, p in backbone.transformer.named_parameters() if name in frozen)


def four_times(condition):
    latents = condition.latents_BCThw2.expand(4, -1, -1, -1, -1)
    words = {name: word.expand(4, *word.shape[1:]) for name, word in condition.words.items()}
    return Condition(latents_BCThw2=latents, mask=condition.mask, kept=condition.kept, words=words)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_counts_what_is_painted_of_the_left_half(folders, family):
    backbone = backbone_of(family, folders[family])
    condition = backbone.condition(canvas_of(*pictures()), ("",))
    clean, noise, t = torch.zeros_like(condition.latents_BCThw2), noise_of(condition), torch.tensor([0.5])
    with torch.no_grad():
        said = backbone.denoise(torch.lerp(noise * 0.5, condition.latents_BCThw2, condition.kept.expand_as(noise)), t, condition)
        loss = canvas_loss(backbone, clean, condition, noise, t, driver_weight=0.0)
    where = left_half(condition.kept).expand_as(left_half(noise)) == 0
    wanted = (left_half(said) - left_half(noise))[where].square().mean()
    assert loss == pytest.approx(wanted.item(), rel=1e-5)
    assert where.all() == (family != "wan_ti2v")  # only there the reference itself is no longer noise


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unknown_kind_of_layer_is_refused(folders, family):
    backbone = backbone_of(family, folders[family])
    refused(
        lambda: add_lora(backbone, LoraSpec(layers=("text",))),
        f"lora on {family}: layers: got 'text', expected one of feed_forward, attention",
    )


def test_a_checkpoint_on_other_base_weights_is_refused(folders, tmp_path):
    folder = shutil.copytree(folders["wan"], tmp_path / "wan")
    backbone = backbone_of("wan", folder)
    train_lora(backbone)
    save_lora(tmp_path / "checkpoint", folder, backbone, Sampling(steps=1))
    rewrite(folder / "transformer", lambda weights: {name: tensor + 1 for name, tensor in weights.items()})
    refused(lambda: load_checkpoint(tmp_path / "checkpoint", CPU), "weights wan: fingerprint: got ")


# what is refused


def rewrite(component, change):
    file = next(component.glob("*.safetensors"))
    weights = {name: tensor.clone() for name, tensor in load_file(file).items()}  # the file itself lies behind what is loaded
    save_file(change(weights), file, metadata={"format": "pt"})


def without_one(weights):
    return {name: weights[name] for name in sorted(weights)[1:]}


def with_one_more(weights):
    return weights | {"stray.weight": torch.zeros(2)}


def with_another_shape(weights):
    first = sorted(weights)[0]
    return weights | {first: torch.zeros(*[size + 1 for size in weights[first].shape])}


def with_a_lora_in_it(weights):
    return {name.replace("to_q.weight", "to_q.base_layer.weight"): tensor for name, tensor in weights.items()}


@pytest.mark.parametrize("part", ["transformer", "vae"])
@pytest.mark.parametrize("change", [without_one, with_one_more, with_another_shape])
@pytest.mark.parametrize("family", FAMILIES)
def test_weights_that_do_not_fit_are_refused_by_name(copy, family, change, part):
    folder = copy(family)
    rewrite(folder / part, change)
    name = "stray.weight" if change is with_one_more else sorted(load_file(next((folder / part).glob("*.safetensors"))))[0]
    parts = (f"weights {family}: {part} weight ", "" if change is without_one else name)
    refused(lambda: backbone_of(family, folder), *parts)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_transformer_saved_with_its_lora_is_refused(copy, family):
    folder = copy(family)
    rewrite(folder / "transformer", with_a_lora_in_it)
    refused(
        lambda: backbone_of(family, folder), f"weights {family}: transformer weights: got ['", ".base_layer.weight'], expected plain names"
    )


@pytest.mark.parametrize("part", ["text_encoder", "image_encoder"])
@pytest.mark.parametrize("change", [without_one, with_another_shape])
def test_an_encoder_that_would_be_filled_with_random_numbers_is_refused(complete, tmp_path, change, part):
    folder = shutil.copytree(complete, tmp_path / "wan")
    rewrite(folder / part, change)
    refused(lambda: backbone_of("wan", folder), f"weights wan: {part} weights: got ")


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "image_encoder"])
def test_pickled_and_damaged_weights_are_refused(complete, tmp_path, part):
    folder = shutil.copytree(complete, tmp_path / "wan")
    file = next((folder / part).glob("*.safetensors"))
    data = file.read_bytes()
    file.write_bytes(data[:100])
    with pytest.raises(ValueError, match=f"{part}.*damaged weights .*; copy the file again"):
        backbone_of("wan", folder)
    file.rename(file.with_suffix(".bin"))
    refused(
        lambda: backbone_of("wan", folder),
        f"weights wan: {part}/*.safetensors: got none, expected one or more; pickled weights are not read",
    )


def test_a_missing_part_of_a_folder_is_refused(complete, tmp_path):
    parts = sorted(path.name for path in complete.iterdir() if path.is_dir())
    assert len(parts) == 7
    for part in parts:
        folder = shutil.copytree(complete, tmp_path / part)
        shutil.rmtree(folder / part)
        refused(lambda folder=folder: backbone_of("wan", folder), f"weights {part}: {part}: got no such folder, expected {part}/")
    refused(lambda: backbone_of("wan", tmp_path / "nowhere"), "weights nowhere: model_index.json: got no such file")
    refused(lambda: backbone_of("wan", None), "backbone wan: --weights: got none, expected a local diffusers folder")


@pytest.mark.parametrize("part", ["transformer", "vae"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_part_left_out_that_the_family_needs_is_refused(copy, family, part):
    folder = copy(family)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {part: [None, None]}))
    refused(lambda: backbone_of(family, folder), f"weights {family}: {part}: got not in model_index.json, expected a ")


def test_a_transformer_that_takes_clip_tokens_needs_an_image_encoder(complete, tmp_path):
    folder = shutil.copytree(complete, tmp_path / "wan")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"image_encoder": [None, None]}))
    refused(lambda: backbone_of("wan", folder), "weights wan: image_encoder: got none, expected a CLIPVisionModel")


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_of_every_other_family_are_refused(folders, family):
    for other in set(FAMILIES) - {family}:
        refused(lambda other=other: backbone_of(family, folders[other]))


@pytest.mark.parametrize(
    "family, channels, layout",
    [
        ("wan", 16, "36 = noise 16, mask 4"),
        ("wan_ti2v", 20, "16 = noise 16"),
        ("hunyuan", 8, "9 = noise 4"),
        ("hunyuan15", 4, "9 = noise 4"),
    ],
)
def test_a_transformer_of_other_channels_is_refused(tmp_path, family, channels, layout):
    folder = SAVERS[family](tmp_path / family, in_channels=channels)
    refused(lambda: backbone_of(family, folder), f"backbone {family}: transformer in_channels: got {channels}, expected {layout}")


@pytest.mark.parametrize("family", FAMILIES)
def test_grids_that_do_not_fall_into_tokens_and_latent_frames_are_refused(folders, family):
    backbone = backbone_of(family, folders[family])
    unit = backbone.codec.space_stride * backbone.patch[1]
    good = {"width": 2 * unit, "height": unit, "fps": 8.0, "num_frames": 9}
    check_grid(backbone, Grid(**good))
    for name, value, hint in (
        ("width", 2 * unit + 8, f"take {2 * unit}"),
        ("height", unit + 1, f"take {unit}"),
        ("num_frames", 8, "take 5 or 9"),
    ):
        refused(lambda name=name, value=value: check_grid(backbone, Grid(**good | {name: value})), f"grid {name}: got {value}", hint)
    refused(lambda: backbone.condition(canvas_of(*pictures(0, 8), frames=8), ("",)), "canvas: frames: got 8, expected 4k+1")


def test_a_video_shorter_than_the_gap_is_refused():
    refused(lambda: canvas_of(*pictures(0, 5), frames=5, gap_frames=5), "canvas: frames: got 5, expected more than the start gap of 5")


# the fingerprint


def change_one_number(file, where=0.5):
    data = bytearray(file.read_bytes())
    data[8 + int((len(data) - 8) * where)] ^= 1
    file.write_bytes(bytes(data))


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "image_encoder"])
def test_a_copy_has_the_same_fingerprint_and_one_changed_number_another(complete, tmp_path, part):
    folder = shutil.copytree(complete, tmp_path / "elsewhere" / "other_name")
    assert fingerprint(folder) == fingerprint(complete)
    change_one_number(next((folder / part).glob("*.safetensors")), 0.9)
    assert fingerprint(folder) != fingerprint(complete)


def test_a_changed_config_has_another_fingerprint(copy):
    folder = copy("wan")
    before, config = fingerprint(folder), json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(config | {"shift": 4.0}))
    assert fingerprint(folder) != before


def test_the_pipelines_own_settings_and_its_vocabulary_count(copy):
    folder = copy("wan")
    before, index = fingerprint(folder), json.loads((folder / "model_index.json").read_text())
    (folder / "README.txt").write_text("copied on Monday")
    (folder / "model_index.json").write_text(json.dumps(index | {"_name_or_path": "elsewhere", "_diffusers_version": "0.1"}))
    assert fingerprint(folder) == before
    (folder / "model_index.json").write_text(json.dumps(index | {"expand_timesteps": True}))
    settings = fingerprint(folder)
    (folder / "tokenizer").mkdir(exist_ok=True)
    (folder / "tokenizer" / "spiece.model").write_bytes(b"words")
    assert len({before, settings, fingerprint(folder)}) == 3


@pytest.mark.parametrize("where", [0.001, 0.3333, 0.77, 0.9999])
def test_larger_files_are_read_whole(copy, where):
    folder = copy("wan")
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    save_file({"a": torch.rand(1 << 22)}, file)
    before = fingerprint(folder)
    change_one_number(file, where)
    assert fingerprint(folder) != before


def test_huge_files_are_read_in_blocks_that_other_weights_change(copy, monkeypatch):
    monkeypatch.setattr(diffusers_folder, "_WHOLE_BYTES", 1 << 20)
    folder = copy("wan")
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    weights = {name: torch.rand(1 << 20, generator=torch.Generator().manual_seed(i)) for i, name in enumerate("abcd")}
    save_file(weights, file)
    before = fingerprint(folder)
    save_file(weights | {"c": weights["c"] + 1e-3}, file)
    assert fingerprint(folder) != before
    save_file(weights, file)
    assert fingerprint(folder) == before
