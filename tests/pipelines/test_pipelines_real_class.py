"""The whole chain on a real class: pose-driven LoRA -> pairs -> end-to-end LoRA -> generate -> score, from the command line, on diffusers'
own Wan classes with tiny random weights."""

import json

import numpy as np
import pandas as pd
import pytest

from awbench.world.export import write_clip_folder
from models.animators.checkpoint import read_card
from models.animators.places import WEIGHTS_PATH
from pipelines.cli import main
from tests.models.tiny_pipelines import save_wan

CHEAP = ["--runtime.device", "cpu", "--sampling.steps", "2"]
SMALL = [*CHEAP, "--size", "32x32", "--num-frames", "9"]


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)


def run(*arguments):
    status = main([str(argument) for argument in arguments])
    assert status == 0, arguments


def test_the_commands_of_the_readme_run_on_a_real_class(tmp_path, monkeypatch, capsys):
    weights = save_wan(tmp_path / "hub" / "Wan2.1-tiny")
    people, looks = tmp_path / "people", tmp_path / "looks"
    write_clip_folder(people, split="train", subjects=("human",), clips=2, size=48, num_frames=24)
    write_clip_folder(looks, split="train", subjects=("bird", "blob"), clips=2, size=48, num_frames=12)

    pose = ["train", "--recipe", "wan_1_3b_pose", "--data", people, "--estimator", "tiny", "--fps", 4, "--steps", 2]
    run(*pose, "--weights", weights, "--out", tmp_path / "pose", "--lora.rank", 4, "--lora.layers", "feed_forward,attention", *SMALL)
    card = read_card(tmp_path / "pose")
    assert card["adapter"]["rank"] == 4 and card["adapter"]["layers"] == ["feed_forward", "attention"] and card["sampling"]["steps"] == 2
    assert card["gap_frames"] == 4 and card["motion"]["normalised"] and card["grid"]["fps"] == 4.0
    assert card["backbone"]["weights"]["name"] == "Wan2.1-tiny" and str(tmp_path) not in json.dumps(card)

    open_gates = ["--thresholds.off"]
    factory = ["synthesize", "--driving", people, "--references", looks, "--teacher", tmp_path / "pose", "--limit", 3]
    run(*factory, *open_gates, "--runtime.device", "cpu", "--out", tmp_path / "pairs")
    manifest = pd.read_parquet(tmp_path / "pairs" / "manifest.parquet")
    assert (manifest["status"] == "kept").sum() == 3

    other = save_wan(tmp_path / "other" / "Wan2.1-tiny", num_layers=1)
    wrong = [
        "train",
        "--recipe",
        "wan_1_3b_e2e",
        "--init",
        tmp_path / "pose",
        "--data",
        tmp_path / "pairs",
        "--steps",
        2,
        "--weights",
        other,
    ]
    assert main([str(part) for part in (*wrong, "--weights", other, "--out", tmp_path / "wrong", *SMALL)]) == 2
    assert "--weights fingerprint" in capsys.readouterr().err and not (tmp_path / "wrong").exists()

    end = ["train", "--recipe", "wan_1_3b_e2e", "--init", tmp_path / "pose", "--data", tmp_path / "pairs", "--steps", 2]
    assert main([str(part) for part in (*end, "--out", tmp_path / "wrong", "--lora.rank", 8, *CHEAP)]) == 2
    assert "--lora.rank: got 8, expected 4 as in --init" in capsys.readouterr().err
    run(*end, "--out", tmp_path / "e2e", *CHEAP)  # the pairs' own size and length, the LoRA of --init
    card, parent = read_card(tmp_path / "e2e"), card
    assert (
        card["adapter"] == parent["adapter"]
        and card["grid"] == parent["grid"]
        and (card["grid"]["width"], card["grid"]["num_frames"]) == (32, 9)
    )
    assert card["parents"]["init"] == read_card(tmp_path / "pose")["sha256"] and card["data"]["kind"] == "pairs"
    assert card["motion"] == {"kind": "raw"} and card["gap_frames"] == 4 and card["grid"]["fps"] == 4.0

    monkeypatch.setenv(WEIGHTS_PATH, str(tmp_path / "hub"))
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "e2e").rename(tmp_path / "elsewhere" / "e2e")
    run("generate", "--animator", moved, "--suite", "world-mini", "--out", tmp_path / "run", "--runtime.device", "cpu")
    run("score", tmp_path / "run")
    scores = pd.read_parquet(tmp_path / "run" / "scores.parquet")
    assert set(scores["status"]) <= {"ok", "unscored"} and scores["case"].nunique() == 16
    assert np.isfinite(scores[scores["metric"] == "overall"]["value"]).all()
    generation = pd.read_parquet(tmp_path / "run" / "generation.parquet")
    assert generation["prompt"].str.len().gt(0).all()  # the guide the checkpoint was trained with
    assert generation["adaptation"].str.contains("painted at 4 fps").all()
    run("export", moved, "--out", tmp_path / "lora")
    assert (tmp_path / "lora" / "pytorch_lora_weights.safetensors").is_file()
