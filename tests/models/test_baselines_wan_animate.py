"""Wan2.2-Animate as an animator: the bare pipeline's pixels, as many frames as asked, replace mode, errors of a broken folder."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from models.baselines.local.face_crops import faces_of
from models.baselines.local.pose_video import draw_wan_pose
from models.baselines.local.replacement import background, blocked, hull_masks
from models.baselines.local.wan_animate import Plan, WanAnimateOptions, capabilities, create, estimate, options, plan_of
from models.baselines.local.wan_words import NEGATIVE_PROMPT
from models.estimate import Workload
from models.runtime import Runtime
from models.types import Clip, Origin, PoseTrack
from models.video import write_video
from tests.models.tiny_local import FPS, SIZE
from tests.models.tiny_pipelines import CPU, stock_pipeline
from tests.models.tiny_wan_animate import save_animate, whole_request

torch.set_num_threads(1)
QUICK = WanAnimateOptions(steps=2, area_px=0, segment=13)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return save_animate(tmp_path_factory.mktemp("animate") / "plain")


@pytest.fixture(scope="module")
def worded(tmp_path_factory):
    return save_animate(tmp_path_factory.mktemp("animate") / "worded", text_encoder=True)


@pytest.fixture(scope="module")
def animator(plain):
    return create(str(plain), runtime=CPU, options=QUICK)


def pictures(video):
    return [Image.fromarray(picture) for picture in video]


def bare(folder, request, chosen, plan):
    """What somebody gets who calls diffusers' pipeline by hand with the same videos."""
    pipe = stock_pipeline(folder)
    pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, flow_shift=chosen.shift)
    empty = torch.zeros(1, 512, 32)
    said = {"prompt": request.prompt, "negative_prompt": NEGATIVE_PROMPT}
    videos = {"pose_video": draw_wan_pose(request.pose, request.size), "face_video": faces_of(request.driving, request.pose, 16).pictures}
    if chosen.mode == "replace":
        masks = blocked(hull_masks(request.pose, request.size), chosen.mask_blocks)
        videos |= {"mask_video": np.stack([masks] * 3, -1), "background_video": background(request.driving.frames, masks)}
    frames = pipe(
        image=Image.fromarray(request.reference),
        **{name: pictures(video) for name, video in videos.items()},
        **(said if pipe.text_encoder else {"prompt_embeds": empty, "negative_prompt_embeds": empty}),
        height=request.size[1],
        width=request.size[0],
        segment_frame_length=plan.length,
        prev_segment_conditioning_frames=plan.overlap,
        num_inference_steps=chosen.steps,
        guidance_scale=chosen.guidance,
        mode=chosen.mode,
        generator=torch.Generator().manual_seed(request.seed),
    ).frames[0]
    return np.uint8(np.round(frames * 255))


@pytest.mark.parametrize(
    "kind, frames, changes",
    [
        ("plain", 5, {}),
        ("worded", 5, {"guidance": 4.0, "shift": 3.0}),
        ("plain", 14, {"overlap": 5}),
        ("plain", 20, {"mode": "replace", "mask_blocks": 2}),
    ],
)
def test_the_pixels_are_the_bare_pipelines(kind, frames, changes, request):
    folder, chosen, asked = request.getfixturevalue(kind), replace(QUICK, **changes), whole_request(frames)
    result = create(str(folder), runtime=CPU, options=chosen).animate(asked)
    assert np.array_equal(result.clip.frames, bare(folder, asked, chosen, plan_of(frames, chosen))) and result.clip.frames.std() > 1
    assert result.clip.fps == FPS and len(result.clip) == frames


def test_a_driver_that_ends_early_is_held(animator):
    whole = whole_request(9)
    short = replace(
        whole,
        driving=replace(whole.driving, frames=whole.driving.frames[:6]),
        pose=replace(whole.pose, points=whole.pose.points[:6], confidence=whole.pose.confidence[:6]),
    )
    held = np.minimum(np.arange(9), 5)
    spelt_out = replace(
        whole,
        driving=replace(whole.driving, frames=whole.driving.frames[held]),
        pose=replace(whole.pose, points=whole.pose.points[held], confidence=whole.pose.confidence[held]),
    )
    result = animator.animate(short)
    assert np.array_equal(result.clip.frames, animator.animate(spelt_out).clip.frames)
    assert "driver of 6 frames held to 9" in result.provenance["note"]


