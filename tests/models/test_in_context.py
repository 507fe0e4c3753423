"""The animator over a fake backbone: windows, gap, tail, sizes, seeds, and what it records."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch

from models.animators.in_context import InContextAnimator, at_rate
from models.animators.motion import Raw
from models.animators.sampling import Sampling
from models.animators.windows import windows
from models.backbones.backbone import Condition, frames_up
from models.canvas import LEFT, RIGHT, left_half, right_half
from models.seams import seams
from models.types import AnimationRequest, Clip, Grid


class Pixels:
    """A codec that keeps pixels, with a stride in time like a VAE's."""

    channels, space_stride = 3, 8

    def __init__(self, time_stride: int) -> None:
        self.time_stride = time_stride

    def encode(self, frames):
        return frames

    def decode(self, latents):
        return latents


class Solver:
    timesteps = torch.tensor([1000.0])

    def step(self, velocity, step, x, return_dict):
        return (x - velocity,)


@dataclass
class CopyDriver:
    """A perfect model of nothing: it paints the driver's half into the left one, and remembers every canvas."""

    time_stride: int = 4
    family: str = "fake"
    prediction: str = "clean"
    patch: tuple = (1, 1, 1)
    transformer: Any = None
    device: torch.device = torch.device("cpu")
    canvases: list = field(default_factory=list)
    prompts: list = field(default_factory=list)
    noise: list = field(default_factory=list)

    def __post_init__(self) -> None:
        self.codec = Pixels(self.time_stride)

    def condition(self, canvas, prompts):
        self.canvases.append(canvas)
        self.prompts += prompts
        empty = canvas.pixels_B3THW2[:, :1] * 0
        return Condition(latents_BCThw2=canvas.pixels_B3THW2, mask=empty[:, :0], kept=empty, words={})

    def words(self, canvas, prompts):
        self.prompts += prompts
        return {}

    def denoise(self, x, t, condition):
        self.noise.append(x.clone())
        driver = right_half(condition.latents_BCThw2)
        return torch.cat([driver, driver], -1)

    def solver(self, steps):
        return Solver()


def animator(backbone, frames=9, gap=4, **sampling):
    grid = Grid(width=32, height=32, fps=8.0, num_frames=frames)
    facts = {"motion": Raw(), "grid": grid, "gap_frames": gap, "name": "fake", "weights_hash": "0123456789abcdef"}
    return InContextAnimator(backbone=backbone, sampling=Sampling(**sampling), **facts)


def request(frames=20, size=(32, 32), seed=1, **more):
    levels = np.linspace(10, 240, frames).astype(np.uint8)[:, None, None, None]
    driving = Clip(frames=np.broadcast_to(levels, (frames, size[1], size[0], 3)).copy(), fps=8.0)
    reference = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return AnimationRequest(id="r", reference=reference, driving=driving, size=size, num_frames=frames, seed=seed, **more)


@pytest.mark.parametrize("tail", [0, 4])
@pytest.mark.parametrize("count", [1, 3, 9, 10, 20, 41])
def test_every_driver_frame_is_painted_once_beside_itself(count, tail):
    backbone, asked = CopyDriver(), request(frames=count)
    made = animator(backbone, tail_frames=tail).animate(asked)
    assert np.array_equal(made.clip.frames, asked.driving.frames) and made.clip.fps == 8.0
    assert len(backbone.canvases) == made.provenance["windows"]
    for canvas in backbone.canvases:
        assert torch.equal(canvas.reference_B3HW, backbone.canvases[0].reference_B3HW)  # the reference in every window
        assert canvas.num_frames % 4 == 1 and canvas.num_frames <= 9  # no longer than those trained on


def test_the_first_window_begins_with_a_blank_driver_and_later_ones_with_the_tail():
    backbone = CopyDriver()
    made = animator(backbone, tail_frames=4).animate(request(frames=20))
    first, second = backbone.canvases[:2]
    assert not right_half(first.pixels_B3THW2)[:, :, :4].any() and first.given_2T[RIGHT].tolist() == [False] * 4 + [True] * 5
    assert second.given_2T[LEFT].tolist()[:6] == [True] * 5 + [False] and second.given_2T[RIGHT].tolist()[0] is False
    shown = torch.from_numpy(made.clip.frames[1:5].astype(np.float32)) / 127.5 - 1
    assert torch.allclose(left_half(second.pixels_B3THW2)[0, :, 1:5].permute(1, 2, 3, 0), shown, atol=1e-5)


