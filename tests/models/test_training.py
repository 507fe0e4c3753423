"""The training loop on a tiny network: what it learns, what a kill costs, what it refuses, what it leaves."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.animators.checkpoint import load_checkpoint, read_card
from models.animators.motion import build_motion
from models.animators.sampling import Sampling
from models.backbones.families import build_backbone
from models.runtime import Runtime
from models.shards import DamagedShard
from models.training.augment import Augmentation
from models.training.batches import Batches
from models.training.config import AdamW, Muon, TrainConfig
from models.training.loop import TrainState, fit, initialised
from models.training.lora import LoraSpec
from models.training.optimizers import learning_rate
from models.training.pose_cache import PoseCache
from models.types import AnimationRequest, Clip, Grid, TrainingExample

ROOT = Path(__file__).resolve().parents[2]
GRID = Grid(width=16, height=16, fps=8.0, num_frames=5)
SMALL = {"family": "tiny", "width": 32, "layers": 2, "heads": 2}
PLAIN = Augmentation(mirror=0, bones=0, driver_stretch=0, driver_colour=0)
CONFIG = TrainConfig(
    recipe="toy",
    backbone=SMALL,
    motion={"kind": "raw"},
    grid=GRID,
    gap_frames=1,
    optimizer=AdamW(lr=3e-3),
    sampling=Sampling(steps=2),
    augmentation=PLAIN,
    batch_size=2,
    gradient_checkpointing=False,
    ema_decay=0.9,
    save_every=2,
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def clip_of(seed, frames=7, size=16, fps=8.0):
    colours = np.random.default_rng(seed).integers(0, 255, (frames, 2, 2, 3), dtype=np.uint8)
    return Clip(frames=colours.repeat(size // 2, 1).repeat(size // 2, 2), fps=fps)


def examples(count=6, frames=7):
    made = []
    for k in range(count):
        target, driver = clip_of(k, frames), clip_of(100 + k, frames)
        made.append(TrainingExample(id=f"e{k}", reference=target.frames[0], driver=driver, target=target, prompt=f"prompt {k}"))
    return made


def batches(config=CONFIG, data=None):
    return Batches(examples=examples() if data is None else data, config=config, motion=build_motion(config.motion))


def backbone(config=CONFIG):
    return initialised(config, lambda: build_backbone(config.backbone, None, Runtime(device="cpu")))


def trained(out, steps, config=CONFIG, data=None, **options):
    return fit(backbone(config), batches(config, data), steps=steps, out=out, **options)


def bytes_of(folder):
    return (folder / "model.safetensors").read_bytes(), (folder / "loss.csv").read_bytes()


def test_a_window_begins_with_its_reference_and_the_driver_runs_beside_it():
    batch = batches().batch(0)
    assert batch.reference.shape == (2, 16, 16, 3) and batch.target.shape == batch.driver.shape == (2, 5, 16, 16, 3)
    assert np.array_equal(batch.reference, batch.target[:, 0]) and batch.tail_frames == 0
    for slot in range(2):
        number = int(batch.prompts[slot].split()[1])
        whole, driver = clip_of(number).frames, clip_of(100 + number).frames
        start = next(s for s in range(3) if np.array_equal(whole[s : s + 5], batch.target[slot]))
        assert np.array_equal(driver[start : start + 5], batch.driver[slot])


def test_an_epoch_sees_every_example_once_and_the_next_in_another_order():
    config = replace(CONFIG, batch_size=3)
    seen = [prompt for part in range(4) for prompt in batches(config).batch(part).prompts]
    assert sorted(seen[:6]) == sorted(seen[6:]) == [f"prompt {k}" for k in range(6)] and seen[:6] != seen[6:]


def test_a_reference_from_another_moment_lies_outside_of_the_window():
    config, data = replace(CONFIG, other_moment_share=1.0), examples(1)
    for part in range(5):
        batch = batches(config, data).batch(part)
        whole = clip_of(0).frames
        rest = next(s for s in range(3) if np.array_equal(whole[s + 1 : s + 5], batch.target[0, 1:]))
        moment = next(t for t in range(7) if np.array_equal(whole[t], batch.reference[0]))
        assert not rest <= moment < rest + 5


def test_batches_depend_on_seed_and_part_alone_whoever_makes_them():
    one, other = batches().batch(3), batches(replace(CONFIG, seed=1)).batch(3)
    stream = batches().stream(2)
    next(stream)
    again = next(stream)
    stream.close()
    by_processes = batches().stream(3, processes=2)
    forked = next(by_processes)
    by_processes.close()
    for same in (again, forked):
        assert all(np.array_equal(getattr(one, name), getattr(same, name)) for name in ("target", "driver", "reference"))
        assert one.prompts == same.prompts
    assert not np.array_equal(one.target, other.target)


def test_an_example_that_cannot_be_used_is_passed_over_and_named(tmp_path):
    class Damaged(list):
        def __getitem__(self, index):
            if index == 2:
                raise ValueError("shard-000000.tar: sample k2: driver.mp4: no frame could be decoded")
            return super().__getitem__(index)

    data = Damaged(examples())
    data[1] = replace(examples()[1], target=clip_of(1, 3), driver=clip_of(101, 3))
    done = trained(tmp_path, 6, data=data)
    assert set(done.skipped) == {"1", "2"} and "no frame" in done.skipped["2"] and "target frames: got 3" in done.skipped["1"]
    with pytest.raises(ValueError, match="target fps: got 12.0, expected 8; resample"):
        trained(tmp_path / "none", 1, data=[replace(e, target=clip_of(0, fps=12.0), driver=clip_of(0, fps=12.0)) for e in examples(2)])
    with pytest.raises(ValueError, match="examples: got 0"):
        batches(data=[])


class Spoilt(list):
    """Examples of which one is damaged on its storage until it is mended."""

    ids, mended = tuple(f"e{k}" for k in range(6)), False

    def __getitem__(self, index):
        if index == 2 and not self.mended:
            raise DamagedShard("shard-000000.tar: sample e2: target.mp4: sha256 differs from its card")
        return super().__getitem__(index)


def test_a_damaged_sample_stops_the_run_and_once_mended_nothing_has_been(tmp_path):
    trained(tmp_path / "whole", 8)
    data = Spoilt(examples())
    with pytest.raises(DamagedShard, match="sample e2"):
        trained(tmp_path / "legs", 8, data=data)
    data.mended = True
    trained(tmp_path / "legs", 8, data=data)
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "legs")


@pytest.mark.parametrize("processes", [0, 2])
def test_a_damaged_sample_is_skipped_where_that_is_asked_and_named_to_the_end(tmp_path, processes):
    def leg(steps):
        some = replace(batches(data=Spoilt(examples())), on_damage="skip")
        return fit(backbone(), some, steps=steps, out=tmp_path, processes=processes)

    assert list(leg(6).skipped) == ["e2"]
    assert list(leg(6).skipped) == ["e2"] and "sha256 differs" in leg(7).skipped["e2"]


def test_training_lowers_the_loss_and_leaves_an_animator(tmp_path):
    config = replace(CONFIG, backbone={**SMALL, "width": 64}, batch_size=4)
    done = trained(tmp_path, 150, config, data=examples(1))
    losses = np.loadtxt(tmp_path / "loss.csv", delimiter=",", skiprows=1)[:, 1]
    assert done.steps == 150 and losses[-15:].mean() < losses[:5].mean() / 4
    animator, target = load_checkpoint(tmp_path, Runtime(device="cpu")), clip_of(0)
    request = AnimationRequest(id="r", reference=target.frames[0], driving=clip_of(100), size=(16, 16), num_frames=7, seed=3)
    made = animator.animate(request)
    assert made.clip.frames.shape == (7, 16, 16, 3) and np.array_equal(made.clip.frames, animator.animate(request).clip.frames)
    assert made.provenance["windows"] == 2 and made.provenance["runtime"]["device"] == "cpu"


@pytest.mark.parametrize("optimizer", [AdamW(lr=1e-3), Muon()])
@pytest.mark.parametrize("lora", [None, LoraSpec(rank=4)])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, optimizer, lora):
    config = replace(CONFIG, optimizer=optimizer if lora is None else AdamW(lr=1e-3), lora=lora, accumulate=2)
    trained(tmp_path / "whole", 6, config)

    class Killed(Exception):
        pass

    def kill(run):
        if len(run.losses) == 5:
            raise Killed

    with pytest.raises(Killed):
        trained(tmp_path / "legs", 6, config, watch=kill)
    trained(tmp_path / "legs", 6, config)
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "legs")


def test_sigkill_anywhere_costs_nothing_but_time(tmp_path):
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests" / "models")!r})
import test_training as t
from dataclasses import replace
t.torch.set_num_threads(1)
def watch(run):
    if len(run.losses) == int(sys.argv[2]):
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
t.trained(sys.argv[1], 7, watch=watch)
"""

    def run(out, kill_at):
        return subprocess.run([sys.executable, "-c", code, str(out), str(kill_at)], cwd=ROOT, capture_output=True, text=True).returncode

    assert run(tmp_path / "whole", 99) == 0
    assert run(tmp_path / "legs", 3) == -9 and run(tmp_path / "legs", 5) == -9 and run(tmp_path / "legs", 99) == 0
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "legs")


