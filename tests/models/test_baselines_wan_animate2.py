"""Wan-Animate-2 as an animator: runs of the real class, uncompiled, and what is handed over to it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from models.baselines.local import wan_animate2
from models.baselines.local.wan_animate2 import (
    DISTILLED,
    REFERENCE_PROMPT,
    WanAnimate2DistilledOptions,
    WanAnimate2Options,
    capabilities,
    create,
    estimate,
    options,
    segment_plan,
)
from models.baselines.local.wan_animate2_pipeline import WanAnimate2, mirrored
from models.estimate import Workload
from models.runtime import Runtime
from tests.models.tiny_local import request_of, save_animate2
from tests.models.tiny_pipelines import CPU

torch.set_num_threads(1)
FPS = 24.0
QUICK = WanAnimate2Options(steps=2, area_px=0, segment=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_animate2(tmp_path_factory.mktemp("animate2") / "full")


@pytest.fixture
def compiler(monkeypatch):
    """Folders can be checked and loaded where no compiler is."""
    monkeypatch.setattr(wan_animate2, "require_compiler", lambda name: None)


@pytest.fixture
def eager():
    """The block mask of flex attention, uncompiled: the same mask without a minute of C++."""
    with torch.compiler.set_stance("force_eager"):
        yield


def test_the_bare_pipelines_pixels_on_a_folder_that_was_moved(folder, tmp_path, compiler, eager):
    """Two segments, guided, of diffusers' own loading and padding; and again after save and reload."""
    from diffusers import ModularPipeline

    moved, asked = shutil.copytree(folder, tmp_path / "moved"), request_of(7, fps=FPS)
    animator = create(str(moved), runtime=CPU, options=QUICK)
    ours = animator.animate(asked)
    pipe = ModularPipeline.from_pretrained(str(folder), local_files_only=True)
    pipe.load_components(local_files_only=True)
    theirs = pipe(
        prompt=asked.prompt,
        image=Image.fromarray(asked.reference),
        driving_video=[Image.fromarray(frame) for frame in asked.driving.frames],
        segment_frame_length=5,
        num_inference_steps=2,
        height=32,
        width=49,
        generator=torch.Generator().manual_seed(asked.seed),
        output="videos",
    )[0]
    assert np.array_equal(ours.clip.frames, np.uint8(np.round(theirs * 255))) and ours.clip.frames.std() > 1
    assert ours.provenance["segments"] == 2 and ours.provenance["runtime"] == CPU.record()
    assert np.array_equal(animator.animate(asked).clip.frames, ours.clip.frames)
    for other in (replace(asked, seed=4), replace(asked, driving=replace(asked.driving, frames=255 - asked.driving.frames))):
        assert (animator.animate(other).clip.frames != ours.clip.frames).any()
    animator.pipe.save_pretrained(str(tmp_path / "again"), overwrite_modular_index=True)
    again = create(str(tmp_path / "again"), runtime=CPU, options=QUICK)
    assert np.array_equal(again.animate(asked).clip.frames, ours.clip.frames)


class Recorder:
    """A pipeline that notes its call and answers with frames that count up."""

    def __call__(self, **call):
        self.call = call
        size = (len(call["driving_video"]), call["height"], call["width"] - 1, 3)
        return [np.arange(size[0], dtype=np.float32)[:, None, None, None] / 255 * np.ones(size, np.float32)]


def handed_over(asked, chosen=QUICK):
    pipe = Recorder()
    animator = WanAnimate2(
        pipe, name="wan_animate2:x", weights_hash="0" * 64, options=chosen, capabilities=capabilities("wan_animate2"), runtime=CPU
    )
    return animator.animate(asked), pipe.call


def test_what_is_handed_over():
    asked, chosen = request_of(7, fps=FPS), replace(QUICK, prompt_ref="a dance", negative_prompt="blur", overlap=2)
    result, call = handed_over(asked, chosen)
    assert (call["prompt"], call["prompt_ref"], call["negative_prompt"]) == (asked.prompt, "a dance", "blur")
    assert (call["segment_frame_length"], call["prev_segment_conditioning_frames"], call["num_inference_steps"]) == (5, 2, 2)
    assert np.array_equal(call["image"], asked.reference) and call["generator"].initial_seed() == asked.seed
    driver = np.stack([np.array(picture) for picture in call["driving_video"]])
    assert np.array_equal(driver, asked.driving.frames[[0, 1, 2, 3, 4, 5, 6, 6]])  # 5 + 3 frames
    assert result.clip.frames[:, 0, 0, 0].tolist() == list(range(7)) and "2 segments" in result.provenance["note"]
    assert handed_over(asked, replace(chosen, guidance=1.0))[1]["negative_prompt"] is None


