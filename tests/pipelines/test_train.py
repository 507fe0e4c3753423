"""`train` on real folders: clips and datasets, lineage, flags, validation; and that no recipe can read a truth."""

import ast
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pipelines.recipes as recipes
from awbench.world.export import write_clip_folder
from bootstrap.filters import filter_metrics
from bootstrap.shards.examples import ShardExamples
from bootstrap.thresholds import Thresholds
from models.animators.checkpoint import load_checkpoint, read_card
from models.artifacts import sha256
from models.runtime import Runtime
from models.types import Grid
from pipelines.recipes import RECIPES
from pipelines.train import resolve, train
from pipelines.train_flags import TrainFlags
from pipelines.validation import Validation

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "models" / "weights"
GRID = Grid(width=32, height=32, fps=8.0, num_frames=5)
CPU = Runtime(device="cpu")


@pytest.fixture
def small(monkeypatch):
    """The real recipes with a network of a few thousand weights on a small grid."""
    for name in ("tiny_prior", "tiny_pose", "tiny_e2e"):
        backbone = {"family": "tiny", "width": 32, "layers": 1, "heads": 2}
        config = replace(RECIPES.load(name)(), backbone=backbone, grid=GRID, batch_size=2)
        monkeypatch.setattr(recipes, name, lambda config=config: config)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    write_clip_folder(folder, split="train", subjects=("human",), clips=3, size=48, num_frames=12)
    return folder


@pytest.fixture(scope="module")
def pairs(people, tmp_path_factory):
    from pipelines.synthesize import run as synthesize

    out = tmp_path_factory.mktemp("data") / "pairs"
    assert synthesize(driving=people, references=people, teacher="flow_warp", out=out).kept >= 1
    return out


def test_the_chain_runs_and_every_checkpoint_names_its_parents(people, tmp_path, small):
    train(people, recipe="tiny_pose_estimator", steps=1, out=tmp_path / "estimator")
    train(people, recipe="tiny_prior", steps=1, out=tmp_path / "prior")
    flags = TrainFlags(init=str(tmp_path / "prior"), estimator=str(tmp_path / "estimator"), runtime=CPU)
    train(people, recipe="tiny_pose", steps=1, out=tmp_path / "pose", flags=flags)
    card = read_card(tmp_path / "pose")
    assert card["parents"]["init"] == read_card(tmp_path / "prior")["sha256"] and "pose_estimator" in card["parents"]
    assert card["motion"]["estimator"] == "pose_estimator" and load_checkpoint(tmp_path / "pose").motion.kind == "skeleton"
    moved = (tmp_path / "pose").rename(tmp_path / "elsewhere")
    assert load_checkpoint(moved).motion.weights_hash == card["parents"]["pose_estimator"]


def test_pairs_train_the_end_to_end_model_and_name_their_teacher(pairs, tmp_path, small):
    train(pairs, recipe="tiny_e2e", steps=1, out=tmp_path / "e2e")
    card = read_card(tmp_path / "e2e")
    assert card["parents"] == {"teacher": "flow_warp"} and card["data"]["kind"] == "pairs" and card["data"]["examples"] >= 1
    assert set(card["filter_metrics"]) == set(filter_metrics(Thresholds()))


