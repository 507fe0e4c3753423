"""`train` on real folders: clips, an exported cache, a dataset; lineage; and that no recipe can read a truth."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pipelines.recipes as recipes
from awbench.world.export import write_clip_folder
from models.animators.checkpoint import load_checkpoint, read_card
from models.artifacts import sha256
from models.backbones.tiny import TinyConfig
from pipelines.recipes import RECIPES
from pipelines.train import train

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "models" / "weights"


@pytest.fixture
def small(monkeypatch):
    """The real recipes with a network of a few thousand weights."""
    for name in ("tiny_prior", "tiny_pose", "tiny_e2e"):
        config = replace(RECIPES.load(name)(), backbone=TinyConfig(width=32, layers=1, heads=2), batch_size=2, precision="float32")
        monkeypatch.setattr(recipes, name, lambda config=config: config)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    write_clip_folder(folder, split="train", subjects=("human",), clips=3, size=48, num_frames=12)
    return folder


def test_the_chain_runs_and_every_checkpoint_names_its_parents(people, tmp_path, small):
    from pipelines.synthesize import run as synthesize

    train(people, recipe="tiny_pose_estimator", steps=1, out=tmp_path / "estimator")
    train(people, recipe="tiny_prior", steps=1, out=tmp_path / "prior")
    train(people, recipe="tiny_pose", steps=1, out=tmp_path / "pose", init=tmp_path / "prior", estimator=tmp_path / "estimator")
    card = read_card(tmp_path / "pose")
    assert card["parents"]["init"] == read_card(tmp_path / "prior")["sha256"] and "pose_estimator" in card["parents"]
    assert load_checkpoint(tmp_path / "pose").motion.kind == "skeleton"

    outcome = synthesize(driving=people, references=people, teacher="still", out=tmp_path / "still")
    assert outcome.kept == 0  # a still teacher passes no filter, so there is nothing to train on
    with pytest.raises(ValueError, match="examples: got 0"):
        train(tmp_path / "still", recipe="tiny_e2e", steps=1, out=tmp_path / "none", init=tmp_path / "pose")


def test_pairs_train_the_end_to_end_model_and_name_their_teacher(people, tmp_path, small):
    from pipelines.synthesize import run as synthesize

    outcome = synthesize(driving=people, references=people, teacher="flow_warp", out=tmp_path / "pairs")
    assert outcome.kept >= 1
    train(tmp_path / "pairs", recipe="tiny_e2e", steps=1, out=tmp_path / "e2e")
    card = read_card(tmp_path / "e2e")
    assert card["parents"] == {"teacher": "flow_warp"} and card["data"]["kind"] == "pairs"
    assert card["filter_metrics"] == ["appearance_consistency", "motion_fidelity"]


def test_the_backbone_of_init_takes_the_place_of_the_recipes(people, tmp_path, small, monkeypatch):
    train(people, recipe="tiny_prior", steps=1, out=tmp_path / "parent")
    other = replace(recipes.tiny_prior(), backbone=TinyConfig(width=64, layers=2, heads=2))
    monkeypatch.setattr(recipes, "tiny_prior", lambda: other)
    train(people, recipe="tiny_prior", steps=1, out=tmp_path / "child", init=tmp_path / "parent")
    assert read_card(tmp_path / "child")["backbone"] == read_card(tmp_path / "parent")["backbone"]


def test_an_exported_cache_trains_the_same_weights(people, tmp_path, small):
    train(people, recipe="tiny_prior", steps=2, out=tmp_path / "direct")
    train(people, recipe="tiny_prior", steps=2, out=tmp_path / "unused", export_cache=tmp_path / "cache.safetensors")
    train(tmp_path / "cache.safetensors", recipe="tiny_prior", steps=2, out=tmp_path / "cached")
    assert (tmp_path / "direct" / "model.safetensors").read_bytes() == (tmp_path / "cached" / "model.safetensors").read_bytes()
    assert not (tmp_path / "unused").exists()


def test_unreadable_clips_are_named_and_the_rest_is_used(people, tmp_path, small, capsys):
    import shutil

    shutil.copytree(people, tmp_path / "clips")
    (tmp_path / "clips" / "broken.mp4").write_bytes(b"text")
    train(tmp_path / "clips", recipe="tiny_prior", steps=1, out=tmp_path / "out")
    assert "broken.mp4: not a readable video" in capsys.readouterr().out
    assert read_card(tmp_path / "out")["examples"] == 3


def test_wrong_use_says_what_to_do(people, tmp_path, small):
    with pytest.raises(ValueError, match="recipe: got 'tiny_poze'.*did you mean tiny_pose"):
        train(people, recipe="tiny_poze", steps=1, out=tmp_path)
    with pytest.raises(ValueError, match="--data"):
        train(tmp_path / "nowhere", recipe="tiny_prior", steps=1, out=tmp_path)
    with pytest.raises(ValueError, match="an estimator folder"):
        train(people, recipe="tiny_pose", steps=1, out=tmp_path, estimator=tmp_path)


def test_no_training_code_can_reach_a_truth():
    """Truth lives in awbench's cases and suites; the files that feed training import neither, directly or through others."""
    reached, todo = (
        set(),
        ["pipelines.train", "bootstrap.clip_examples", "bootstrap.shards.reader", "bootstrap.synthesis", "models.training.loop"],
    )
    while todo:
        module = todo.pop()
        path = ROOT / (module.replace(".", "/") + ".py")
        if module in reached or not path.is_file():
            continue
        reached.add(module)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                todo += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                todo += [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
    assert "models.training.cache" in reached and "models.video" in reached
    assert not {m for m in reached if m.startswith(("awbench.world", "awbench.suites", "awbench.cases", "awbench.ground_truth"))}


GIVEN = {  # docs/tiny_models.md: the weights two stages started from, made in an earlier round or on trial
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
