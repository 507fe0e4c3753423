"""Wan-VACE as an animator: the bare pipeline's pixels for one segment, given frames for the next, errors of a folder that is not whole."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from models.animators.load import load_animator
from models.baselines.local.controlled import Shot
from models.baselines.local.openpose import draw_openpose
from models.baselines.local.wan_vace import WanVaceOptions, capabilities, create, estimate, options
from models.baselines.local.wan_vace_pipeline import WanVacePainter
from models.estimate import Workload
from models.runtime import Runtime
from tests.models.tiny_local import FPS, SIZE, request_of, save_vace
from tests.models.tiny_pipelines import CPU, stock_pipeline

torch.set_num_threads(1)
QUICK = WanVaceOptions(steps=2, area_px=0, segment=9, overlap=3)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return save_vace(tmp_path_factory.mktemp("vace") / "plain")


@pytest.fixture(scope="module")
def worded(tmp_path_factory):
    return save_vace(tmp_path_factory.mktemp("vace") / "worded", text_encoder=True)


def bare(folder, request, chosen):
    """What somebody gets who calls diffusers' pipeline by hand, pose drawn, all of it to be painted."""
    pipe = stock_pipeline(folder)
    empty = torch.zeros(1, 512, 32)
    said = {"prompt": request.prompt, "negative_prompt": chosen.negative_prompt}
    drawn = draw_openpose(request.pose, request.size, hands=False)
    frames = pipe(
        video=[Image.fromarray(picture) for picture in drawn],
        reference_images=[Image.fromarray(request.reference)],
        **(said if pipe.text_encoder else {"prompt_embeds": empty, "negative_prompt_embeds": empty}),
        height=request.size[1],
        width=request.size[0],
        num_frames=len(drawn),
        num_inference_steps=chosen.steps,
        guidance_scale=chosen.guidance,
        generator=torch.Generator().manual_seed(request.seed),
    ).frames[0]
    return np.uint8(np.round(frames * 255))


@pytest.mark.parametrize("kind, guidance", [("plain", 5.0), ("worded", 1.0), ("worded", 5.0)])
def test_one_segment_is_the_bare_pipeline(kind, guidance, request):
    folder, chosen, asked = request.getfixturevalue(kind), replace(QUICK, guidance=guidance), request_of(9)
    result = create(str(folder), runtime=CPU, options=chosen).animate(asked)
    assert np.array_equal(result.clip.frames, bare(folder, asked, chosen)) and result.clip.frames.std() > 1
    assert result.clip.fps == FPS and "note" not in result.provenance


def test_prompt_seed_and_control_decide_and_nothing_else_does(worded):
    animator, asked = create(str(worded), runtime=CPU, options=QUICK), request_of(9)
    first = animator.animate(asked).clip.frames
    assert np.array_equal(animator.animate(asked).clip.frames, first)
    others = (replace(asked, seed=4), replace(asked, prompt=""), replace(asked, pose=None))
    assert all((animator.animate(other).clip.frames != first).any() for other in others)
    assert (create(str(worded), runtime=CPU, options=replace(QUICK, control_scale=0.0)).animate(asked).clip.frames != first).any()


class Recorder:
    """A pipeline that notes what it is called with and paints 10, 20, ... a call."""

    text_encoder = object()

    def __init__(self):
        self.calls = []

    def __call__(self, **call):
        self.calls.append(call)
        frames = np.full((call["num_frames"], call["height"], call["width"], 3), len(self.calls) * 10 / 255)
        return SimpleNamespace(frames=[frames])


def test_a_long_driver_is_painted_in_segments_that_are_given_the_last_frames(plain):
    animator, asked = create(str(plain), runtime=CPU, options=QUICK), request_of(17)
    pipe = Recorder()
    animator.painter = WanVacePainter(pipe, QUICK)
    result = animator.animate(asked)
    assert result.clip.frames[:, 0, 0, 0].tolist() == [10] * 9 + [20] * 6 + [30] * 2
    assert [call["num_frames"] for call in pipe.calls] == [9, 9, 5] and result.provenance["segments"] == 3
    assert result.provenance["painted"] == "48x32x9"
    drawn = draw_openpose(asked.pose, SIZE, hands=False)
    given = [[int(np.array(picture).max()) for picture in call["mask"]] for call in pipe.calls]
    assert given == [[255] * 9, [0] * 3 + [255] * 6, [0] * 3 + [255] * 2]
    video = [np.stack([np.array(picture) for picture in call["video"]]) for call in pipe.calls]
    assert np.array_equal(video[0], drawn[:9]) and np.array_equal(video[1][3:], drawn[9:15]) and (video[1][:3] == 10).all()
    assert np.array_equal(video[2][3:], drawn[15:]) and (video[2][:3] == 20).all()
    assert "3 segments" in result.provenance["note"]


def test_the_given_frames_are_seen(plain):
    """A real second segment goes on from the first: other given frames, other pixels. Random weights see them faintly: scaled up."""
    painter, asked = create(str(plain), runtime=CPU, options=replace(QUICK, control_scale=50.0)).painter, request_of(9)

    def painted(level):
        tail = np.full((3, SIZE[1], SIZE[0], 3), level, np.uint8)
        control = draw_openpose(asked.pose, SIZE)
        return painter.paint(
            Shot(reference=asked.reference, control=control, tail=tail, prompt="", generator=torch.Generator().manual_seed(0))
        )

    assert (painted(0)[3:] != painted(255)[3:]).any()