@pytest.mark.parametrize("frames", [1, 2, 5, 6, 9, 23])
def test_every_driver_fills_whole_segments(frames):
    """Also one so short that the pipeline's own padding would fail."""
    chosen = replace(QUICK, segment=9)
    result, call = handed_over(request_of(frames, fps=FPS), chosen)
    segment, handed = call["segment_frame_length"], len(call["driving_video"])
    assert segment % 4 == 1 and segment <= 9 and (handed - 1) % (segment - 1) == 0 and frames <= handed < frames + segment
    assert len(result.clip) == frames and segment_plan(frames, chosen) == (segment, (handed - 1) // (segment - 1))


def test_the_padding_is_the_pipelines_own():
    assert mirrored(5, 8).tolist() == [0, 1, 2, 3, 4, 4, 3, 2]
    assert mirrored(2, 9).tolist() == [0, 1, 1, 0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("size", [(640, 800), (800, 640), (832, 480), (480, 832), (16, 256), (1264, 16), (720, 720), (688, 752)])
def test_the_pipeline_paints_at_the_size_that_was_meant(size):
    """Its sides come from an area and a shape, and are rounded down; asked for directly it would lose 16 px of some."""
    from diffusers.modular_pipelines.wan_animate_2.encoders import WanAnimate2ProcessImagesInputStep

    width, height = size
    image = Image.fromarray(np.zeros((height, width, 3), np.uint8))
    found = WanAnimate2ProcessImagesInputStep().init_pipeline()(image=image, height=height, width=width + 1)
    assert (found.get("width"), found.get("height"), found.get("crop_region")) == (width, height, (0, 0, height, width))


@pytest.mark.parametrize("size, frames, fps", [((50, 38), 7, 24.0), ((33, 61), 10, 16.0)])
def test_odd_sizes_rates_and_lengths_come_back_as_asked(size, frames, fps):
    result, call = handed_over(request_of(frames, size=size, fps=fps))
    assert call["height"] % 16 == 0 == (call["width"] - 1) % 16
    assert result.clip.size == size and len(result.clip) == frames and result.clip.fps == fps and result.provenance["note"]


def test_no_compiler_is_said_before_anything_is_read(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ValueError, match="C.. compiler: got no .*, expected one on the PATH; flex attention"):
        create(str(tmp_path / "nowhere"))


def test_the_names_stand_for_two_models(folder, tmp_path, compiler):
    distilled = save_animate2(tmp_path / "distilled", distilled=True)
    assert create(str(distilled), name=DISTILLED, runtime=CPU).pipe.guider.config.guidance_scale == 1.0
    assert create(str(folder), runtime=CPU).pipe.guider.config.guidance_scale == 3.0
    with pytest.raises(ValueError, match="name it wan_animate2_distilled:DIR"):
        create(str(distilled), runtime=CPU)
    with pytest.raises(ValueError, match="name it wan_animate2:DIR"):
        create(str(folder), name=DISTILLED, runtime=CPU)
    assert options(DISTILLED) is WanAnimate2DistilledOptions and options("wan_animate2") is WanAnimate2Options
    assert (options(DISTILLED)().steps, options(DISTILLED)().guidance, options("wan_animate2")().steps) == (10, 1.0, 40)
    assert WanAnimate2Options().prompt_ref == REFERENCE_PROMPT


def test_nothing_is_asked_of_the_place_it_was_downloaded_from(folder, tmp_path, compiler):
    moved = shutil.copytree(folder, tmp_path / "moved")
    index = json.loads((moved / "modular_model_index.json").read_text())
    for entry in (value for value in index.values() if isinstance(value, list)):
        entry[2]["pretrained_model_name_or_path"] = "somebody/somewhere-else"
    (moved / "modular_model_index.json").write_text(json.dumps(index))
    here, there = (create(str(place), runtime=CPU).weights_hash for place in (folder, moved))
    assert here == there


def damage(folder, what):
    weights = next((folder / "transformer").glob("*.safetensors"))
    if what == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif what == "missing":
        from safetensors.torch import load_file, save_file

        save_file({name: tensor for name, tensor in load_file(weights).items() if name != "patch_embedding.bias"}, weights)
    elif what in ("vae", "scheduler", "tokenizer"):
        shutil.rmtree(folder / what)
    else:
        (folder / "modular_model_index.json").unlink()


@pytest.mark.parametrize(
    "what, said",
    [
        ("cut", "damaged weights"),
        ("missing", "patch_embedding.bias"),
        ("vae", "vae"),
        ("scheduler", "scheduler"),
        ("tokenizer", "tokenizer"),
        ("index", "modular_model_index.json"),
    ],
)
def test_a_folder_that_is_not_whole_is_an_error_with_its_name(folder, tmp_path, compiler, what, said):
    broken = shutil.copytree(folder, tmp_path / "broken")
    damage(broken, what)
    with pytest.raises(ValueError, match=said):
        create(str(broken), runtime=CPU)


def test_the_runtime_is_honoured_and_what_cannot_be_is_refused(folder, compiler):
    pipe = create(str(folder), runtime=Runtime(device="cpu", dtype="bfloat16", attention="native")).pipe
    assert (pipe.transformer.patch_embedding.weight.dtype, pipe.vae.dtype) == (torch.bfloat16, torch.float32)
    with pytest.raises(ValueError, match="block_cache"):
        create(str(folder), runtime=Runtime(device="cpu", block_cache=0.1))


def test_the_estimate_is_the_segments_tokens():
    told = estimate("wan_animate2", Workload(size=(640, 800), num_frames=161, fps=24.0), WanAnimate2Options())
    assert told.tokens == 2 * 22 * 40 * 50 and told.passes == 2 * 40 + 1
    one = estimate(DISTILLED, Workload(size=(640, 800), num_frames=81, fps=24.0), WanAnimate2DistilledOptions())
    assert one.passes == 11


@pytest.mark.parametrize("changed", [{"segment": 80}, {"overlap": 81}, {"steps": 0}, {"guidance": -1.0}, {"area_px": -1}, {"fps": 0.0}])
def test_options_out_of_range_are_named(changed):
    with pytest.raises(ValueError, match=next(iter(changed))):
        WanAnimate2Options(**changed)


def test_what_is_stated_needs_no_torch():
    from tests.test_architecture import loaded_by

    said = capabilities(DISTILLED)
    assert said.kind == "local" and said.needs == ("driver",) and "Distilled" in said.weights and "compiler" in said.note
    assert loaded_by("import models.baselines.local.wan_animate2", "torch", "diffusers") == []
