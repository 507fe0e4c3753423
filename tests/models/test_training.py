"""The loop on toy clips: learns, repeats bit for bit, resumes after a kill, refuses another configuration."""

import json
import shutil
from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
import torch

from models.animators.checkpoint import load_checkpoint, load_weights, read_card
from models.backbones.matching import sample_at
from models.backbones.tiny import TinyConfig
from models.pixels import to_signed
from models.pose.heatmap import PoseNet, save_estimator
from models.training.cache import FrameCache
from models.training.config import TrainConfig
from models.training.loop import TrainState, fit
from models.training.optimizers import learning_rate
from models.types import AnimationRequest, Clip, Grid, PoseTrack, TrainingExample

GRID = Grid(width=16, height=16, fps=8.0, num_frames=3)
CONFIG = TrainConfig(recipe="toy", motion="raw", grid=GRID, backbone=TinyConfig(width=32, layers=1, heads=2), batch_size=4, save_every=4)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def examples(count: int = 6, length: int = 5):
    rng = np.random.default_rng(0)
    for i in range(count):
        frames = np.zeros((length, 16, 16, 3), np.uint8) + rng.integers(0, 255, 3, dtype=np.uint8)
        for t in range(length):
            frames[t, 2 * t : 2 * t + 6, 4:10] = rng.integers(0, 255, 3)
        clip = Clip(frames=frames, fps=8.0)
        yield TrainingExample(id=f"e{i}", reference=clip.frames[0], driver=clip, target=clip)


def request(**change) -> AnimationRequest:
    example = next(examples())
    fields = dict(id="r", reference=example.reference, driving=example.driver, size=(16, 16), num_frames=3, seed=1) | change
    return AnimationRequest(**fields)


