"""What flags of `train` change in a recipe, what they are refused for, and that they reach the checkpoint."""

from dataclasses import fields, replace

import pytest

import pipelines.recipes as recipes
import pipelines.train
from awbench.world.export import write_clip_folder
from models.animators.checkpoint import load_checkpoint, read_card
from models.runtime import Runtime
from models.training.augment import Augmentation
from models.types import Grid
from pipelines.cli import main
from pipelines.recipes import RECIPES
from pipelines.train import train
from pipelines.train_flags import AugmentationFlags, LoraFlags, SamplingFlags, TrainFlags, overridden, said

GRID = Grid(width=32, height=32, fps=8.0, num_frames=5)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    write_clip_folder(folder, split="train", subjects=("human",), clips=2, size=32, num_frames=12)
    return folder


@pytest.mark.parametrize("name", [name for name in RECIPES.entries if name != "tiny_pose_estimator"])
def test_flags_that_say_nothing_change_nothing(name):
    base = RECIPES.load(name)()
    assert overridden(base, TrainFlags()) == base and "lora.rank" not in said(TrainFlags())


def test_every_flag_reaches_its_setting():
    flags = TrainFlags(
        box="off",
        driver_weight=0.5,
        save_every=7,
        lora=LoraFlags(rank=8, layers="feed_forward, attention"),
        augmentation=AugmentationFlags(mirror=0.0, bones=1.0),
        sampling=SamplingFlags(steps=12, guidance=3.0),
    )
    base = recipes.wan_1_3b_pose()
    config = overridden(base, flags)
    assert config.lora.rank == 8 and config.lora.layers == ("feed_forward", "attention") and config.driver_weight == 0.5
    assert config.augmentation == replace(base.augmentation, mirror=0.0, bones=1.0) and config.save_every == 7
    assert (config.sampling.steps, config.sampling.guidance, config.sampling.tail_frames) == (12, 3.0, base.sampling.tail_frames)
    assert base.motion["normalised"] and not config.motion["normalised"]
    assert overridden(replace(base, motion=config.motion), TrainFlags(box="clip")).motion["normalised"]
    only_rank = overridden(base, TrainFlags(lora=LoraFlags(rank=8)))
    assert only_rank.lora.layers == ("feed_forward",)


def test_every_share_of_the_augmentation_has_a_flag():
    assert [field.name for field in fields(AugmentationFlags)] == [field.name for field in fields(Augmentation)]


@pytest.mark.parametrize(
    ("recipe", "flags", "message"),
    [
        ("tiny_e2e", TrainFlags(lora=LoraFlags(rank=8)), "--lora.rank: got 8, expected none: it trains the whole network"),
        ("tiny_e2e", TrainFlags(lora=LoraFlags(layers="attention")), "--lora.layers: got attention, expected none"),
        ("tiny_e2e", TrainFlags(box="clip"), "--box: got clip, expected none: it draws no skeleton"),
        (
            "wan_1_3b_e2e",
            TrainFlags(augmentation=AugmentationFlags(bones=0.0)),
            "bones: got 0.0, expected none: its driver is shown as raw",
        ),
        (
            "wan_1_3b_pose",
            TrainFlags(augmentation=AugmentationFlags(driver_stretch=0.5)),
            "--augmentation.driver-stretch: got 0.5, expected none: its driver is shown as skeleton",
        ),
        ("tiny_prior", TrainFlags(augmentation=AugmentationFlags(driver_colour=0.5)), "none: its driver is shown as blank"),
        ("tiny_prior", TrainFlags(driver_weight=1.0), "--driver-weight: got 1.0, expected none: the driver's half of its canvas is blank"),
        ("wan_1_3b_pose", TrainFlags(lora=LoraFlags(rank=0)), "rank: got 0"),
        ("wan_1_3b_pose", TrainFlags(augmentation=AugmentationFlags(mirror=2.0)), "mirror: got 2.0, expected 0 to 1"),
        ("wan_1_3b_pose", TrainFlags(sampling=SamplingFlags(steps=0)), "steps: got 0"),
        ("wan_1_3b_pose", TrainFlags(save_every=0), "save_every: got 0"),
    ],
)
def test_a_flag_without_effect_or_sense_is_refused_with_the_reason(recipe, flags, message):
    with pytest.raises(ValueError, match=message):
        overridden(RECIPES.load(recipe)(), flags)