def test_ctrl_c_saves_the_step_under_way_and_the_same_command_continues(tmp_path):
    import os
    import signal

    def interrupt(run):
        if len(run.losses) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    config = replace(CONFIG, save_every=100)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "legs", 6, config, watch=interrupt)
    assert len((tmp_path / "legs" / "loss.csv").read_text().splitlines()) == 4
    trained(tmp_path / "legs", 6, config)
    trained(tmp_path / "whole", 6, config)
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "legs")


def test_a_finished_run_is_a_no_op_and_a_killed_publication_is_mended(tmp_path):
    trained(tmp_path, 3)
    before = bytes_of(tmp_path)
    (tmp_path / "animator.json").unlink()
    trained(tmp_path, 3)
    stamp = (tmp_path / "animator.json").stat().st_mtime_ns
    trained(tmp_path, 3)
    assert bytes_of(tmp_path) == before and (tmp_path / "animator.json").stat().st_mtime_ns == stamp


def test_losses_stay_on_the_device_until_a_save_or_a_glance(tmp_path, monkeypatch):
    import models.training.loop as loop

    monkeypatch.setattr(loop, "_FETCH_EVERY_S", 1e9)
    known = []
    trained(tmp_path / "quiet", 6, replace(CONFIG, save_every=4), watch=lambda run: known.append((run.steps, len(run.fetched))))
    assert known == [(1, 1), (2, 1), (3, 1), (4, 4), (5, 4), (6, 6)]
    monkeypatch.setattr(loop, "_FETCH_EVERY_S", 0.0)
    trained(tmp_path / "curious", 6, replace(CONFIG, save_every=4), watch=lambda run: run.losses)
    assert bytes_of(tmp_path / "quiet") == bytes_of(tmp_path / "curious")