def test_windows_cover_the_driver_in_the_base_models_frames():
    plan = windows(200, 81, stride=4, gap_frames=16, tail_frames=16)
    assert [w.start for w in plan] == [0, 65, 129, 193] and sum(w.new for w in plan) == 200
    assert all(w.length == frames_up(CopyDriver(), w.length) <= 81 for w in plan) and [w.tail for w in plan] == [0, 16, 16, 16]
    with pytest.raises(ValueError, match="got 81, expected less than the canvas' 81 frames"):
        windows(200, 81, stride=4, gap_frames=16, tail_frames=80)
    with pytest.raises(ValueError, match="tail_frames: got 8, expected less than 8"):
        animator(CopyDriver(), tail_frames=8)


@pytest.mark.parametrize("fps", [4.0, 8.0, 12.0, 24.0, 29.97])
def test_a_driver_of_another_rate_is_painted_at_the_models_own(fps):
    backbone, asked = CopyDriver(), request(frames=24)
    asked = replace(asked, driving=Clip(frames=asked.driving.frames, fps=fps))
    made = animator(backbone).animate(asked)
    assert len(made.clip) == 24 and made.clip.fps == fps
    levels, wanted = made.clip.frames[:, 0, 0, 0].astype(int), asked.driving.frames[:, 0, 0, 0].astype(int)
    assert np.abs(levels - wanted).max() <= (0.5 * max(fps / 8, 1) + 0.6) * 10 and (np.diff(levels) >= 0).all()  # ten levels a frame
    kept, back = at_rate(24, fps, 8.0)
    assert len(kept) == int(23 / fps * 8 + 1e-6) + 1 and np.array_equal(levels, wanted[kept][back])
    assert ("painted at 8 fps" in made.provenance.get("note", "")) == (fps != 8.0)


def test_another_shape_keeps_its_proportions_at_the_area_of_the_grid():
    backbone = CopyDriver()
    assert animator(backbone).canvas_size((832, 832)) == (32, 32)
    width, height = animator(backbone).canvas_size((480, 832))
    assert (width, height) == (24, 40)
    assert animator(backbone).animate(request(size=(60, 104))).clip.size == (60, 104)


def test_seed_and_prompt_reach_the_model_and_guidance_asks_for_its_absence():
    one, two, guided = CopyDriver(), CopyDriver(), CopyDriver()
    animator(one).animate(request(seed=1, prompt="a bird waves its wings"))
    animator(two).animate(request(seed=2))
    animator(guided, guidance=3.0, negative_prompt="blurred").animate(request(frames=5, prompt="a bird"))
    assert not torch.equal(one.noise[0], two.noise[0]) and set(one.prompts) == {"a bird waves its wings"}
    assert guided.prompts == ["a bird", "blurred"] and len(guided.noise) == 2


def test_a_driver_that_is_too_short_is_refused_with_both_lengths():
    short = AnimationRequest(id="r", reference=request().reference, driving=request(frames=3).driving, size=(32, 32), num_frames=5, seed=0)
    with pytest.raises(ValueError, match="request r: driving length: got 3 frames, expected at least 5 frames"):
        animator(CopyDriver()).animate(short)


def test_seams_are_one_where_nobody_sees_them_and_large_where_a_window_jumps():
    smooth = np.arange(20, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2).repeat(3, 3)
    jump = smooth.copy()
    jump[10:] += 100
    assert seams(smooth, [0, 10]) == {"seam_ratio": 1.0} and seams(jump, [0, 10])["seam_ratio"] == 101.0
    assert seams(smooth, [0]) == {} and seams(smooth * 0, [0, 10]) == {}
    assert animator(CopyDriver()).animate(request(frames=20)).provenance["seam_ratio"] == pytest.approx(1.0, abs=0.1)


def test_the_known_driver_is_shown_noised_to_each_steps_time_as_in_training():
    from models.backbones.backbone import paint
    from models.canvas import compose
    from models.rectified_flow import interpolate

    class Steps(Solver):
        timesteps = torch.tensor([1000.0, 600.0, 300.0])

        def step(self, velocity, step, x, return_dict):
            return (x - 0.3 * velocity,)

    for known in (True, False):
        backbone, generator = CopyDriver(), torch.Generator().manual_seed(0)
        backbone.solver = lambda steps: Steps()
        condition = backbone.condition(compose(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 5, 8, 8), 5, gap_frames=1), ("",))
        noise = torch.randn(condition.latents_BCThw2.shape, generator=generator)
        paint(backbone, noise, condition, steps=3, guidance=1.0, without=None, known_driver=known)
        for x, t in zip(backbone.noise, (1.0, 0.6, 0.3)):
            wanted = interpolate(right_half(condition.latents_BCThw2), right_half(noise), torch.tensor([t]))
            assert torch.allclose(right_half(x), wanted, atol=1e-6) == (known or t == 1.0)