def test_as_many_frames_come_out_as_went_in(plain):
    """One latent frame more than the frames need is painted, the reference's; it is not among them."""
    animator, shapes = create(str(plain), runtime=CPU, options=replace(QUICK, steps=1)), []
    animator.pipe.transformer.register_forward_pre_hook(
        lambda m, a, given: shapes.append(given["hidden_states"].shape[2]), with_kwargs=True
    )
    for frames in (1, 2, 5, 6, 13, 14):
        asked, before = whole_request(frames, size=(32, 32)), len(shapes)
        clip, plan = animator.animate(asked).clip, plan_of(frames, animator.options)
        assert len(clip) == frames and clip.size == (32, 32)
        assert shapes[before:] == [(plan.length - 1) // 4 + 2] * plan.number


def test_segments_are_no_longer_than_needed():
    told = {count: (plan.length, plan.number) for count in (1, 2, 5, 6, 77, 78, 153, 154) for plan in [plan_of(count, WanAnimateOptions())]}
    assert told == {1: (5, 1), 2: (5, 1), 5: (5, 1), 6: (9, 1), 77: (77, 1), 78: (41, 2), 153: (77, 2), 154: (53, 3)}
    for segment, overlap in ((5, 1), (13, 1), (13, 5), (77, 5)):
        for count in range(1, 200):
            plan = plan_of(count, WanAnimateOptions(segment=segment, overlap=overlap))
            painted = plan.overlap + plan.number * (plan.length - plan.overlap)
            assert plan.length <= segment and plan.length % 4 == 1 and painted >= count and len(plan.starts) == plan.number
            assert plan.handed > plan.overlap + (plan.number - 1) * (plan.length - plan.overlap)  # what the pipeline asserts of itself
            assert painted // (plan.length - plan.overlap) == plan.number  # how it counts segments
    assert plan_of(1, QUICK) == Plan(length=5, overlap=1, number=1, handed=2)


@pytest.mark.parametrize("size, frames, fps, changes", [((50, 38), 3, 16.0, {}), ((33, 61), 10, 25.0, {"fps": 30.0})])
def test_odd_sizes_rates_and_lengths_come_back_as_asked(plain, size, frames, fps, changes):
    result = create(str(plain), runtime=CPU, options=replace(QUICK, **changes)).animate(whole_request(frames, size=size, fps=fps))
    assert result.clip.size == size and len(result.clip) == frames and result.clip.fps == fps and result.provenance["note"]


def test_seed_reference_and_face_decide_and_nothing_else_does(animator):
    asked = whole_request(5)
    first = animator.animate(asked).clip.frames
    assert np.array_equal(animator.animate(asked).clip.frames, first)
    dark = Clip(frames=np.zeros_like(asked.driving.frames), fps=FPS)
    for other in (replace(asked, seed=4), replace(asked, reference=255 - asked.reference), replace(asked, driving=dark)):
        assert (animator.animate(other).clip.frames != first).any()


def test_the_network_is_shown_pose_and_face_of_every_frame(animator):
    """Random weights show next to nothing of a pose, so what they are given is looked at."""
    asked, seen = whole_request(9), []
    hook = animator.pipe.transformer.register_forward_pre_hook(lambda m, a, given: seen.append(given), with_kwargs=True)
    still = replace(asked.pose, points=np.repeat(asked.pose.points[:1], 9, axis=0))
    for pose in (asked.pose, still):
        animator.animate(replace(asked, pose=pose))
    hook.remove()
    moving, stopped = seen[0]["pose_hidden_states"], seen[-1]["pose_hidden_states"]
    assert moving.shape[2] == 3 and (moving[:, :, 0] == stopped[:, :, 0]).all() and (moving[:, :, 1:] != stopped[:, :, 1:]).any()
    faces = faces_of(asked.driving, asked.pose, 16).pictures
    shown = seen[0]["face_pixel_values"][0].movedim(0, -1).numpy()
    assert np.abs(shown - (faces / 127.5 - 1)).max() < 1e-5


def test_a_driver_without_a_face_says_so(animator):
    asked = whole_request(5)
    blind = replace(asked.pose, confidence=asked.pose.confidence * (np.arange(133) > 4) * ~np.isin(np.arange(133), range(23, 91)))
    assert animator.animate(replace(asked, pose=blind)).provenance["note"] == "no face found: face pictures are black"
    nobody = PoseTrack(points=np.zeros((5, 0, 133, 2)), confidence=np.zeros((5, 0, 133)), skeleton="wholebody133", fps=FPS)
    result = animator.animate(replace(asked, pose=nobody))
    assert len(result.clip) == 5 and "nobody found in 5 of 5 frames" in result.provenance["note"]


def masked_request(folder, frames=5):
    """A driver cut out of the middle of a file, whose mask moves one px a frame from left to right."""
    masks = np.zeros((20, 64, 96, 3), np.uint8)
    for t in range(20):
        masks[t, 24:40, 20 + 2 * t : 40 + 2 * t] = 255
    write_video(folder / "dance.mp4", Clip(frames=masks, fps=FPS))
    asked = whole_request(frames)
    origin = Origin(file="dance.mp4", start_s=4 / FPS, crop=(0, 0, 96, 64), source_size=(96, 64))
    return replace(asked, driving=Clip(frames=asked.driving.frames, fps=FPS, origin=origin))


def test_recorded_masks_follow_the_driver(plain, tmp_path):
    asked = masked_request(tmp_path)
    animator = create(str(plain), runtime=CPU, options=replace(QUICK, mode="replace", mask=str(tmp_path)))
    given, _ = animator._conditions(asked, asked)
    masks = given["mask_video"][..., 0]
    assert masks.shape == (5, SIZE[1], SIZE[0]) and [int(mask.any(0).argmax()) for mask in masks] == [5 + t for t in range(5)]
    assert (given["background_video"][masks > 0] == 0).all()
    assert np.array_equal(given["background_video"][masks == 0], asked.driving.frames[masks == 0])
    assert "mask" not in animator.animate(asked).provenance.get("note", "")
    hull = create(str(plain), runtime=CPU, options=replace(QUICK, mode="replace"))
    assert "hull of the pose" in hull.animate(asked).provenance["note"] and hull.weights_hash != animator.weights_hash
    (tmp_path / "dance.mp4").rename(tmp_path / "other.mp4")
    with pytest.raises(ValueError, match="dance.mp4, dance.png"):
        animator.animate(asked)


def test_a_pose_that_does_not_fit_the_reference_is_refused(plain):
    class Sitting:
        """Finds, in the reference, the driver's first pose with its legs pulled up."""

        weights_hash, asked = "", whole_request(5)

        def __init__(self, legs):
            self.legs = legs

        def estimate(self, clip):
            points = self.asked.pose.points[:1].copy()
            for knee, ankle, hip in ((13, 15, 11), (14, 16, 12)):
                points[0, 0, [knee, ankle]] = points[0, 0, hip] + self.legs * (points[0, 0, [knee, ankle]] - points[0, 0, hip])
            return replace(self.asked.pose, points=points, confidence=self.asked.pose.confidence[:1])

    animator = create(str(plain), runtime=CPU, options=replace(QUICK, retarget="bones"))
    animator.estimator = Sitting(1.0)
    assert len(animator.animate(whole_request(5)).clip) == 5
    animator.estimator = Sitting(0.3)
    with pytest.raises(ValueError, match="retarget of case-1: leg by trunk"):
        animator.animate(whole_request(5))


def test_a_saved_pipeline_is_the_same_animator_and_other_weights_are_not(plain, animator, tmp_path):
    animator.pipe.save_pretrained(tmp_path / "again")
    again, other = create(str(tmp_path / "again"), runtime=CPU, options=QUICK), save_animate(tmp_path / "other", num_layers=1)
    assert np.array_equal(again.animate(whole_request()).clip.frames, animator.animate(whole_request()).clip.frames)
    assert again.animate(whole_request()).animator.startswith("wan_animate:again@")
    assert create(str(other), runtime=CPU, options=QUICK).weights_hash != animator.weights_hash


@pytest.mark.parametrize("offload", ["none", "group"])
def test_the_runtime_is_honoured(plain, offload):
    runtime = Runtime(device="cpu", dtype="bfloat16", attention="native", offload=offload)
    animator = create(str(plain), runtime=runtime, options=QUICK)
    assert (animator.pipe.transformer.dtype, animator.pipe.vae.dtype) == (torch.bfloat16, torch.float32)
    assert animator.animate(whole_request()).provenance["runtime"] == runtime.record()


def test_a_block_cache_is_refused(plain):
    with pytest.raises(ValueError, match="block_cache"):
        create(str(plain), runtime=Runtime(device="cpu", block_cache=0.2), options=QUICK)


def test_a_relighting_lora_is_loaded_from_safetensors_alone(plain, tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(0)
    layer = "diffusion_model.blocks.0.self_attn.q"
    lora = {f"{layer}.lora_A.weight": torch.randn(2, 24), f"{layer}.lora_B.weight": torch.randn(24, 2)}
    save_file(lora, tmp_path / "relight.safetensors")
    chosen = replace(QUICK, mode="replace", relight_lora=str(tmp_path / "relight.safetensors"))
    lit, unlit = (create(str(plain), runtime=CPU, options=each) for each in (chosen, replace(QUICK, mode="replace")))
    assert "relight" in lit.pipe.transformer.peft_config and lit.weights_hash != unlit.weights_hash
    assert (lit.animate(whole_request()).clip.frames != unlit.animate(whole_request()).clip.frames).any()
    (tmp_path / "relight.safetensors").rename(tmp_path / "relight.ckpt")
    with pytest.raises(ValueError, match="pickled"):
        create(str(plain), runtime=CPU, options=replace(chosen, relight_lora=str(tmp_path / "relight.ckpt")))


def damage(folder, what):
    weights = next((folder / "transformer").glob("*.safetensors"))
    if what == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif what == "missing":
        from safetensors.torch import load_file, save_file

        save_file({name: tensor for name, tensor in load_file(weights).items() if name != "motion_encoder.conv_in.weight"}, weights)
    elif what == "pickled":
        weights.rename(weights.with_name("diffusion_pytorch_model.bin"))
    elif what == "no vae":
        shutil.rmtree(folder / "vae")
    elif what == "other class":
        config = folder / "transformer" / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"_class_name": "WanTransformer3DModel"}))