@pytest.mark.parametrize("spoilt", ["loss", "gradient norm"])
def test_what_is_not_finite_is_noticed_before_a_checkpoint_is_written(tmp_path, monkeypatch, spoilt):
    import models.training.loop as loop

    monkeypatch.setattr(loop, "_FETCH_EVERY_S", 1e9)
    sound, clip = TrainState.loss, torch.nn.utils.clip_grad_norm_

    def loss(run, batch, part):
        return sound(run, batch, part) * (float("nan") if spoilt == "loss" and run.steps == 2 else 1.0)

    def norm(*arguments):
        calls.append(clip(*arguments))
        return calls[-1] * (float("inf") if len(calls) == 3 and spoilt != "loss" else 1.0)

    calls = []
    monkeypatch.setattr(TrainState, "loss", loss)
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", norm)
    with pytest.raises(ValueError, match=f"train: step 3: {spoilt}: got (nan|inf), expected a finite number; lower the learning rate"):
        trained(tmp_path, 6)
    monkeypatch.undo()
    assert read_card(tmp_path)["steps"] == 2 and len((tmp_path / "loss.csv").read_text().splitlines()) == 3
    trained(tmp_path, 6)
    trained(tmp_path / "whole", 6)
    assert bytes_of(tmp_path) == bytes_of(tmp_path / "whole")