def test_a_damaged_sample_ends_a_run_unless_it_is_to_be_skipped(pairs, tmp_path, small, capsys):
    data = shutil.copytree(pairs, tmp_path / "pairs")
    place = ShardExamples(data)._index.place(0)
    with open(place.shard, "r+b") as shard:
        shard.seek(place.spans[0][0] + place.spans[0][1] // 2)
        shard.write(bytes(64))
    steps = max(4, len(ShardExamples(data)))
    with pytest.raises(ValueError, match=f"sample {place.key}: driver.mp4"):
        train(data, recipe="tiny_e2e", steps=steps, out=tmp_path / "stop", flags=TrainFlags(runtime=CPU))
    train(data, recipe="tiny_e2e", steps=steps, out=tmp_path / "skip", flags=TrainFlags(on_damage="skip", runtime=CPU))
    assert f"train: left out {place.key}: " in capsys.readouterr().out


def test_nothing_kept_is_nothing_to_train_on(people, tmp_path, small):
    from pipelines.synthesize import run as synthesize

    assert synthesize(driving=people, references=people, teacher="still", out=tmp_path / "still").kept == 0
    with pytest.raises(ValueError, match="--data examples: got 0 in .*still, .*manifest.parquet says why"):
        train(tmp_path / "still", recipe="tiny_e2e", steps=1, out=tmp_path / "none")


def test_the_backbone_of_init_takes_the_place_of_the_recipes(people, tmp_path, small, monkeypatch):
    train(people, recipe="tiny_prior", steps=1, out=tmp_path / "parent")
    other = replace(recipes.tiny_prior(), backbone={"family": "tiny", "width": 64, "layers": 2, "heads": 2})
    monkeypatch.setattr(recipes, "tiny_prior", lambda: other)
    train(people, recipe="tiny_prior", steps=1, out=tmp_path / "child", flags=TrainFlags(init=str(tmp_path / "parent")))
    assert read_card(tmp_path / "child")["backbone"] == read_card(tmp_path / "parent")["backbone"]


def test_the_same_command_continues_and_is_then_a_no_op(people, tmp_path, small):
    train(people, recipe="tiny_prior", steps=2, out=tmp_path / "a")
    train(people, recipe="tiny_prior", steps=2, out=tmp_path / "b")
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()
    stamp = (tmp_path / "a" / "animator.json").stat().st_mtime_ns
    train(people, recipe="tiny_prior", steps=2, out=tmp_path / "a")
    assert (tmp_path / "a" / "animator.json").stat().st_mtime_ns == stamp


def test_unreadable_clips_are_named_and_the_rest_is_used(people, tmp_path, small, capsys):
    import shutil

    shutil.copytree(people, tmp_path / "clips")
    (tmp_path / "clips" / "broken.mp4").write_bytes(b"text")
    train(tmp_path / "clips", recipe="tiny_prior", steps=1, out=tmp_path / "out")
    assert "broken.mp4: not a readable video" in capsys.readouterr().out
    assert read_card(tmp_path / "out")["examples"] == 3


def test_what_a_dataset_is_smaller_or_shorter_than_its_recipe_it_is_trained_at_and_said(pairs, tmp_path, capsys):
    grid = resolve(recipes.tiny_e2e(), pairs, tmp_path, None, TrainFlags()).grid  # made for 64x64, 9 frames
    assert (grid.size, grid.num_frames, grid.fps) == ((48, 48), 6, 8.0)
    said = capsys.readouterr().out
    assert "num_frames: recipe tiny_e2e is made for 9, the dataset's clips have 6: trains at 6; synthesize with --num-frames 9" in said
    assert "size: recipe tiny_e2e is made for 64x64, the dataset's clips have 48x48: trains at 48x48; --size 64x64 enlarges them" in said
    asked = resolve(recipes.tiny_e2e(), pairs, tmp_path, None, TrainFlags(size=(64, 64), num_frames=5)).grid
    assert (asked.size, asked.num_frames) == ((64, 64), 5) and not capsys.readouterr().out
    smaller = replace(recipes.tiny_e2e(), grid=GRID)
    assert resolve(smaller, pairs, tmp_path, None, TrainFlags()).grid == GRID and not capsys.readouterr().out
    for flags, message in (
        (TrainFlags(num_frames=9), "--num-frames: got 9, expected <= 6, the dataset's; leave it out, or synthesize such pairs"),
        (TrainFlags(fps=12.0), "--fps: got 12.0, expected 8, the dataset's"),
    ):
        with pytest.raises(ValueError, match=message):
            resolve(recipes.tiny_e2e(), pairs, tmp_path, None, flags)
    with pytest.raises(ValueError, match="gap_frames: got 8, expected 1 to 5, within the window's 6 frames; train on longer clips"):
        resolve(recipes.wan_1_3b_e2e(), pairs, tmp_path, None, TrainFlags())


def test_clips_that_are_all_too_short_are_told_as_such(people, tmp_path):
    with pytest.raises(ValueError) as said:
        train(people, recipe="tiny_prior", steps=1, out=tmp_path / "x", flags=TrainFlags(num_frames=20))
    text = (
        "train: --data examples: got 0 in .*people[0-9]+, expected a video of at least 5.00 s \\(40 frames at 8 fps\\); lower --num-frames"
    )
    assert said.match(text) and "manifest" not in str(said.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="--data examples: got 0 in .*empty.*; give a folder of clips"):
        train(tmp_path / "empty", recipe="tiny_prior", steps=1, out=tmp_path / "x")


def test_flags_take_the_place_of_the_recipe_and_a_second_stays_a_second(people, pairs, tmp_path):
    base = recipes.wan_1_3b_e2e()
    flags = TrainFlags(size=(64, 48), fps=8.0, num_frames=17, seed=5, save_every=7)
    config = resolve(base, people, tmp_path, None, flags)
    assert (config.grid.size, config.grid.fps, config.grid.num_frames, config.gap_frames) == ((64, 48), 8.0, 17, 8)
    assert config.seed == 5 and config.save_every == 7 and base.gap_frames == 16
    assert resolve(recipes.tiny_e2e(), pairs, tmp_path, None, TrainFlags()).grid.fps == 8.0  # the dataset's
    with pytest.raises(ValueError, match="--estimator: got none, expected a pose estimator; rtmlib:DIR"):
        resolve(recipes.wan_1_3b_pose(), people, tmp_path, None, TrainFlags())


def test_validation_cases_are_painted_and_scored_while_it_trains(people, tmp_path, small):
    flags = TrainFlags(validation=Validation(suite="world-mini", every=2, cases=2), runtime=CPU)
    train(people, recipe="tiny_prior", steps=3, out=tmp_path / "out", flags=flags)
    for step in (2, 3):
        run = tmp_path / "out" / "validation" / f"step-{step:06d}"
        scores = pd.read_parquet(run / "scores.parquet")
        assert scores["case"].nunique() == 2 and (scores["status"] == "ok").any() and len(list((run / "videos").glob("*.mp4"))) == 2
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = events.EventAccumulator(str(tmp_path / "out" / "tensorboard"))
    board.Reload()
    losses = np.loadtxt(tmp_path / "out" / "loss.csv", delimiter=",", skiprows=1)[:, 1]
    assert [event.step for event in board.Scalars("loss")] == [1, 2, 3] and "validation/overall" in board.Tags()["scalars"]
    assert np.allclose([event.value for event in board.Scalars("loss")], losses, atol=1e-6)
    train(people, recipe="tiny_prior", steps=3, out=tmp_path / "plain")
    assert (tmp_path / "plain" / "model.safetensors").read_bytes() == (tmp_path / "out" / "model.safetensors").read_bytes()


def test_wrong_use_says_what_to_do(people, tmp_path, small):
    with pytest.raises(ValueError, match="recipe: got 'tiny_poze'.*did you mean tiny_pose"):
        train(people, recipe="tiny_poze", steps=1, out=tmp_path)
    with pytest.raises(ValueError, match="--data"):
        train(tmp_path / "nowhere", recipe="tiny_prior", steps=1, out=tmp_path)
    with pytest.raises(ValueError, match="pose estimator .*expected an estimator folder"):
        train(people, recipe="tiny_pose", steps=1, out=tmp_path / "x", flags=TrainFlags(estimator=str(people)))
    with pytest.raises(ValueError, match="--init family: got WarpAnimator, expected tiny"):
        train(people, recipe="tiny_e2e", steps=1, out=tmp_path / "x", flags=TrainFlags(init="tiny_pose"))
    with pytest.raises(
        ValueError, match="checkpoint nowhere: got no animator.json there, expected .* one of short_pose, tiny_e2e, tiny_pose"
    ):
        train(people, recipe="tiny_e2e", steps=1, out=tmp_path / "x", flags=TrainFlags(init="nowhere"))
    with pytest.raises(ValueError, match="--weights: got none, expected a local diffusers folder"):
        train(people, recipe="wan_1_3b_e2e", steps=1, out=tmp_path / "x", flags=TrainFlags(fps=4.0, num_frames=5))
    with pytest.raises(ValueError, match="--estimator: got tiny, expected none: it draws no skeleton"):
        train(people, recipe="tiny_e2e", steps=1, out=tmp_path / "x", flags=TrainFlags(estimator="tiny"))
    with pytest.raises(ValueError, match="flags: got size, seed, expected none"):
        train(people, recipe="tiny_pose_estimator", steps=1, out=tmp_path / "x", flags=TrainFlags(seed=1, size=(64, 64)))
    for runtime in (Runtime(offload="model"), Runtime(block_cache=0.1)):
        with pytest.raises(ValueError, match="it is for inference"):
            train(people, recipe="tiny_prior", steps=1, out=tmp_path / "x", flags=TrainFlags(runtime=runtime))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(ValueError, match="--out: got .* with thesis.tex, expected a new folder"):
        train(people, recipe="tiny_prior", steps=1, out=tmp_path / "full")


def test_every_recipe_is_one_the_paper_would_know():
    for name in RECIPES.entries:
        config = RECIPES.load(name)()
        if name.startswith(("wan", "hunyuan")):
            assert config.lora.rank == 256 and config.lora.layers == ("feed_forward",) and config.optimizer.lr == 5e-5
            assert config.batch_size * config.accumulate == 2 and 49 <= config.grid.num_frames <= 121
            assert config.gap_frames == config.grid.fps and config.recipe == name


def test_no_training_code_can_reach_a_truth():
    """Truth lives in awbench's cases and suites; the files that feed training import neither, directly or through others."""
    reached, todo = (
        set(),
        ["models.training.batches", "bootstrap.clip_examples", "bootstrap.shards.examples", "bootstrap.synthesis", "models.training.loop"],
    )
    while todo:
        module = todo.pop()
        path = ROOT / (module.replace(".", "/") + ".py")
        path = path if path.is_file() else path.with_suffix("") / "__init__.py"
        if module in reached or not path.is_file():
            continue
        reached.add(module)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                todo += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                todo += [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
    assert "models.training.batches" in reached and "models.video" in reached
    assert not {m for m in reached if m.startswith(("awbench.world", "awbench.suites", "awbench.cases", "awbench.ground_truth"))}


GIVEN = {  # the weights two stages of the shipped warps started from
    "tiny_prior": "3d584473c1ed7833e39018b96b9d361cc27c0016a69d17ffbb6c30ae4cd6dc34",
    "tiny_pose": "c6863753b36b9c39593167db00a0e76aadb44c6aeebc8a8251f23bed77e098dd",
}


def test_shipped_weights_name_their_parents_within_their_size_limits():
    cards = {name: json.loads((WEIGHTS / name / "animator.json").read_text()) for name in ("tiny_prior", "tiny_pose", "tiny_e2e")}
    estimator = json.loads((WEIGHTS / "tiny_pose_estimator" / "estimator.json").read_text())
    assert {name: cards[name]["parents"]["init"] for name in GIVEN} == GIVEN
    pose = cards["tiny_pose"]["sha256"]
    assert cards["tiny_e2e"]["parents"]["init"] == pose and cards["tiny_e2e"]["data"]["kind"] == "pairs"
    assert cards["tiny_pose"]["parents"]["pose_estimator"] == estimator["sha256"]
    assert cards["tiny_e2e"]["parents"]["teacher"] == sha256((pose + estimator["sha256"]).encode())
    for name in cards:
        assert (WEIGHTS / name / "model.safetensors").stat().st_size <= 12e6
        assert not (WEIGHTS / name / "optimizer.safetensors").exists()


def test_the_shipped_prior_cannot_see_a_driver():
    from models.animators.load import load_animator
    from models.types import AnimationRequest, Clip

    animator, rng = load_animator("tiny_prior"), np.random.default_rng(0)
    drivers = [Clip(frames=rng.integers(0, 255, (6, 48, 48, 3), dtype=np.uint8), fps=8.0) for _ in range(2)]
    reference = drivers[0].frames[0]
    made = [
        animator.animate(AnimationRequest(id="x", reference=reference, driving=d, size=(48, 48), num_frames=6, seed=5)).clip.frames
        for d in drivers
    ]
    assert np.array_equal(*made)


def test_short_pose_is_what_its_recipe_says_and_the_demo_can_start_from_it():
    card, config = read_card(WEIGHTS / "short_pose"), RECIPES.load("short_pose")()
    assert card["class"] == "InContextAnimator" and card["backbone"]["family"] == "tiny" and card["steps"] == 1500
    assert {key: card["recipe"][key] for key in ("batch_size", "gap_frames", "seed", "grid")} == {
        key: json.loads(json.dumps(config.identity()))[key] for key in ("batch_size", "gap_frames", "seed", "grid")
    }
    assert RECIPES.load("demo_e2e")().grid == config.grid and load_checkpoint(WEIGHTS / "short_pose").grid == config.grid
    assert (WEIGHTS / "short_pose" / "model.safetensors").stat().st_size < 3e6


def test_an_estimators_place_is_named_by_the_way_from_the_checkpoint(people, tmp_path, small, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    out = tmp_path / "runs" / "pose"
    train(people, recipe="tiny_pose", steps=1, out=out, flags=TrainFlags(estimator=f"tracks:{people}", runtime=CPU))
    named = read_card(out)["motion"]["estimator"]
    assert named.startswith("tracks:../") and str(people) not in (out / "animator.json").read_text()
    monkeypatch.chdir("/")
    assert load_checkpoint(out).motion.weights_hash == read_card(out)["parents"]["pose_estimator"]
    child = TrainFlags(init=str(out), runtime=CPU)
    train(people, recipe="tiny_pose", steps=1, out=tmp_path / "deeper" / "still" / "child", flags=child)
    assert load_checkpoint(tmp_path / "deeper" / "still" / "child").motion.weights_hash == load_checkpoint(out).motion.weights_hash