@pytest.mark.parametrize("flags", [TrainFlags(guide="template"), TrainFlags(sampling=SamplingFlags(guidance=3.0))])
def test_flags_about_prompts_are_refused_where_none_are_read(people, tmp_path, flags):
    with pytest.raises(ValueError, match="recipe tiny_prior: --.* expected none: backbone tiny reads no text"):
        train(people, recipe="tiny_prior", steps=1, out=tmp_path / "x", flags=replace(flags, num_frames=5))


def test_the_estimators_recipe_takes_no_group_of_flags(people, tmp_path):
    with pytest.raises(ValueError, match="flags: got lora.rank, sampling.steps, expected none but"):
        flags = TrainFlags(lora=LoraFlags(rank=4), sampling=SamplingFlags(steps=3))
        train(people, recipe="tiny_pose_estimator", steps=1, out=tmp_path / "x", flags=flags)


def test_flags_land_in_the_checkpoint_and_a_run_does_not_go_on_with_others(people, tmp_path, monkeypatch):
    backbone = {"family": "tiny", "width": 32, "layers": 1, "heads": 2}
    config = replace(recipes.tiny_e2e(), backbone=backbone, grid=GRID, batch_size=1)
    monkeypatch.setattr(recipes, "tiny_e2e", lambda: config)
    flags = TrainFlags(driver_weight=0.5, augmentation=AugmentationFlags(mirror=0.0), sampling=SamplingFlags(steps=3), save_every=1)
    flags = replace(flags, runtime=Runtime(device="cpu"))
    train(people, recipe="tiny_e2e", steps=1, out=tmp_path / "out", flags=flags)
    card = read_card(tmp_path / "out")
    assert card["recipe"]["driver_weight"] == 0.5 and card["recipe"]["augmentation"]["mirror"] == 0.0
    assert card["sampling"]["steps"] == 3 and load_checkpoint(tmp_path / "out").sampling.steps == 3
    for name, other in (
        ("driver_weight", replace(flags, driver_weight=None)),
        ("augmentation", replace(flags, augmentation=AugmentationFlags())),
        ("sampling", replace(flags, sampling=SamplingFlags(steps=4))),
    ):
        with pytest.raises(ValueError, match=f"out: {name}: got .* as in the started run; use another --out"):
            train(people, recipe="tiny_e2e", steps=2, out=tmp_path / "out", flags=other)
    train(people, recipe="tiny_e2e", steps=2, out=tmp_path / "out", flags=replace(flags, save_every=5))  # when to save is no part of a run
    assert read_card(tmp_path / "out")["steps"] == 2


def test_the_command_line_hands_every_flag_on(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(pipelines.train, "train", lambda data, **given: seen.update(given) or "done")
    command = ["train", "--data", "d", "--recipe", "wan_1_3b_pose", "--steps", "1", "--out", "o"]
    command += [
        "--lora.rank",
        "8",
        "--lora.layers",
        "feed_forward,attention",
        "--driver-weight",
        "0.5",
        "--save-every",
        "7",
        "--box",
        "off",
    ]
    command += ["--augmentation.bones", "0", "--augmentation.driver-stretch", "0.25", "--sampling.steps", "12", "--sampling.guidance", "3"]
    assert main(command) == 0
    assert said(seen["flags"]) | {"runtime": None} == {
        "box": "off",
        "driver_weight": 0.5,
        "save_every": 7,
        "lora.rank": 8,
        "lora.layers": "feed_forward,attention",
        "augmentation.bones": 0.0,
        "augmentation.driver_stretch": 0.25,
        "sampling.steps": 12,
        "sampling.guidance": 3.0,
        "runtime": None,
    }