@pytest.mark.parametrize(
    "what, said",
    [
        ("cut", "damaged weights"),
        ("missing", "motion_encoder.conv_in.weight"),
        ("pickled", "pickled weights are not read"),
        ("no vae", "vae"),
        ("other class", "WanTransformer3DModel"),
    ],
)
def test_a_folder_that_is_not_whole_is_an_error_with_its_name(plain, tmp_path, what, said):
    folder = shutil.copytree(plain, tmp_path / "broken")
    damage(folder, what)
    with pytest.raises(ValueError, match=said):
        create(str(folder), runtime=CPU, options=QUICK)


@pytest.mark.parametrize("argument", [None, "", "nowhere"])
def test_no_folder(argument):
    with pytest.raises(ValueError, match="folder|model_index"):
        create(argument, runtime=CPU)


@pytest.mark.parametrize(
    "changed",
    [
        {"mode": "copy"}, {"steps": 0}, {"guidance": -1.0}, {"shift": 0.0}, {"segment": 78}, {"overlap": 3}, {"segment": 9, "overlap": 5},
        {"area_px": -1}, {"fps": -1.0}, {"retarget": "all"}, {"mask": "masks"}, {"relight_lora": "x"}, {"mask_blocks": 0},
        {"retarget": "bones", "mode": "replace"},
    ],
)  # fmt: skip
def test_options_out_of_range_are_named(changed):
    with pytest.raises(ValueError, match=next(iter(changed))):
        WanAnimateOptions(**changed)


@pytest.mark.parametrize("frames, guidance", [(9, 1.0), (20, 4.0)])
def test_the_estimate_counts_the_tokens_the_transformer_sees(plain, frames, guidance):
    animator, asked, seen = create(str(plain), runtime=CPU, options=replace(QUICK, guidance=guidance)), whole_request(frames), []
    animator.pipe.transformer.patch_embedding.register_forward_hook(lambda m, i, out: seen.append(out[0, 0].numel()))
    animator.animate(asked)
    told = estimate("wan_animate", Workload(size=SIZE, num_frames=frames, fps=FPS), animator.options)
    assert sum(seen) == told.tokens * told.passes and len(seen) == told.passes * plan_of(frames, QUICK).number


def test_what_is_stated_needs_no_torch():
    from tests.test_architecture import loaded_by

    said = capabilities("wan_animate")
    assert said.kind == "local" and "Apache" in said.licence and said.size.multiple == 16 and options("wan_animate") is WanAnimateOptions
    assert said.needs == ("driver", "pose") and said.subjects == 1
    assert loaded_by("import models.baselines.local.wan_animate", "torch", "diffusers") == []