def test_odd_sizes_rates_and_lengths_come_back_as_asked(plain):
    size, frames, fps = (33, 61), 10, 25.0
    asked = request_of(frames, size=size, fps=fps)
    result = create(str(plain), runtime=CPU, options=QUICK).animate(asked)
    assert result.clip.size == size and len(result.clip) == frames and result.clip.fps == fps
    assert result.provenance["note"]


def test_the_area_is_the_models_own(plain):
    result = create(str(plain), runtime=CPU, options=replace(QUICK, area_px=64 * 96)).animate(request_of(5))
    assert result.provenance["painted"].startswith("96x64x") and result.clip.size == SIZE


def test_a_saved_pipeline_is_the_same_animator_and_other_weights_are_not(plain, tmp_path):
    animator = create(str(plain), runtime=CPU, options=QUICK)
    animator.painter.pipe.save_pretrained(tmp_path / "again")
    again, other = create(str(tmp_path / "again"), runtime=CPU, options=QUICK), save_vace(tmp_path / "other", num_layers=1)
    assert np.array_equal(again.animate(request_of(5)).clip.frames, animator.animate(request_of(5)).clip.frames)
    assert again.weights_hash == animator.weights_hash != create(str(other), runtime=CPU, options=QUICK).weights_hash
    assert animator.name == "wan_vace:plain" and animator.animate(request_of(5)).animator == f"wan_vace:plain@{animator.weights_hash[:12]}"


def test_the_runtime_is_honoured(plain):
    runtime = Runtime(device="cpu", dtype="bfloat16", attention="native")
    animator = create(str(plain), runtime=runtime, options=QUICK)
    pipe = animator.painter.pipe
    assert (pipe.transformer.dtype, pipe.vae.dtype) == (torch.bfloat16, torch.float32)
    assert animator.animate(request_of(5)).provenance["runtime"] == runtime.record()


def test_a_block_cache_is_refused(plain):
    with pytest.raises(ValueError, match="block_cache"):
        create(str(plain), runtime=Runtime(device="cpu", block_cache=0.2), options=QUICK)


def test_it_is_found_by_its_name_with_options_as_words(plain):
    words = {"steps": "2", "area_px": "0", "segment": "9", "overlap": "3"}
    named, asked = load_animator(f"wan_vace:{plain}", runtime=CPU, options=words), request_of(5)
    assert np.array_equal(named.animate(asked).clip.frames, create(str(plain), runtime=CPU, options=QUICK).animate(asked).clip.frames)
    with pytest.raises(ValueError, match="segment"):
        load_animator(f"wan_vace:{plain}", runtime=CPU, options={"segment": "8"})


def damage(folder, what):
    weights = next((folder / "transformer").glob("*.safetensors"))
    if what == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif what == "missing":
        from safetensors.torch import load_file, save_file

        save_file({name: tensor for name, tensor in load_file(weights).items() if "vace_blocks.0.proj_out.weight" not in name}, weights)
    elif what == "no vae":
        shutil.rmtree(folder / "vae")
    elif what == "two experts":
        index = json.loads((folder / "model_index.json").read_text())
        (folder / "model_index.json").write_text(json.dumps(index | {"boundary_ratio": 0.9}))


@pytest.mark.parametrize(
    "what, said",
    [("cut", "damaged weights"), ("missing", "vace_blocks.0.proj_out.weight"), ("no vae", "vae"), ("two experts", "boundary_ratio")],
)
def test_a_folder_that_is_not_whole_is_an_error_with_its_name(plain, tmp_path, what, said):
    folder = shutil.copytree(plain, tmp_path / "broken")
    damage(folder, what)
    with pytest.raises(ValueError, match=said):
        create(str(folder), runtime=CPU, options=QUICK)


def test_no_folder_and_folders_of_others(tmp_path):
    from tests.models.tiny_pipelines import save_wan

    for argument in (None, str(tmp_path)):
        with pytest.raises(ValueError, match="folder"):
            create(argument, runtime=CPU)
    with pytest.raises(ValueError, match="WanTransformer3DModel, expected WanVACETransformer3DModel"):
        create(str(save_wan(tmp_path / "i2v")), runtime=CPU)


@pytest.mark.parametrize(
    "changed", [{"segment": 80}, {"overlap": 81}, {"steps": 0}, {"guidance": -1.0}, {"control": "depth"}, {"area_px": -1}, {"fps": 0.0}]
)
def test_options_out_of_range_are_named(changed):
    with pytest.raises(ValueError, match=next(iter(changed))):
        WanVaceOptions(**changed)


def test_the_estimate_counts_the_tokens_the_transformer_sees(plain):
    animator, asked, seen = create(str(plain), runtime=CPU, options=QUICK), request_of(20), []
    animator.painter.pipe.transformer.patch_embedding.register_forward_hook(lambda m, i, out: seen.append(out[0, 0].numel()))
    animator.animate(asked)
    told = estimate("wan_vace", Workload(size=SIZE, num_frames=20, fps=FPS), QUICK)
    assert sum(seen) == told.tokens * told.passes and told.passes == QUICK.steps * 2


def test_what_is_stated_needs_no_torch():
    from tests.test_architecture import loaded_by

    said = capabilities("wan_vace")
    assert said.kind == "local" and "Apache" in said.licence and said.size.multiple == 16 and options("wan_vace") is WanVaceOptions
    assert loaded_by("import models.baselines.local.wan_vace", "torch", "diffusers") == []