def test_other_settings_data_or_parents_are_refused_by_name(tmp_path):
    trained(tmp_path, 2, card={"parents": {"init": "a"}})
    with pytest.raises(ValueError, match="batch_size: got 3, expected 2 as in the started run; use another --out"):
        trained(tmp_path, 2, replace(CONFIG, batch_size=3), card={"parents": {"init": "a"}})
    with pytest.raises(ValueError, match="parents: got {'init': 'b'}"):
        trained(tmp_path, 2, card={"parents": {"init": "b"}})
    (tmp_path / "optimizer.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match="damaged .*delete the folder"):
        trained(tmp_path, 3, card={"parents": {"init": "a"}})


def test_starting_from_weights_starts_there_and_another_network_is_refused(tmp_path):
    trained(tmp_path / "a", 4)
    from models.animators.checkpoint import checked_weights

    weights = checked_weights(tmp_path / "a", read_card(tmp_path / "a"))[0]
    run = TrainState(backbone(), CONFIG, weights, {})
    assert all(torch.equal(p, weights[name].float()) for name, p in run.trainable.items())
    wide = replace(CONFIG, backbone={**SMALL, "width": 48})
    with pytest.raises(ValueError, match="--init: weight .*another backbone"):
        TrainState(backbone(wide), wide, weights, {})


def test_gradients_accumulate_to_the_larger_batch(monkeypatch):
    one, two = (TrainState(backbone(), CONFIG, None, {}) for _ in range(2))
    parts, name, kept = [batches().batch(0), batches().batch(1)], "blocks.0.ffn.net.2.weight", {}
    config = replace(CONFIG, accumulate=2)
    two.config = config
    mean = (one.loss(parts[0], 0) + one.loss(parts[1], 1)) / 2
    mean.backward()
    torch.nn.utils.clip_grad_norm_(one.trainable.values(), CONFIG.max_grad_norm)
    monkeypatch.setattr(two.optimizers[0], "step", lambda: kept.update(grad=two.trainable[name].grad.clone()))
    two.step(parts, 10)
    assert two.losses[0] == pytest.approx(float(mean.detach()), rel=1e-5)
    assert torch.allclose(kept["grad"], one.trainable[name].grad, atol=1e-7) and kept["grad"].abs().max() > 0


def test_the_average_follows_the_weights_and_is_what_is_saved(tmp_path):
    run, stock = TrainState(backbone(), CONFIG, None, {}), batches()
    before = {name: p.detach().clone() for name, p in run.trainable.items()}
    for part in range(3):
        run.step([stock.batch(part)], 10)
    name = "blocks.0.ffn.net.2.weight"
    moved, kept = (run.trainable[name] - before[name]).norm(), (run.average[name] - before[name]).norm()
    assert 0 < kept < moved and torch.equal(run.weights()[name], run.average[name])
    assert not torch.equal(run.trainable[name], run.average[name])  # asking for them changes nothing


def test_memory_for_backward_is_traded_for_time_without_changing_the_gradient():
    plain = TrainState(backbone(), CONFIG, None, {})
    config = replace(CONFIG, gradient_checkpointing=True)
    saving = TrainState(backbone(config), config, plain.backbone.transformer.state_dict(), {})
    batch, grads = batches().batch(0), []
    for run in (plain, saving):
        run.backbone.transformer.train()
        run.loss(batch, 0).backward()
        grads.append(run.trainable["blocks.0.ffn.net.2.weight"].grad)
    assert torch.allclose(*grads, atol=1e-6)


def test_windows_may_be_given_a_tail_and_then_no_gap(monkeypatch):
    import models.training.loop as loop

    config = replace(CONFIG, tail_share=1.0, gap_frames=3, sampling=Sampling(steps=2, tail_frames=2))
    batch, seen = batches(config).batch(0), []
    assert batch.tail_frames == 2 and batches(replace(config, tail_share=0.0)).batch(0).tail_frames == 0
    monkeypatch.setattr(loop, "compose", lambda *a, compose=loop.compose, **k: seen.append(compose(*a, **k)) or seen[-1])
    run = TrainState(backbone(config), config, None, {})
    run.loss(batch, 0)
    run.loss(batches(replace(config, tail_share=0.0)).batch(0), 0)
    assert seen[0].given_2T.tolist() == [[True, True, True, False, False], [False, True, True, True, True]]
    assert seen[1].given_2T.tolist() == [[True, False, False, False, False], [False, False, False, True, True]]


def test_beside_a_tail_the_reference_is_of_any_moment_as_at_inference():
    config = replace(CONFIG, tail_share=1.0, batch_size=1, sampling=Sampling(steps=2, tail_frames=2))
    whole, just_before = clip_of(0).frames, []
    for part in range(12):
        batch = batches(config, examples(1)).batch(part)
        start = next(t for t in range(7) if np.array_equal(whole[t], batch.target[0, 1])) - 1
        moment = next(t for t in range(7) if np.array_equal(whole[t], batch.reference[0]))
        assert moment not in (start, start + 1, start + 2)  # neither just before the tail nor one of it
        just_before.append(moment)
    assert len(set(just_before)) > 2


def test_left_and_right_change_places_in_the_prompt_of_a_mirrored_sample():
    config = replace(CONFIG, augmentation=replace(PLAIN, mirror=1.0), batch_size=1)
    data = [replace(examples(1)[0], prompt="A girl travelling right; her left hand, upright")]
    assert batches(config, data).batch(0).prompts == ("A girl travelling left; her right hand, upright",)
    assert batches(replace(config, augmentation=PLAIN), data).batch(0).prompts[0] == data[0].prompt


def test_poses_are_estimated_once_and_a_damaged_file_is_made_anew(tmp_path):
    from models.animators.motion import Skeleton
    from models.types import PoseTrack

    class Counting:
        name, weights_hash, skeleton, calls = "counting", "w", "coco17", 0

        def estimate(self, clip):
            Counting.calls += 1
            points = np.random.default_rng(0).uniform(2, 14, (len(clip), 1, 17, 2)).astype(np.float32)
            return PoseTrack(points=points, confidence=np.ones((len(clip), 1, 17)), skeleton="coco17", fps=clip.fps)

    config = replace(CONFIG, motion={"kind": "skeleton"})
    data = Batches(examples=examples(2), config=config, motion=Skeleton(Counting()), poses=PoseCache(folder=tmp_path))
    first = data.batch(0)
    assert Counting.calls == 2 and np.array_equal(data.batch(0).driver, first.driver) and Counting.calls == 2
    for file in tmp_path.glob("*.safetensors"):
        file.write_bytes(b"cut")
    assert np.array_equal(data.batch(0).driver, first.driver) and Counting.calls == 4
    other = [replace(e, driver=clip_of(5, size=32), target=clip_of(5, size=32)) for e in examples(2)]  # the same ids, another raster
    replace(data, examples=other).batch(0)
    assert Counting.calls == 6


def test_the_card_says_how_to_build_the_animator_again(tmp_path):
    trained(tmp_path, 2, card={"name": "toy", "filter_metrics": ["identity"], "data": {"kind": "pairs"}})
    card = json.loads((tmp_path / "animator.json").read_text())
    assert card["backbone"]["family"] == "tiny" and card["motion"] == {"kind": "raw"} and card["adapter"] is None
    assert card["gap_frames"] == 1 and card["prediction"] == "clean" and card["steps"] == 2 and card["recipe"]["recipe"] == "toy"
    animator = load_checkpoint(tmp_path, Runtime(device="cpu"))
    assert animator.filter_metrics == ("identity",) and animator.weights_hash == card["sha256"] and animator.name == "toy"
    (tmp_path / "animator.json").write_text(json.dumps({**card, "sha256": "0" * 64}))
    with pytest.raises(ValueError, match="mixes two checkpoints"):
        load_checkpoint(tmp_path)


def test_rates_warm_up_stay_and_fall():
    config = replace(CONFIG, warmup_steps=10, decay_share=0.5)
    rates = [learning_rate(config, step, 100) for step in range(100)]
    assert rates[0] == 0.1 and rates[30] == 1.0 and 0 < rates[-1] < 0.05 and rates[75] == pytest.approx(0.5)
    assert learning_rate(replace(config, decay_share=0.0), 99, 100) == 1.0


@pytest.mark.parametrize(
    "field,value,message",
    [
        ("gap_frames", 5, "gap_frames: got 5, expected 1 to 4, within the window's 5 frames; train on longer clips"),
        ("save_every", 0, "save_every: got 0, expected a whole number >= 1"),
        ("driver_weight", -1.0, "driver_weight: got -1.0, expected >= 0"),
        ("other_moment_share", 2.0, "other_moment_share: got 2.0"),
        ("batch_size", 0, "batch_size, accumulate"),
        ("tail_share", 0.5, "sampling.tail_frames: got 0"),
    ],
)
def test_wrong_settings_are_refused_when_they_are_written_down(field, value, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **{field: value})