def test_sixty_steps_are_bit_equal_twice_and_lower_the_loss(tmp_path):
    cache = FrameCache.build(examples(), CONFIG)
    first, again = (fit(cache, CONFIG, steps=60, out=tmp_path / name) for name in "ab")
    for file in ("model.safetensors", "optimizer.safetensors", "loss.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    losses = [float(row.split(",")[1]) for row in (tmp_path / "a" / "loss.csv").read_text().splitlines()[1:]]
    assert len(losses) == 60 and np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10]) and first.loss == again.loss


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch):
    cache = FrameCache.build(examples(), CONFIG)
    fit(cache, CONFIG, steps=10, out=tmp_path / "whole")
    draw = FrameCache.batch

    def killed(self, config, step):
        if step == 6:
            raise KeyboardInterrupt
        return draw(self, config, step)

    monkeypatch.setattr(FrameCache, "batch", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(cache, CONFIG, steps=10, out=tmp_path / "legs")
    monkeypatch.setattr(FrameCache, "batch", draw)
    fit(cache, CONFIG, steps=10, out=tmp_path / "legs")
    assert (tmp_path / "whole" / "optimizer.safetensors").read_bytes() == (tmp_path / "legs" / "optimizer.safetensors").read_bytes()


def test_a_finished_run_is_a_no_op_and_another_configuration_is_refused(tmp_path):
    cache = FrameCache.build(examples(), CONFIG)
    fit(cache, CONFIG, steps=4, out=tmp_path)
    stamp = (tmp_path / "model.safetensors").stat().st_mtime_ns
    assert fit(cache, CONFIG, steps=4, out=tmp_path).steps == 4
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == stamp
    with pytest.raises(ValueError, match="batch_size: got 2, expected 4"):
        fit(cache, replace(CONFIG, batch_size=2), steps=4, out=tmp_path)


def test_the_cache_file_gives_the_same_batches(tmp_path):
    cache = FrameCache.build(examples(), CONFIG, filter_metrics=("motion_fidelity",))
    cache.save(tmp_path / "cache.safetensors")
    loaded = FrameCache.load(tmp_path / "cache.safetensors")
    for one, other in zip(vars_of(cache.batch(CONFIG, 7)), vars_of(loaded.batch(CONFIG, 7))):
        assert np.array_equal(one, other)
    assert loaded.ids == cache.ids and loaded.filter_metrics == ("motion_fidelity",)


def vars_of(batch):
    return [getattr(batch, f.name) for f in fields(batch)]


def test_a_file_that_is_no_cache_is_refused(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"not a cache")
    with pytest.raises(ValueError, match="not a frame cache"):
        FrameCache.load(tmp_path / "x.safetensors")


def test_references_come_from_the_window_or_from_another_moment_as_the_share_says():
    clip = Clip(frames=np.repeat(np.arange(9, dtype=np.uint8), 16 * 16 * 3).reshape(9, 16, 16, 3), fps=8.0)
    example = TrainingExample(id="t", reference=clip.frames[0], driver=clip, target=clip)
    for share, elsewhere in ((0.0, False), (1.0, True)):
        config = replace(CONFIG, other_moment_share=share, batch_size=32)
        batch = FrameCache.build([example], config).batch(config, 0)
        moments, starts = batch.reference[:, 0, 0, 0], batch.target[:, 0, 0, 0, 0]
        inside = (moments >= starts) & (moments < starts + 3)
        assert (~inside).all() if elsewhere else (moments == starts).all()


@pytest.mark.parametrize("size,expected", [((16, 16), (10, 4)), ((32, 32), (4.75, 1.75)), ((48, 32), (0.75, 1.75))])
def test_a_skeleton_lies_over_the_target_also_where_the_driver_is_larger_than_the_grid(size, expected):
    clip = Clip(frames=np.zeros((5, size[1], size[0], 3), np.uint8), fps=8.0)

    class Planted:
        def estimate(self, clip: Clip) -> PoseTrack:
            points = np.full((len(clip), 1, 17, 2), (10, 4), np.float32)
            return PoseTrack(points=points, confidence=np.ones(points.shape[:-1], np.float32), skeleton="coco17", fps=clip.fps)

    config = replace(CONFIG, motion="skeleton")
    cache = FrameCache.build([TrainingExample(id="e", reference=clip.frames[0], driver=clip, target=clip)], config, Planted())
    assert np.allclose(cache.points[0, :, 0], expected)


def test_fewer_frames_per_sample_are_those_of_their_slots():
    clip = Clip(frames=np.repeat(np.arange(9, dtype=np.uint8), 16 * 16 * 3).reshape(9, 16, 16, 3), fps=8.0)
    example = TrainingExample(id="t", reference=clip.frames[0], driver=clip, target=clip)
    config = replace(CONFIG, frames_per_sample=2, other_moment_share=0.0, batch_size=8)
    cache, drawn = FrameCache.build([example], config), set()
    for step in range(20):
        batch = cache.batch(config, step)
        assert batch.target.shape[:2] == (8, 2) and np.array_equal(batch.motion, batch.target)
        offsets = batch.target[:, :, 0, 0, 0].astype(int) - batch.reference[:, :1, 0, 0].astype(int)
        assert (offsets + 1 == batch.slots).all()
        drawn.add(batch.slots)
    assert drawn == {(1, 2), (1, 3)}  # the first frame is always there: motion is what has changed since


@pytest.mark.parametrize("motion", ["blank", "raw"])
def test_a_step_in_bfloat16_is_that_in_float32_within_rounding(motion):
    config = replace(CONFIG, motion=motion)
    batch = FrameCache.build(examples(), config).batch(config, 0)
    exact, rounded = (TrainState(replace(config, precision=p), None, "cpu", {}).step(batch, 10) for p in ("float32", "bfloat16"))
    assert rounded == pytest.approx(exact, rel=0.05)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile on CPU needs a C++ compiler")
def test_a_compiled_run_learns_the_same_within_rounding(tmp_path):
    config = replace(CONFIG, frames_per_sample=2)
    cache = FrameCache.build(examples(), config)
    plain, compiled = (fit(cache, config, steps=3, out=tmp_path / str(flag), compiled=flag) for flag in (False, True))
    assert compiled.loss == pytest.approx(plain.loss, rel=1e-3)


def test_a_share_of_stretches_or_colours_changes_what_is_learned_from_and_is_checked():
    cache = FrameCache.build(examples(), CONFIG)
    plain = cache.batch(CONFIG, 0)
    for name in ("stretch_share", "colour_share"):
        changed = cache.batch(replace(CONFIG, **{name: 1.0}), 0)
        assert not np.array_equal(plain.target, changed.target) and not np.array_equal(plain.motion, changed.motion)
        with pytest.raises(ValueError, match=f"{name}: got 2, expected 0 to 1"):
            replace(CONFIG, **{name: 2})
    coloured = cache.batch(replace(CONFIG, colour_share=1.0), 0)
    assert np.array_equal(plain.origins[0], coloured.origins[0])  # colours move nothing (what is drawn later differs)


@pytest.mark.parametrize("changes", [{}, {"flip_share": 1.0}, {"stretch_share": 1.0}, {"flip_share": 1.0, "stretch_share": 1.0}])
def test_origins_bring_the_reference_to_the_target_whatever_the_sample_goes_through(changes):
    rng = np.random.default_rng(0)
    scene = cv2.GaussianBlur(rng.integers(0, 255, (64, 128, 3), dtype=np.uint8), (0, 0), 3)
    scene = cv2.normalize(scene, None, 0, 255, cv2.NORM_MINMAX)
    frames = np.stack([scene[8:56, 8 + 2 * t : 56 + 2 * t] for t in range(6)])  # everything moves left by 2 px a frame
    config = replace(
        CONFIG, grid=Grid(width=48, height=48, fps=8.0, num_frames=3), other_moment_share=1.0, **{"flip_share": 0.0, **changes}
    )
    clip = Clip(frames=frames, fps=8.0)
    batch = FrameCache.build([TrainingExample(id="e", reference=frames[0], driver=clip, target=clip)], config).batch(config, 0)
    reference, target = to_signed(batch.reference), to_signed(batch.target)
    copied = sample_at(reference, torch.from_numpy(batch.origins).movedim(-1, 2))
    first = target[:, 0]
    followed = sample_at(first, torch.from_numpy(batch.since_first).movedim(-1, 2))
    driver = to_signed(batch.motion)  # under a stretch of its own
    driven = sample_at(driver[:, 0], torch.from_numpy(batch.moves).movedim(-1, 2))
    inner = (..., slice(14, 34), slice(14, 34))
    assert (copied - target)[inner].abs().mean() < 0.25 * (reference[:, None] - target)[inner].abs().mean()
    assert (followed - target)[inner].abs().mean() < 0.25 * (first[:, None] - target)[inner].abs().mean()
    assert (driven - driver)[inner].abs().mean() < 0.25 * (driver[:, :1] - driver)[inner].abs().mean()


def test_the_matcher_learns_also_where_no_driver_is_shown():
    config = replace(CONFIG, motion="blank")
    run = TrainState(config, None, "cpu", {})
    before = run.backbone.matcher.features[0].weight.detach().clone()
    run.step(FrameCache.build(examples(), config).batch(config, 0), 10)
    assert not torch.equal(before, run.backbone.matcher.features[0].weight)


def test_the_first_steps_train_the_matcher_alone_on_the_target_and_on_a_skeleton():
    config = replace(CONFIG, matcher_share=0.1)
    batch = FrameCache.build(examples(), config).batch(config, 0)
    blind = replace(batch, motion=np.zeros_like(batch.motion))
    before = TrainState(config, None, "cpu", {}).backbone.state_dict()

    def after_a_step(motion, batch):
        run = TrainState(replace(config, motion=motion), None, "cpu", {})
        run.step(batch, 10)
        return run

    raw = after_a_step("raw", batch)
    changed = {name for name, value in raw.backbone.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("matcher.") for name in changed)
    for motion, heeds in (("skeleton", True), ("raw", False)):  # a raw driver is another body, elsewhere
        one, other = (after_a_step(motion, b).backbone.matcher.match.weight for b in (batch, blind))
        assert torch.equal(one, other) != heeds
    raw.step(batch, 10)
    assert not torch.equal(raw.backbone.matched.weight, before["matched.weight"])


def test_more_frames_per_sample_than_the_grid_has_are_refused():
    with pytest.raises(ValueError, match="frames_per_sample: got 4, expected 2 to 3"):
        replace(CONFIG, frames_per_sample=4)


def test_mirroring_flips_reference_driver_and_target_together():
    config = replace(CONFIG, flip_share=1.0, other_moment_share=0.0, batch_size=1)
    cache = FrameCache.build(examples(1, length=3), config)
    batch = cache.batch(config, 0)
    assert np.array_equal(batch.target[0], cache.targets[0][:, :, ::-1]) and np.array_equal(batch.motion, batch.target)
    assert np.array_equal(batch.reference[0], cache.targets[0, 0][:, ::-1])


def test_a_driver_reaches_the_output_only_where_the_motion_signal_lets_it(tmp_path):
    blank = replace(CONFIG, recipe="blank", motion="blank")
    fit(FrameCache.build(examples(), blank), blank, steps=2, out=tmp_path / "blank")
    fit(FrameCache.build(examples(), CONFIG), CONFIG, steps=2, out=tmp_path / "raw")
    other = Clip(frames=255 - next(examples()).driver.frames, fps=8.0)
    for name, same in (("blank", True), ("raw", False)):
        animator = load_checkpoint(tmp_path / name)
        one, two = (animator.animate(request(driving=d)).clip.frames for d in (next(examples()).driver, other))
        assert np.array_equal(one, two) == same


def test_checkpoint_round_trip_and_lineage(tmp_path):
    cache = FrameCache.build(examples(), CONFIG, filter_metrics=("identity",))
    fit(cache, CONFIG, steps=2, out=tmp_path, card={"name": "toy_one", "parents": {"init": "abc"}})
    card, animator = read_card(tmp_path), load_checkpoint(tmp_path)
    assert card["parents"] == {"init": "abc"} and animator.name == "toy_one" and animator.filter_metrics == ("identity",)
    result = animator.animate(request(size=(20, 12), num_frames=5))
    assert result.clip.frames.shape == (5, 12, 20, 3) and result.animator.startswith("toy_one@")
    assert np.array_equal(result.clip.frames, animator.animate(request(size=(20, 12), num_frames=5)).clip.frames)
    assert not np.array_equal(result.clip.frames, animator.animate(request(size=(20, 12), num_frames=5, seed=2)).clip.frames)


def test_damaged_or_mixed_checkpoints_are_named(tmp_path):
    fit(FrameCache.build(examples(), CONFIG), CONFIG, steps=1, out=tmp_path)
    weights = tmp_path / "model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[:200])
    with pytest.raises(ValueError, match="damaged weights"):
        load_checkpoint(tmp_path)
    weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(ValueError, match="mixes two checkpoints"):
        load_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="no such file"):
        read_card(tmp_path / "elsewhere")


def test_init_starts_from_the_parents_weights(tmp_path):
    cache = FrameCache.build(examples(), CONFIG)
    fit(cache, CONFIG, steps=40, out=tmp_path / "parent")
    tuned = fit(cache, replace(CONFIG, recipe="child"), steps=1, out=tmp_path / "child", init=load_weights(tmp_path / "parent"))
    fresh = fit(cache, replace(CONFIG, recipe="child"), steps=1, out=tmp_path / "fresh")
    assert tuned.loss < fresh.loss


def test_skeleton_training_survives_frames_without_a_pose(tmp_path):
    class Nobody:
        def estimate(self, clip):
            return PoseTrack(points=np.zeros((len(clip), 0, 17, 2)), confidence=np.zeros((len(clip), 0, 17)), skeleton="coco17", fps=8.0)

    config = replace(CONFIG, recipe="bones", motion="skeleton")
    cache = FrameCache.build(examples(), config, Nobody())
    assert not cache.batch(config, 0).motion.any()
    save_estimator(PoseNet(8), tmp_path / "pose_estimator", {})
    fit(cache, config, steps=1, out=tmp_path)
    assert len(load_checkpoint(tmp_path).animate(request()).clip) == 3


def test_examples_that_do_not_fit_the_recipe_are_refused_by_name():
    short = TrainingExample(
        id="short", reference=np.zeros((4, 4, 3), np.uint8), driver=None, target=Clip(frames=np.zeros((2, 4, 4, 3), np.uint8), fps=8.0)
    )
    with pytest.raises(ValueError, match="example short: target frames: got 2, expected >= 3"):
        FrameCache.build([short], CONFIG)
    with pytest.raises(ValueError, match="examples: got 0"):
        FrameCache.build([], CONFIG)


def test_learning_rate_warms_up_stays_and_falls_to_zero():
    rates = [learning_rate(CONFIG, step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / 20) and rates[500] == 1.0 and rates[-1] == pytest.approx(1 / 300)


def test_a_kill_between_resume_point_and_checkpoint_is_healed(tmp_path):
    cache = FrameCache.build(examples(), CONFIG)
    fit(cache, CONFIG, steps=4, out=tmp_path / "whole")
    fit(cache, CONFIG, steps=4, out=tmp_path / "killed")
    (tmp_path / "killed" / "animator.json").unlink()
    (tmp_path / "killed" / "model.safetensors").write_bytes(b"half")
    fit(cache, CONFIG, steps=4, out=tmp_path / "killed")
    for name in ("animator.json", "model.safetensors"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_other_data_or_parents_are_refused(tmp_path):
    cache = FrameCache.build(examples(), CONFIG)
    fit(cache, CONFIG, steps=2, out=tmp_path, card={"data": {"ids": "a"}, "parents": {"init": "x"}})
    for change, field in (({"data": {"ids": "b"}}, "data"), ({"parents": {}}, "parents")):
        with pytest.raises(ValueError, match=f"{field}: got .* as in the started run"):
            fit(cache, CONFIG, steps=4, out=tmp_path, card={"data": {"ids": "a"}, "parents": {"init": "x"}} | change)


def test_an_init_of_another_size_and_a_cache_without_drivers_are_refused(tmp_path):
    cache = FrameCache.build(examples(), CONFIG)
    fit(cache, replace(CONFIG, backbone=TinyConfig(width=16, layers=1, heads=2)), steps=1, out=tmp_path / "small")
    with pytest.raises(ValueError, match="--init: weight"):
        fit(cache, CONFIG, steps=1, out=tmp_path / "big", init=load_weights(tmp_path / "small"))
    blank = FrameCache.build(examples(), replace(CONFIG, motion="blank"))
    with pytest.raises(ValueError, match="what motion raw needs"):
        fit(blank, CONFIG, steps=1, out=tmp_path / "none")


def test_a_card_that_describes_no_network_is_refused(tmp_path):
    fit(FrameCache.build(examples(), CONFIG), CONFIG, steps=1, out=tmp_path)
    card = json.loads((tmp_path / "animator.json").read_text())
    for field, value in (
        ("grid", {"width": 8}),
        ("backbone", {"family": "tiny", "depth": 3}),
        ("backbone", {"family": "huge"}),
        ("motion", "telepathy"),
    ):
        (tmp_path / "animator.json").write_text(json.dumps(card | {field: value}))
        with pytest.raises(ValueError, match=field):
            load_checkpoint(tmp_path)
